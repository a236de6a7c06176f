"""Evaluate the models on distorted and on shortened test clips, and print the tables of the model card.

    python benchmarks/robustness.py data

Needs the extra formats (PyAV encodes the MP3s).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import av
import numpy as np
import typer
from numpy.typing import NDArray

from audiotagger import Tagger
from audiotagger.audio.decoding import read_waveform
from audiotagger.datasets.dataset import find_data, read_split
from audiotagger.evaluation import metrics

Waveform = NDArray[np.float32]

SAMPLE_RATE = 16_000


def clipped(waveform: Waveform, _: np.random.Generator) -> Waveform:
    """Amplify a waveform to ten times full scale and clip it."""
    peak = np.abs(waveform).max(initial=1e-9)
    return np.asarray(np.clip(10 * waveform / peak, -1, 1), np.float32)


def quiet(waveform: Waveform, _: np.random.Generator) -> Waveform:
    """Scale a waveform to a root mean square of -70 dBFS and quantize it to 16 bits."""
    level = np.sqrt(np.mean(waveform**2)) + 1e-9
    return np.asarray(np.round(waveform * (10 ** (-70 / 20) / level) * 32_768) / 32_768, np.float32)


def offset(waveform: Waveform, _: np.random.Generator) -> Waveform:
    """Add a DC offset of three times the root mean square."""
    return waveform + np.float32(3 * np.sqrt(np.mean(waveform**2)))


def band_limited(waveform: Waveform, _: np.random.Generator) -> Waveform:
    """Remove everything above 4 kHz."""
    spectrum = np.fft.rfft(waveform)
    spectrum[np.fft.rfftfreq(len(waveform), 1 / SAMPLE_RATE) > 4_000] = 0
    return np.fft.irfft(spectrum, len(waveform)).astype(np.float32)


def mp3(waveform: Waveform, _: np.random.Generator) -> Waveform:
    """Encode a waveform as MP3 at 32 kbit/s, and decode it."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=SAMPLE_RATE, layout="mono")
        stream.bit_rate = 32_000
        frame = av.AudioFrame.from_ndarray(waveform[None], format="fltp", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        container.mux([*stream.encode(frame), *stream.encode(None)])
    file.seek(0)
    return read_waveform(file, SAMPLE_RATE)


def at_speed(factor: float) -> Callable[[Waveform, np.random.Generator], Waveform]:
    """Return a function that changes tempo and pitch by `factor`."""

    def change(waveform: Waveform, _: np.random.Generator) -> Waveform:
        positions = np.arange(0, max(len(waveform) - 1, 1), factor)
        return np.asarray(np.interp(positions, np.arange(len(waveform)), waveform), np.float32)

    return change


def in_a_room(waveform: Waveform, rng: np.random.Generator) -> Waveform:
    """Add reverberation of 0.6 s at the level of the direct sound."""
    response = rng.normal(size=round(0.6 * SAMPLE_RATE)) * 10 ** (-3 * np.linspace(0, 1, round(0.6 * SAMPLE_RATE)))
    response /= np.sqrt(np.sum(response**2))
    response[0] += 1
    size = len(waveform) + len(response)
    wet = np.fft.irfft(np.fft.rfft(waveform, size) * np.fft.rfft(response, size), size)
    return np.asarray(wet[: len(waveform)], np.float32)


def with_noise(decibels: float) -> Callable[[Waveform, np.random.Generator], Waveform]:
    """Return a function that adds white noise at a signal-to-noise ratio of `decibels`."""

    def add(waveform: Waveform, rng: np.random.Generator) -> Waveform:
        level = np.sqrt(np.mean(waveform**2)) * 10 ** (-decibels / 20)
        noise = rng.normal(0, level, len(waveform)).astype(np.float32)
        return np.asarray(waveform + noise)

    return add


def cut_to(seconds: float) -> Callable[[Waveform, np.random.Generator], Waveform]:
    """Return a function that keeps the loudest `seconds` of a waveform."""

    def cut(waveform: Waveform, _: np.random.Generator) -> Waveform:
        samples = round(seconds * SAMPLE_RATE)
        if len(waveform) <= samples:
            return waveform
        energy = np.cumsum(np.concatenate([[0.0], waveform.astype(np.float64) ** 2]))
        start = int(np.argmax(energy[samples:] - energy[:-samples]))
        return np.asarray(waveform[start : start + samples])

    return cut


DISTORTIONS: dict[str, Callable[[Waveform, np.random.Generator], Waveform]] = {
    "none": lambda waveform, _: waveform,
    "clipped by 20 dB": clipped,
    "quiet, -70 dBFS in 16 bits": quiet,
    "DC offset of three times the level": offset,
    "band-limited to 4 kHz": band_limited,
    "MP3 at 32 kbit/s": mp3,
    "3 % slower": at_speed(0.97),
    "3 % faster": at_speed(1.03),
    "room, 0.6 s": in_a_room,
    "noise at 20 dB": with_noise(20),
    "noise at 10 dB": with_noise(10),
    "noise at 0 dB": with_noise(0),
}

LENGTHS = (0.05, 0.1, 0.2, 0.5, 1.0)


def main(
    data: Annotated[Path | None, typer.Argument()] = None,
    models: Annotated[Path | None, typer.Option(metavar="DIR")] = None,
    clips: Annotated[int, typer.Option(help="Number of clips, evenly spaced; 0 for all.")] = 0,
) -> None:
    """Print a table of distortions and one of lengths."""
    root = find_data(data)
    tagger = Tagger.load(models)
    listed = [clip for clip in read_split(root, "test") if clip.label in tagger.labels]
    listed = listed[:: max(len(listed) // clips, 1)] if clips else listed
    waveforms = [read_waveform(clip.path, SAMPLE_RATE) for clip in listed]
    truth = np.array([tagger.labels.index(clip.label) for clip in listed])
    typer.echo(f"{len(listed)} clips\n")
    for title, functions in (
        ("distortion", DISTORTIONS),
        ("cut to", {f"{seconds:g} s": cut_to(seconds) for seconds in LENGTHS}),
    ):
        typer.echo(f"| {title} | MAP@3 | top-1 | confident | of these right | ECE |\n|---|---|---|---|---|---|")
        for name, function in functions.items():
            typer.echo(f"| {name} | " + " | ".join(row(tagger, waveforms, truth, function)) + " |")
        typer.echo()


def row(
    tagger: Tagger,
    waveforms: list[Waveform],
    truth: NDArray[np.int64],
    function: Callable[[Waveform, np.random.Generator], Waveform],
) -> Iterator[str]:
    """Yield the cells of one row."""
    rng = np.random.default_rng(0)
    scores, confident = np.zeros((len(waveforms), len(tagger.labels))), np.zeros(len(waveforms), bool)
    for i, waveform in enumerate(waveforms):
        tagging = tagger.tag(function(waveform, rng), sample_rate=SAMPLE_RATE, top_k=len(tagger.labels))
        confident[i] = tagging.confident
        for tag in tagging.tags:
            scores[i, tagger.labels.index(tag.label)] = tag.score
    right = scores.argmax(axis=1) == truth
    yield f"{metrics.map_at(scores, truth):.3f}"
    yield f"{right.mean():.3f}"
    yield f"{confident.mean():.0%}"
    yield f"{right[confident].mean():.0%}" if confident.any() else ""
    yield f"{metrics.calibration_error(scores, truth):.3f}"


if __name__ == "__main__":
    typer.run(main)
