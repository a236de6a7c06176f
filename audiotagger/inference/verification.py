"""Whether model files are what `audiotagger export` makes: metadata, inputs, outputs, and what they say of a sound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiotagger.errors import ModelError
from audiotagger.inference.model import Model
from audiotagger.inference.tagger import Tagger

TOLERANCE = 1e-4
"""How far apart two probabilities may be that ought to be the same: what arithmetic of other machines differs by."""

QUANTIZED_TOLERANCE = 0.02
"""The same for a net in 8 bits: a difference of the last digit can move a value to the next of 256 steps."""

DIGITS = 6
"""After the point, of the probabilities in the metadata."""

SAMPLE_RATES = (1_000, 400_000)
"""Hz, lowest and highest: of anything that is called audio."""

WINDOWS = (0.1, 600.0)
"""Seconds, shortest and longest that a net may have been trained to hear at once."""


class Level(StrEnum):
    """How bad a finding is."""

    ok = "ok"
    warning = "warning"
    error = "error"


@dataclass(frozen=True)
class Finding:
    """What is to be said of one file."""

    level: Level
    text: str
    """One line that begins with the file's path."""


def verify(paths: Sequence[Path]) -> Iterator[Finding]:
    """Check model files that are to be averaged; what is wrong with them raises nothing.

    A file has either errors, or one finding that is ok and perhaps a warning before it. Whether it can be averaged is
    asked of the first file that has no errors.
    """
    first: Model | None = None
    for path in paths:
        try:
            model = Model.load(path)
            errors = _errors(model)
            if not errors:
                first = first or model
                Tagger([first, model])
        except ModelError as error:
            errors = [str(error)]
        yield from (Finding(Level.error, text) for text in errors)
        if errors:
            continue
        if not model.reference_output:
            yield Finding(Level.warning, f"{path}: no reference output to compare with; exports of today have one")
        yield Finding(Level.ok, f"{path}: {model.kind}, {len(model.labels)} labels, version {model.version}")


def _errors(model: Model) -> list[str]:
    """The errors of the first of these checks that finds any: each relies on the ones before."""
    for check in (_metadata_errors, _tensor_errors, _output_errors, _reference_errors):
        try:
            errors = [f"{model.path}: {error}" for error in check(model)]
        except ModelError as error:
            errors = [str(error)]
        if errors:
            return errors
    return []


def _metadata_errors(model: Model) -> Iterator[str]:
    if not model.labels or not all(isinstance(label, str) and label for label in model.labels):
        yield "its labels are not a list of names"
    else:
        twice = [label for label, count in Counter(model.labels).items() if count > 1]
        if twice:
            yield f"labels that it has twice: {', '.join(twice)}"
    if not SAMPLE_RATES[0] <= model.sample_rate <= SAMPLE_RATES[1]:
        yield f"a sample rate of {model.sample_rate} Hz is not from {SAMPLE_RATES[0]} to {SAMPLE_RATES[1]} Hz"
    elif not WINDOWS[0] <= model.window_samples / model.sample_rate <= WINDOWS[1]:
        seconds = model.window_samples / model.sample_rate
        yield f"a window of {seconds:g} s is not from {WINDOWS[0]:g} to {WINDOWS[1]:g} s"
    if not 0 < model.temperature < np.inf:
        yield f"a temperature of {model.temperature:g} is not above 0"
    if not isinstance(model.scores, dict) or (model.scores and "map3" not in model.scores):
        yield "its scores have no map3"
    if model.embedding_size < 0:
        yield f"an embedding of {model.embedding_size} numbers"


def _tensor_errors(model: Model) -> Iterator[str]:
    """What differs from the documented inputs and outputs, which take any number of clips and samples."""
    number = "tensor(float)"
    outputs = {"probabilities": (number, (None, len(model.labels)))}
    if model.embedding_size:
        outputs["embedding"] = (number, (None, model.embedding_size))
    for what, found, expected in (
        ("inputs", model.inputs(), {"waveform": (number, (None, None))}),
        ("outputs", model.outputs(), outputs),
    ):
        if found != expected:
            yield f"its {what} are {found}, not {expected}"


