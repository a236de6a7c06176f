// Tags a waveform as audiotagger/inference does: each window with each model, the mean over windows and models.

import { metadata } from "./metadata.js";

const SILENCE = 1e-4; // a window with a lower peak is silent
const THRESHOLD = 0.5; // the best label of a confident answer has at least this score
const SHORTEST = 0.2; // seconds; the answer for anything shorter is never confident

/** An ensemble of models with the same labels. */
export class Tagger {
  /** `ort` is the module onnxruntime-web, `files` are the ONNX files as Uint8Array. */
  static async load(ort, files) {
    const models = [];
    for (const file of files) {
      const about = metadata(file);
      if (about.audiotagger !== "1") throw new Error("a file is not a model of this audiotagger version");
      const session = await ort.InferenceSession.create(file, { executionProviders: ["wasm"] });
      models.push({ about, predict: (window) => predict(ort, session, window) });
    }
    return new Tagger(models);
  }

  constructor(models) {
    this.models = models;
    this.labels = JSON.parse(models[0].about.labels);
    this.sampleRate = Number(models[0].about.sample_rate);
    this.window = Math.max(...models.map(({ about }) => Number(about.window_samples)));
    for (const { about } of models) {
      if (about.labels !== models[0].about.labels || Number(about.sample_rate) !== this.sampleRate) {
        throw new Error("the labels or the sample rates of the models differ");
      }
    }
  }

  /** Tag mono samples at `sampleRate`; `progress` is called with the share that is done. */
  async tag(samples, progress = () => {}) {
    const sums = new Float64Array(this.labels.length);
    const segments = [];
    let predicted = 0;
    const starts = windowStarts(samples.length, this.window);
    const duration = samples.length / this.sampleRate;
    for (const [index, start] of starts.entries()) {
      const window = filled(samples.subarray(start, start + this.window), this.window);
      let best = null;
      if (window.some((sample) => Math.abs(sample) >= SILENCE)) {
        const mean = await this.predict(window);
        mean.forEach((score, i) => (sums[i] += score));
        predicted++;
        [best] = top(this.labels, mean, 1);
      }
      append(segments, (index * this.window) / this.sampleRate, best && best.score >= THRESHOLD ? best : null);
      progress((index + 1) / starts.length);
    }
    const tags = predicted ? top(this.labels, sums.map((sum) => sum / predicted), 3) : [];
    const confident = duration >= SHORTEST && tags.length > 0 && tags[0].score >= THRESHOLD;
    return { duration, tags, confident, segments: duration >= SHORTEST ? closed(segments, duration) : [] };
  }

  /** Return the mean of the models' probabilities for one window. */
  async predict(window) {
    const mean = new Float64Array(this.labels.length);
    for (const model of this.models) {
      (await model.predict(window)).forEach((score, i) => (mean[i] += score / this.models.length));
    }
    return mean;
  }
}

async function predict(ort, session, window) {
  const waveform = new ort.Tensor("float32", window, [1, window.length]);
  const { probabilities } = await session.run({ waveform }, ["probabilities"]);
  return probabilities.data;
}

/** The last window ends where the waveform ends. */
function windowStarts(length, window) {
  const starts = [0];
  for (let end = window; end < length; end += window) starts.push(Math.min(end, length - window));
  return starts;
}

/** What is shorter than a window is repeated. */
function filled(samples, window) {
  if (samples.length === window) return samples;
  return Float32Array.from({ length: window }, (_, i) => samples[i % samples.length]);
}

function top(labels, scores, k) {
  const order = [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b);
  return order.slice(0, k).map((i) => ({ label: labels[i], score: scores[i] }));
}

/** Add the label from `start` seconds on: it ends the segment before, or extends it. */
export function append(segments, start, tag) {
  const last = segments.at(-1);
  if (last && last.label === tag?.label) last.scores.push(tag.score);
  else segments.push({ start, label: tag?.label, scores: tag ? [tag.score] : [] });
}

/** Return segments with their ends and mean scores, without those of no label. */
export function closed(segments, duration) {
  return segments
    .map(({ start, label, scores }, i) => {
      const score = scores.reduce((sum, one) => sum + one, 0) / scores.length;
      return { start, end: segments[i + 1]?.start ?? duration, label, score };
    })
    .filter(({ label }) => label);
}
