// The page: files and the microphone in, cards with labels out. Decoding is in audio.js, the rest in worker.js.

import { decode, Microphone } from "./audio.js";
import { append, closed } from "./tagger.js";

const HISTORY = 60; // seconds of the microphone that its time line shows

const element = (id) => document.getElementById(id);
const [drop, files, microphone, status, results] = ["drop", "files", "microphone", "status", "results"].map(element);

// The page's policy holds in workers that begin in a blob, and not in those that begin in a file.
const program = `import ${JSON.stringify(new URL("worker.js", import.meta.url))};`;
const begin = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
const worker = new Worker(begin, { type: "module" });
const jobs = new Map();
let models; // { labels, sampleRate, window }, once they are loaded

worker.onmessage = ({ data }) => {
  if (data.loaded) ready(data.loaded);
  else if (data.failed) fail(data.failed);
  else if (data.done !== undefined) jobs.get(data.id)?.progress(data.done);
  else {
    const { resolve, reject } = jobs.get(data.id);
    jobs.delete(data.id);
    if (data.error) reject(new Error(data.error));
    else resolve(data.result);
  }
};
worker.onerror = (event) => {
  event.preventDefault();
  fail("onnxruntime-web is missing; run docs/demo/build.py");
};

function ready(loaded) {
  models = loaded;
  files.disabled = false;
  microphone.disabled = !navigator.mediaDevices?.getUserMedia;
  status.textContent = `Ready. The models know ${models.labels} sounds.`;
}

function fail(reason) {
  status.classList.add("failed");
  status.textContent = `The models cannot be loaded: ${reason}.`;
}

function tag(channels, progress = () => {}) {
  const id = crypto.randomUUID();
  return new Promise((resolve, reject) => {
    jobs.set(id, { resolve, reject, progress });
    worker.postMessage({ id, channels });
  });
}

// Files

files.onchange = () => {
  tagFiles([...files.files]);
  files.value = ""; // the same file can be chosen again
};

for (const kind of ["dragover", "drop", "dragleave"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && models) tagFiles([...event.dataTransfer.files]);
  });
}

async function tagFiles(chosen) {
  const cards = chosen.map((file) => newCard(file.name));
  results.prepend(...cards);
  for (const [i, file] of chosen.entries()) await tagFile(file, cards[i]);
}

async function tagFile(file, card) {
  let channels;
  note(card, "Decoding …");
  try {
    channels = await decode(await file.arrayBuffer(), models.sampleRate);
  } catch {
    card.dataset.state = "failed";
    note(card, "This browser cannot decode it.");
    return;
  }
  try {
    show(card, await tag(channels, (done) => note(card, `Tagging … ${Math.round(100 * done)} %`)));
    const player = card.querySelector("audio");
    player.src = URL.createObjectURL(file);
    player.hidden = false;
    player.setAttribute("aria-label", `Play ${file.name}`);
  } catch (error) {
    card.dataset.state = "failed";
    note(card, error.message);
  }
}

// Microphone

let recording = null;

microphone.onclick = async () => {
  microphone.disabled = true;
  try {
    if (recording) {
      await recording.close();
      recording = null;
    } else {
      recording = await record();
    }
    status.textContent = recording ? "Listening." : "Stopped.";
  } catch (error) {
    status.textContent = `The microphone cannot be used: ${error.message}.`;
  }
  microphone.setAttribute("aria-pressed", String(recording !== null));
  microphone.textContent = recording ? "Stop the microphone" : "Use the microphone";
  microphone.disabled = false;
};

async function record() {
  const card = newCard("Microphone");
  results.prepend(card);
  card.querySelector(".note").setAttribute("aria-live", "off"); // it changes every second
  const segments = [];
  let busy = false;
  note(card, "Listening …");
  const seconds = models.window / models.sampleRate;
  try {
    return await Microphone.open(seconds, models.sampleRate, async (samples, end) => {
      if (busy) return; // this machine is slower than the sound
      busy = true;
      try {
        const result = await tag(samples);
        append(segments, Math.max(0, end - 1), result.confident ? result.tags[0] : null);
        while (segments.length > 1 && segments[1].start < end - HISTORY) segments.shift();
        show(card, { ...result, duration: end, segments: closed(segments, end) }, Math.max(0, end - HISTORY));
      } catch (error) {
        note(card, error.message);
      }
      busy = false;
    });
  } catch (error) {
    card.remove();
    throw error;
  }
}

// Cards. Names of files and labels are only ever text.

function newCard(name) {
  const card = element("card").content.cloneNode(true).firstElementChild;
  card.querySelector(".name").textContent = name;
  return card;
}

function note(card, text) {
  card.querySelector(".note").textContent = text;
}

function show(card, { duration, tags, confident, segments }, from = 0) {
  card.dataset.state = confident ? "done" : "unsure";
  const unsure = tags.length ? "Not sure: it may be none of the sounds that the models know." : "Silence.";
  note(card, confident ? "" : unsure);
  card.querySelector(".duration").textContent = clock(duration);
  card.querySelector(".tags").replaceChildren(...tags.map(bar));
  const shown = segments.map((one) => ({ ...one, start: Math.max(one.start, from) }));
  card.querySelector(".lanes").replaceChildren(...lanes(shown, from, duration));
  card.querySelector(".from").textContent = clock(from);
  card.querySelector(".to").textContent = clock(duration);
  card.querySelector(".timeline").hidden = !segments.length;
}

function bar({ label, score }) {
  const item = element("tag").content.cloneNode(true).firstElementChild;
  item.querySelector(".label").textContent = label;
  item.querySelector(".meter > span").style.width = `${100 * score}%`;
  item.querySelector(".score").textContent = score.toFixed(3);
  return item;
}

function lanes(segments, from, to) {
  return [...new Set(segments.map(({ label }) => label))].map((label) => {
    const own = segments.filter((segment) => segment.label === label);
    const lane = document.createElement("li");
    const name = document.createElement("span");
    name.className = "lane-name";
    name.textContent = `${label} ${own.map(({ start, end }) => `${clock(start)}–${clock(end)}`).join(", ")}`;
    lane.append(...own.map((segment) => block(segment, from, to)), name);
    return lane;
  });
}

function block({ start, end, score }, from, to) {
  const part = document.createElement("span");
  part.className = "segment";
  part.style.left = `${(100 * (start - from)) / (to - from)}%`;
  part.style.width = `${(100 * (end - start)) / (to - from)}%`;
  part.title = score.toFixed(3);
  return part;
}

function clock(seconds) {
  const tenths = Math.round(10 * seconds);
  return `${Math.floor(tenths / 600)}:${((tenths % 600) / 10).toFixed(1).padStart(4, "0")}`;
}
