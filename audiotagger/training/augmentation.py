"""Make one recording sound like many: placing, speed, equaliser, room, background, mixing.

Everything works on waveforms (float32, numpy) before the net, so both nets learn from the same sounds. All
randomness comes from the generator passed in.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Waveform = NDArray[np.float32]

SPEED = 1.25
"""Largest change of speed, either way: EnvNet-v2's (Tokozume et al. 2018, arXiv:1711.10282)."""


def crop(waveform: Waveform, samples: int, rng: np.random.Generator) -> Waveform:
    """Return a random crop of `samples` samples, all of a clip that is shorter."""
    start = int(rng.integers(max(len(waveform) - samples, 0) + 1))
    return waveform[start : start + samples]


def pad(waveform: Waveform, samples: int, rng: np.random.Generator) -> Waveform:
    """Put a clip of at most `samples` samples at a random place in as much silence."""
    out = np.zeros(samples, np.float32)
    start = int(rng.integers(samples - len(waveform) + 1))
    out[start : start + len(waveform)] = waveform
    return out


def crop_or_tile(waveform: Waveform, samples: int, rng: np.random.Generator) -> Waveform:
    """Return `samples` samples: a random crop of a long clip, a short one repeated or in silence.

    Half of the short ones are repeated without a gap, as tagging does; a quarter with random gaps, as one-shots (a drum
    hit, a key click) are in the wild; a quarter lie at a random place in silence.
    """
    if len(waveform) >= samples:
        return crop(waveform, samples, rng)
    manner = rng.random()
    if manner < 0.5:
        return np.resize(np.roll(waveform, rng.integers(len(waveform))), samples)
    if manner < 0.75:
        return pad(waveform, samples, rng)
    out = np.zeros(samples, np.float32)
    longest_gap = rng.uniform(0, 1) * len(waveform)
    start = -int(rng.integers(len(waveform)))
    while start < samples:
        begin, end = max(start, 0), min(start + len(waveform), samples)
        out[begin:end] = waveform[begin - start : end - start]
        start = end + int(rng.uniform(0, 1) * longest_gap) + 1
    return out


def change_speed(waveform: Waveform, rng: np.random.Generator) -> Waveform:
    """Play faster or slower by up to `SPEED`, pitch and all, by linear interpolation."""
    factor = SPEED ** rng.uniform(-1, 1)
    positions = np.arange(0, max(len(waveform) - 1, 1), factor)
    return np.interp(positions, np.arange(len(waveform)), waveform).astype(np.float32)


def random_eq_reverb(waveform: Waveform, sample_rate: int, rng: np.random.Generator) -> Waveform:
    """Record the sound elsewhere: a random equaliser, at times band limits, a missing band, a room.

    All of it is one product of spectra. The result is as long as the input, and what lies 80 dB below its peak is
    exactly zero, as silence around a short clip was before: the nets take the level from what is not.
    """
    n = len(waveform) + sample_rate // 2
    spectrum = np.fft.rfft(waveform, n)
    bins = len(spectrum)
    octave = np.log2(np.arange(1, bins + 1) * (sample_rate / 2 / bins))
    top = np.log2(sample_rate / 2)
    knots = np.linspace(np.log2(50), top, 8)
    decibels = np.interp(octave, knots, rng.normal(0, 4, len(knots)))
    if rng.random() < 0.25:  # small speakers, old codecs
        decibels -= np.maximum(octave - rng.uniform(top - 2.5, top), 0) * rng.uniform(12, 48)
    if rng.random() < 0.25:  # rumble filters, phones
        decibels -= np.maximum(rng.uniform(np.log2(60), np.log2(500)) - octave, 0) * rng.uniform(6, 24)
    if rng.random() < 0.3:  # the frequency mask of SpecAugment (Park et al. 2019, arXiv:1904.08779)
        width = rng.uniform(0.2, 1.0)
        start = rng.uniform(np.log2(100), top - width)
        decibels = np.where((octave > start) & (octave < start + width), -60.0, decibels)
    spectrum *= (10 ** (decibels / 20)).astype(np.float32)
    if rng.random() < 0.25:
        spectrum *= np.fft.rfft(_room(sample_rate, rng), n)
    coloured = np.fft.irfft(spectrum, n)[: len(waveform)].astype(np.float32)
    coloured[np.abs(coloured) < 1e-4 * np.abs(coloured).max()] = 0
    return coloured


def _room(sample_rate: int, rng: np.random.Generator) -> Waveform:
    """A room's impulse response: the direct sound, then noise that decays by 60 dB in 0.1 to 0.8 s."""
    decay = rng.uniform(0.1, 0.8)
    time = np.arange(min(int(decay * sample_rate), sample_rate // 2)) / sample_rate
    response = rng.normal(0, 1, len(time)) * 10 ** (-3 * time / decay)
    response *= rng.uniform(0.1, 0.7) / np.sqrt(np.sum(response**2))
    response[0] += 1
    return response.astype(np.float32)


def mute_span(waveform: Waveform, rng: np.random.Generator) -> Waveform:
    """Silence a random span of up to a fifth: the time mask of SpecAugment."""
    width = int(rng.uniform(0, 0.2) * len(waveform))
    start = int(rng.integers(len(waveform) - width + 1))
    out = waveform.copy()
    out[start : start + width] = 0
    return out


def rms(waveforms: Waveform) -> Waveform:
    """Root mean square over the samples that are not zero, along the last axis, kept as an axis; at least 1e-4."""
    power = np.sum(waveforms**2, axis=-1, keepdims=True)
    sounding = np.count_nonzero(waveforms, axis=-1, keepdims=True)
    level: Waveform = np.sqrt(power / np.maximum(sounding, 1)).astype(np.float32)
    return np.maximum(level, np.float32(1e-4))


def add_at(waveform: Waveform, other: Waveform, decibels: float) -> Waveform:
    """Add another sound [samples] to a waveform [samples], at a level of `decibels` relative to it."""
    return waveform + other * (10 ** (decibels / 20) * rms(waveform) / rms(other))


def mixup(
    waveforms: Waveform, targets: dict[str, Waveform], share: Waveform, order: NDArray[np.intp]
) -> tuple[Waveform, dict[str, Waveform]]:
    """Mix each waveform with the one at `order`, loudness `share` to 1 - `share`; targets are mixed the same.

    Between-class learning (Tokozume et al. 2018, arXiv:1711.10284): both are brought to one level first, so that the
    label says what is heard. waveforms: [batch, samples]; targets: each [batch, n]; share: [batch, 1] in [0, 1].
    """
    level = waveforms / rms(waveforms)
    mixed = (share * level + (1 - share) * level[order]) / np.sqrt(share**2 + (1 - share) ** 2)
    return mixed, {name: share * target + (1 - share) * target[order] for name, target in targets.items()}
