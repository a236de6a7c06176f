// What audiotagger/audio/filters.py does to samples, with the same numbers: no broken ones, one channel, nothing below
// hearing.

const BLOCK_SECONDS = 10;
const LOUDEST = 1e6; // a sample beyond this is none
const CANCELLED = 10 ** (-12 / 10); // share of the power of the loudest channel below which the mean is not used
const RESTORED = 10 ** (-6 / 10); // share from which it is used again
const CUT_OFF = 30; // Hz
const KNOT_RATE = 500; // Hz
const HALF_WIDTH = 45; // knots
const NOTHING = 1e-5; // what is below this for the time of a knot is left as it is

/** Return the mean over channels, each a Float32Array; where they cancel out, the loudest one. */
export function mixDown(channels, sampleRate) {
  const length = channels[0].length;
  const mono = new Float32Array(length);
  let cancelled = false;
  for (let start = 0; start < length; start += BLOCK_SECONDS * sampleRate) {
    const blocks = channels.map((channel) => repaired(channel.subarray(start, start + BLOCK_SECONDS * sampleRate)));
    const mean = blocks[0].map((_, i) => blocks.reduce((sum, block) => sum + block[i], 0) / blocks.length);
    const powers = blocks.map(power);
    const loudest = powers.indexOf(Math.max(...powers));
    cancelled = power(mean) < powers[loudest] * (cancelled ? RESTORED : CANCELLED);
    mono.set(cancelled ? blocks[loudest] : mean, start);
  }
  return mono;
}

function repaired(samples) {
  return samples.map((sample) => (Math.abs(sample) <= LOUDEST ? sample : 0));
}

/** Without that of a constant offset. */
function power(samples) {
  let sum = 0;
  let squares = 0;
  for (const sample of samples) {
    sum += sample;
    squares += sample * sample;
  }
  return squares / samples.length - (sum / samples.length) ** 2;
}

/** Return samples without a constant offset and what is below CUT_OFF: without a smooth curve through knots. */
export function removeRumble(samples, sampleRate) {
  const step = Math.max(1, Math.round(sampleRate / KNOT_RATE));
  const { spline, lowPass } = kernels(step);
  const edge = HALF_WIDTH + 3;
  const rows = Math.ceil(samples.length / step);
  const knots = new Float64Array(rows + 2 * edge - 3);
  for (let row = 0; row < rows + 2 * edge; row++) {
    for (let i = 0; i < step; i++) {
      const sample = mirrored(samples, (row - edge) * step + i) / step;
      for (let part = 0; part < 4; part++) {
        const knot = row - 3 + part;
        if (knot >= 0 && knot < knots.length) knots[knot] += sample * spline[part][i];
      }
    }
  }
  const smooth = new Float64Array(rows + 3).map((_, i) => lowPass.reduce((sum, tap, k) => sum + tap * knots[i + k], 0));
  const left = samples.slice();
  for (let row = 0; row < rows; row++) {
    const sound = left.subarray(row * step, (row + 1) * step);
    const whole = Array.from({ length: step }, (_, i) => mirrored(samples, row * step + i));
    if (whole.every((sample) => Math.abs(sample) < NOTHING)) continue;
    for (let i = 0; i < sound.length; i++) {
      for (let part = 0; part < 4; part++) sound[i] -= smooth[row + part] * spline[part][i];
    }
  }
  return left;
}

function mirrored(samples, index) {
  const period = 2 * samples.length;
  const at = ((index % period) + period) % period;
  return samples[at < samples.length ? at : period - 1 - at];
}

/** The four parts of a cubic B-spline, and the low-pass of knots. */
function kernels(step) {
  const times = Array.from({ length: step }, (_, i) => (i + 0.5) / step);
  const spline = [
    (t) => (1 - t) ** 3,
    (t) => 3 * t ** 3 - 6 * t ** 2 + 4,
    (t) => -3 * t ** 3 + 3 * t ** 2 + 3 * t + 1,
    (t) => t ** 3,
  ].map((part) => times.map((t) => part(t) / 6));
  const sinc = Array.from({ length: 2 * HALF_WIDTH + 1 }, (_, i) => {
    const x = ((2 * CUT_OFF) / KNOT_RATE) * (i - HALF_WIDTH) * Math.PI;
    return (x ? Math.sin(x) / x : 1) * (0.54 - 0.46 * Math.cos((Math.PI * i) / HALF_WIDTH)); // Hamming
  });
  const sharp = sinc.map((tap, i) => (5 * tap - (sinc[i - 1] ?? 0) - (sinc[i + 1] ?? 0)) / 3);
  const total = sharp.reduce((sum, tap) => sum + tap, 0);
  return { spline, lowPass: sharp.map((tap) => tap / total) };
}
