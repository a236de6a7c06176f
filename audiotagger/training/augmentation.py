"""Augment waveforms: length, speed, equalizer, reverberation, muted spans, background, mixup; synthesize noise.

Everything works on waveforms (float32), so both models learn from the same sounds. All randomness comes from the
generator `rng` passed in; probabilities and strengths are those of `AUGMENTATION`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audiotagger.audio.types import Waveform
from audiotagger.training.recipes import AUGMENTATION


def crop(waveform: Waveform, samples: int, rng: np.random.Generator) -> Waveform:
    """Return a random crop of `samples` samples; a shorter waveform is returned whole."""
    start = int(rng.integers(max(len(waveform) - samples, 0) + 1))
    return waveform[start : start + samples]


def pad(waveform: Waveform, samples: int, rng: np.random.Generator) -> Waveform:
    """Return `samples` samples of silence with a waveform, at most as long, at a random position."""
    out = np.zeros(samples, np.float32)
    start = int(rng.integers(samples - len(waveform) + 1))
    out[start : start + len(waveform)] = waveform
    return out


def crop_or_tile(waveform: Waveform, samples: int, rng: np.random.Generator) -> Waveform:
    """Bring a waveform of any length to `samples` samples.

    A long one is cropped at random. A short one is repeated without gaps, placed in silence or repeated with random
    gaps, as `AUGMENTATION` has it.
    """
    if len(waveform) >= samples:
        return crop(waveform, samples, rng)
    choice = rng.random()
    if choice < AUGMENTATION.tile:
        return np.resize(np.roll(waveform, rng.integers(len(waveform))), samples)
    if choice < AUGMENTATION.tile + AUGMENTATION.pad:
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
    """Change tempo and pitch together by a random factor, by linear interpolation.

    Parameters
    ----------
    waveform
        [samples]
    rng
        Source of randomness.

    Returns
    -------
    NDArray
        [samples / factor], with a factor of at most `AUGMENTATION.max_speed` and at least its inverse.
    """
    factor = AUGMENTATION.max_speed ** rng.uniform(-1, 1)
    positions = np.arange(0, max(len(waveform) - 1, 1), factor)
    return np.interp(positions, np.arange(len(waveform)), waveform).astype(np.float32)


def random_eq_reverb(waveform: Waveform, sample_rate: int, rng: np.random.Generator) -> Waveform:
    """Apply a random equalizer, at times with band limits, a missing band and reverberation.

    All filters are one product of spectra.

    Parameters
    ----------
    waveform
        [samples]
    sample_rate
        Hz
    rng
        Source of randomness.

    Returns
    -------
    NDArray
        [samples]. What is more than 80 dB below the peak is exactly zero, as silence around the clip was before:
        `RMSNormalization` leaves out samples that are zero.
    """
    n = len(waveform) + sample_rate // 2
    spectrum = np.fft.rfft(waveform, n)
    spectrum *= (10 ** (_random_gain(len(spectrum), sample_rate, rng) / 20)).astype(np.float32)
    if rng.random() < AUGMENTATION.reverb:
        spectrum *= np.fft.rfft(_room_impulse_response(sample_rate, rng), n)
    filtered = np.fft.irfft(spectrum, n)[: len(waveform)].astype(np.float32)
    filtered[np.abs(filtered) < 1e-4 * np.abs(filtered).max()] = 0
    return filtered


def _random_gain(bins: int, sample_rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a random frequency response in dB, [bins], of bins evenly spaced up to half the sample rate."""
    octave = np.log2(np.arange(1, bins + 1) * (sample_rate / 2 / bins))
    top = np.log2(sample_rate / 2)
    knots = np.linspace(np.log2(50), top, 8)
    decibels: NDArray[np.float64] = np.interp(octave, knots, rng.normal(0, AUGMENTATION.eq_db, len(knots)))
    if rng.random() < AUGMENTATION.low_pass:
        cutoff = rng.uniform(top - AUGMENTATION.low_pass_octaves, top)
        decibels -= np.maximum(octave - cutoff, 0) * rng.uniform(*AUGMENTATION.low_pass_slope)
    if rng.random() < AUGMENTATION.high_pass:
        lowest, highest = AUGMENTATION.high_pass_hz
        cutoff = rng.uniform(np.log2(lowest), np.log2(highest))
        decibels -= np.maximum(cutoff - octave, 0) * rng.uniform(*AUGMENTATION.high_pass_slope)
    if rng.random() < AUGMENTATION.band_stop:
        width = rng.uniform(*AUGMENTATION.band_stop_octaves)
        start = rng.uniform(np.log2(100), top - width)
        decibels = np.where((octave > start) & (octave < start + width), -60.0, decibels)
    return decibels


