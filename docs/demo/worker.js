// Tags in a thread of its own: the page stays responsive.

import * as ort from "./runtime/ort.wasm.bundle.min.mjs";
import { mixDown, removeRumble } from "./filters.js";
import { Tagger } from "./tagger.js";

ort.env.wasm.numThreads = 1; // more would need headers that a static server does not send
ort.env.wasm.wasmPaths = { wasm: new URL("./runtime/ort-wasm-simd-threaded.wasm", import.meta.url).href };

async function fetched(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name} is missing; run docs/demo/build.py`);
  return response;
}

async function load() {
  const names = await (await fetched("models/models.json")).json();
  const files = names.map(async (name) => new Uint8Array(await (await fetched(`models/${name}`)).arrayBuffer()));
  return Tagger.load(ort, await Promise.all(files));
}

const loading = load();
loading.then(
  ({ labels, sampleRate, window }) => postMessage({ loaded: { labels: labels.length, sampleRate, window } }),
  (error) => postMessage({ failed: error.message }),
);

let busy = loading.catch(() => {});
onmessage = ({ data: { id, channels } }) => {
  busy = busy.then(async () => {
    try {
      const tagger = await loading;
      const samples = removeRumble(mixDown(channels, tagger.sampleRate), tagger.sampleRate);
      const result = await tagger.tag(samples, (done) => postMessage({ id, done }));
      postMessage({ id, result });
    } catch (error) {
      postMessage({ id, error: error.message });
    }
  });
};