def _output_errors(model: Model) -> Iterator[str]:
    """What is wrong with the answers to a few clips, silence among them, at one length after the other."""
    for samples in (model.window_samples, model.window_samples // 2, 2 * model.window_samples):
        sound = reference_waveform(model.sample_rate, samples)
        clips = np.stack([sound, sound[::-1], np.zeros_like(sound)])
        errors = [
            *_probability_errors(model, clips),
            *(_embedding_errors(model, clips) if model.embedding_size else ()),
        ]
        yield from (f"of clips of {samples / model.sample_rate:g} s, {error}" for error in errors)
        if errors:
            return


def _probability_errors(model: Model, clips: NDArray[np.float32]) -> Iterator[str]:
    together = model.predict(clips)
    alone = [model.predict(clip[None]) for clip in clips]
    yield from _batch_errors("probabilities", together, alone, len(model.labels), _tolerance(model))
    if together.min(initial=0) < 0 or together.max(initial=1) > 1 + TOLERANCE:
        yield f"probabilities are from {together.min():.3g} to {together.max():.3g}, not from 0 to 1"
    elif (sums := together.sum(axis=-1)).max(initial=1) > 1 + TOLERANCE:
        yield f"probabilities sum to {sums.max():.3g}, more than 1"


def _embedding_errors(model: Model, clips: NDArray[np.float32]) -> Iterator[str]:
    alone = [model.embed(clip[None]) for clip in clips]
    yield from _batch_errors("embeddings", model.embed(clips), alone, model.embedding_size, _tolerance(model))


def _batch_errors(
    what: str, together: NDArray[np.float32], alone: Sequence[NDArray[np.float32]], size: int, tolerance: float
) -> Iterator[str]:
    """What is wrong with an output of shape [clips, `size`], or if it differs from that of each clip `alone`."""
    if together.shape != (len(alone), size) or any(one.shape != (1, size) for one in alone):
        yield f"{what} have the shape {together.shape} in a batch and {alone[0].shape} alone, {size} numbers are due"
    elif not np.isfinite(together).all() or not np.isfinite(alone).all():
        yield f"{what} are not all finite numbers"
    else:
        difference = np.abs(together - np.concatenate(alone)).max() / max(1.0, np.abs(together).max())
        if difference > tolerance:
            yield f"{what} differ by {difference:.1e} between a clip alone and in a batch"


def _reference_errors(model: Model) -> Iterator[str]:
    if not model.reference_output:
        return
    if len(model.reference_output) != len(model.labels):
        yield f"a reference output of {len(model.reference_output)} probabilities for {len(model.labels)} labels"
        return
    (probabilities,) = model.predict(reference_waveform(model.sample_rate, model.window_samples)[None])
    difference = float(np.abs(probabilities - model.reference_output).max())
    if not difference <= _tolerance(model):
        yield f"differs by {difference:.1e} from its reference output; it is no longer what was exported"


def _tolerance(model: Model) -> float:
    return QUANTIZED_TOLERANCE if model.quantized else TOLERANCE


def reference_waveform(sample_rate: int, samples: int) -> NDArray[np.float32]:
    """Return a waveform that is the same wherever it is made, a plucked tone in noise.

    Parameters
    ----------
    sample_rate
        In Hz.
    samples
        How many; of a longer waveform they are the first ones.

    Returns
    -------
    float32 [samples] in (-1, 1). With t = n / `sample_rate`, for n = 0, 1, …:

        0.4 * sum over k = 1..5 of sin(2 pi 220 k t) exp(-k t) / k  +  0.05 * noise(n)

    noise is uniform in [-1, 1), of `RandomState(0)`, whose numbers NumPy never changes (NEP 19).
    """
    time = np.arange(samples) / sample_rate
    tone = sum(np.sin(2 * np.pi * 220 * k * time) * np.exp(-k * time) / k for k in range(1, 6))
    noise = np.random.RandomState(0).uniform(-1, 1, samples)
    return (0.4 * tone + 0.05 * noise).astype(np.float32)