def _room_impulse_response(sample_rate: int, rng: np.random.Generator) -> Waveform:
    """Return a direct sound of amplitude 1 and exponentially decaying noise, at most half a second of it."""
    decay = rng.uniform(*AUGMENTATION.reverb_seconds)
    time = np.arange(min(int(decay * sample_rate), sample_rate // 2)) / sample_rate
    response = rng.normal(0, 1, len(time)) * 10 ** (-3 * time / decay)
    response *= rng.uniform(*AUGMENTATION.reverb_level) / np.sqrt(np.sum(response**2))
    response[0] += 1
    return response.astype(np.float32)


def synthesize(samples: int, sample_rate: int, rng: np.random.Generator) -> Waveform:
    """Return a sound that no label names: noise of some colour, or steady or sliding tones, at times filtered.

    Parameters
    ----------
    samples
        Length.
    sample_rate
        Hz
    rng
        Source of randomness.

    Returns
    -------
    NDArray
        [samples], with a root mean square of about 1.
    """
    time = np.arange(samples) / sample_rate
    kind = rng.integers(4)
    if kind < 2:
        spectrum = np.fft.rfft(rng.normal(size=samples))
        slope = rng.uniform(0, 2)  # of the power: white, pink, brown
        sound = np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 20) ** (slope / 2), samples)
    elif kind == 2:
        lowest = np.exp(rng.uniform(np.log(40), np.log(4000)))
        harmonics = np.arange(1, rng.integers(2, 12))
        harmonics = harmonics[harmonics * lowest < sample_rate / 2]
        levels = harmonics ** -rng.uniform(0, 2) * rng.exponential(size=len(harmonics))
        phases = np.outer(time, harmonics * lowest) + rng.random(len(harmonics))
        sound = np.sin(2 * np.pi * phases) @ levels
    else:
        start, end = np.exp(rng.uniform(np.log(50), np.log(0.45 * sample_rate), 2))
        sound = np.sin(2 * np.pi * np.cumsum(np.geomspace(start, end, samples)) / sample_rate)
    waveform = sound.astype(np.float32)
    if rng.random() < AUGMENTATION.eq_reverb:
        waveform = random_eq_reverb(waveform, sample_rate, rng)
    return waveform / rms(waveform)


def mute_span(waveform: Waveform, rng: np.random.Generator) -> Waveform:
    """Return a copy of a waveform [samples] with a random span of at most `AUGMENTATION.max_mute` of it set to zero."""
    width = int(rng.uniform(0, AUGMENTATION.max_mute) * len(waveform))
    start = int(rng.integers(len(waveform) - width + 1))
    out = waveform.copy()
    out[start : start + width] = 0
    return out


def rms(waveforms: Waveform) -> Waveform:
    """Return the root mean square of the samples that are not zero.

    Parameters
    ----------
    waveforms
        [..., samples]

    Returns
    -------
    NDArray
        [..., 1], at least 1e-4.
    """
    power = np.sum(waveforms**2, axis=-1, keepdims=True)
    nonzero = np.count_nonzero(waveforms, axis=-1, keepdims=True)
    level: Waveform = np.sqrt(power / np.maximum(nonzero, 1)).astype(np.float32)
    return np.maximum(level, np.float32(1e-4))


def add_at(waveform: Waveform, other: Waveform, decibels: float) -> Waveform:
    """Return the sum of two waveforms [samples], with `other` at a level of `decibels` relative to `waveform`."""
    return waveform + other * (10 ** (decibels / 20) * rms(waveform) / rms(other))


def mixup(
    waveforms: Waveform, targets: dict[str, Waveform], share: Waveform, order: NDArray[np.intp]
) -> tuple[Waveform, dict[str, Waveform]]:
    """Mix each waveform of a batch with another one, and their targets likewise.

    Both are brought to one level first, so that the targets correspond to the loudness of each.

    Parameters
    ----------
    waveforms
        [batch, samples]
    targets
        By name, each [batch, n].
    share
        [batch, 1], in [0, 1]: the weight of each waveform; the other one has 1 - `share`.
    order
        [batch]: the index of the other waveform.

    Returns
    -------
    waveforms
        [batch, samples], at a root mean square of about 1.
    targets
        As given, mixed.

    References
    ----------
    Between-class learning: Tokozume et al. 2018, arXiv:1711.10284
    """
    level = waveforms / rms(waveforms)
    mixed = (share * level + (1 - share) * level[order]) / np.sqrt(share**2 + (1 - share) ** 2)
    return mixed, {name: share * target + (1 - share) * target[order] for name, target in targets.items()}
