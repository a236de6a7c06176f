// Decoding and recording with Web Audio.

/** Decode a file's bytes (ArrayBuffer) to channels at `sampleRate`. Rejects if the browser cannot. */
export async function decode(bytes, sampleRate) {
  // Decoding resamples with a proper filter. Playing a buffer of another rate would interpolate between samples.
  const context = new OfflineAudioContext(1, 1, sampleRate);
  const buffer = await context.decodeAudioData(bytes);
  return Array.from({ length: buffer.numberOfChannels }, (_, i) => buffer.getChannelData(i));
}

/** Record the microphone, and call `received` every second with the last seconds of it at `sampleRate`. */
export class Microphone {
  static async open(seconds, sampleRate, received) {
    const asIs = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const stream = await navigator.mediaDevices.getUserMedia({ audio: asIs });
    const context = new AudioContext();
    await context.audioWorklet.addModule(new URL("recorder.js", import.meta.url));
    const recorder = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
    const microphone = new Microphone(stream, context);
    const kept = new Float32Array(seconds * context.sampleRate);
    let filled = 0;
    let total = 0;
    let next = context.sampleRate;
    recorder.port.onmessage = async ({ data }) => {
      const room = kept.length - filled;
      if (data.length > room) kept.copyWithin(0, data.length - room, filled);
      filled = Math.min(filled + data.length, kept.length);
      kept.set(data, filled - data.length);
      total += data.length;
      if (total < next) return;
      next += context.sampleRate;
      const end = total / context.sampleRate;
      received(await decode(wav(kept.subarray(0, filled), context.sampleRate), sampleRate), end);
    };
    context.createMediaStreamSource(stream).connect(recorder);
    await context.resume();
    return microphone;
  }

  constructor(stream, context) {
    this.stream = stream;
    this.context = context;
  }

  async close() {
    this.stream.getTracks().forEach((track) => track.stop());
    await this.context.close();
  }
}

/** Return a WAV file of one float channel: decoding it resamples as files are resampled. */
function wav(samples, sampleRate) {
  const bytes = new ArrayBuffer(44 + 4 * samples.length);
  const view = new DataView(bytes);
  const text = (at, letters) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, bytes.byteLength - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 3, true); // float
  view.setUint16(22, 1, true); // channel
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, 4 * sampleRate, true);
  view.setUint16(32, 4, true);
  view.setUint16(34, 32, true);
  text(36, "data");
  view.setUint32(40, 4 * samples.length, true);
  new Float32Array(bytes, 44).set(samples);
  return bytes;
}
