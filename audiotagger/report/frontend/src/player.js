// One audio element for the whole page.
import { mediaOf } from "./data.js";

export const audio = document.createElement("audio");
audio.preload = "none";

export const player = { index: null, failed: new Set() };

let changed = () => {};
export const onChange = (callback) => (changed = callback);

export const canPlay = (record) => Boolean(record.src || mediaOf(record.index).audio);
export const isPlaying = (record) => player.index === record?.index && !audio.paused;

export function play(record, at) {
  if (!canPlay(record)) return;
  if (player.index !== record.index) {
    player.index = record.index;
    audio.src = mediaOf(record.index).audio || record.src;
    at ??= 0;
  }
  if (at !== undefined) seek(at);
  audio.play().catch(() => {}); // an error is an event too
  changed();
}

export function toggle(record) {
  if (isPlaying(record)) audio.pause();
  else play(record);
}

export function seek(at) {
  const go = () => (audio.currentTime = Math.max(0, at));
  if (audio.readyState) go();
  else audio.addEventListener("loadedmetadata", go, { once: true });
}

// Where the current file is, from 0 to 1.
const fraction = () => audio.currentTime / (audio.duration || 1) || 0;

let next = 0;

function follow() {
  for (const line of document.querySelectorAll(`[data-time="${player.index}"]`))
    line.style.setProperty("--at", `${100 * fraction()}%`);
  cancelAnimationFrame(next);
  if (!audio.paused) next = requestAnimationFrame(follow);
}

for (const event of ["play", "pause", "ended"]) audio.addEventListener(event, () => (follow(), changed()));
for (const event of ["seeked", "timeupdate"]) audio.addEventListener(event, () => (follow(), changed()));
audio.addEventListener("playing", () => (player.failed.delete(player.index), changed()));
audio.addEventListener("error", () => (player.failed.add(player.index), changed()));
