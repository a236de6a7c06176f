// "Sounds like this": the nearest files by the angle between their embeddings, around the mean of the batch.
import { decodeBytes } from "./data.js";

const cache = new Map();
let directions;

function prepare(records) {
  const vectors = records.filter((record) => record.vector).map((record) => [record, decodeBytes(record.vector)]);
  const mean = new Float32Array(vectors[0]?.[1].length ?? 0);
  const unit = (vector) => {
    const length = Math.hypot(...vector) || 1;
    return vector.map((value) => value / length);
  };
  const units = vectors.map(([record, vector]) => [record, unit(Float32Array.from(vector))]);
  if (units.length > 10) for (const [, vector] of units) vector.forEach((value, i) => (mean[i] += value / units.length));
  return new Map(units.map(([record, vector]) => [record, unit(vector.map((value, i) => value - mean[i]))]));
}

export function nearest(record, records, most = 6) {
  directions ??= prepare(records);
  const own = directions.get(record);
  if (!own) return [];
  if (!cache.has(record)) {
    const angles = [];
    for (const [other, vector] of directions) {
      if (other === record) continue;
      let cosine = 0;
      for (let i = 0; i < own.length; i++) cosine += own[i] * vector[i];
      angles.push([cosine, other]);
    }
    angles.sort((a, b) => b[0] - a[0]);
    cache.set(record, angles.slice(0, most).map(([, other]) => other));
  }
  return cache.get(record);
}
