"""Check model files: metadata, inputs, outputs, and probabilities of a reference waveform."""

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
"""Largest accepted difference between probabilities that should be equal: rounding differs between machines."""

QUANTIZED_TOLERANCE = 0.02
"""The same for an 8-bit model, where rounding can move a value to the next of 256 steps."""

DIGITS = 6
"""Decimal places of the reference output in the metadata."""

SAMPLE_RATES = (1_000, 400_000)
"""Lowest and highest accepted sample rate in Hz."""

WINDOWS = (0.1, 600.0)
"""Shortest and longest accepted window in seconds."""


class Level(StrEnum):
    """Severity of a finding."""

    ok = "ok"
    warning = "warning"
    error = "error"


@dataclass(frozen=True)
class Finding:
    """One result of the checks of one file."""

    level: Level
    text: str
    """One line that starts with the file's path."""


def verify(paths: Sequence[Path]) -> Iterator[Finding]:
    """Check the model files of an ensemble.

    Parameters
    ----------
    paths
        The files. Each is compared with the first one without errors: labels and sample rates must agree.

    Yields
    ------
    Finding
        For each file either its errors, or one that is ok, after a warning if there is one.
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
            yield Finding(Level.warning, f"{path}: no reference output to compare with; export it again to add one")
        yield Finding(Level.ok, f"{path}: {model.kind}, {len(model.labels)} labels, version {model.version}")


def _errors(model: Model) -> list[str]:
    """Return the errors of the first check that finds any: each check relies on those before it."""
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
        yield "the labels are not a list of names"
    else:
        twice = [label for label, count in Counter(model.labels).items() if count > 1]
        if twice:
            yield f"duplicate labels: {', '.join(twice)}"
    if not SAMPLE_RATES[0] <= model.sample_rate <= SAMPLE_RATES[1]:
        yield f"the sample rate of {model.sample_rate} Hz is not between {SAMPLE_RATES[0]} and {SAMPLE_RATES[1]} Hz"
    elif not WINDOWS[0] <= model.window_samples / model.sample_rate <= WINDOWS[1]:
        seconds = model.window_samples / model.sample_rate
        yield f"the window of {seconds:g} s is not between {WINDOWS[0]:g} and {WINDOWS[1]:g} s"
    if not 0 < model.temperature < np.inf:
        yield f"the temperature of {model.temperature:g} is not greater than 0"
    if not isinstance(model.scores, dict) or (model.scores and "map3" not in model.scores):
        yield "the scores have no map3"
    if model.embedding_size < 0:
        yield f"the embedding size is {model.embedding_size}"


def _tensor_errors(model: Model) -> Iterator[str]:
    """Compare with the documented inputs and outputs, of any batch size and number of samples."""
    number = "tensor(float)"
    outputs = {"probabilities": (number, (None, len(model.labels)))}
    if model.embedding_size:
        outputs["embedding"] = (number, (None, model.embedding_size))
    for what, found, expected in (
        ("inputs", model.inputs(), {"waveform": (number, (None, None))}),
        ("outputs", model.outputs(), outputs),
    ):
        if found != expected:
            yield f"the {what} are {found}, not {expected}"


def _output_errors(model: Model) -> Iterator[str]:
    """Predict a few clips, one of them silent, at several lengths."""
    for samples in (model.window_samples, model.window_samples // 2, 2 * model.window_samples):
        sound = reference_waveform(model.sample_rate, samples)
        clips = np.stack([sound, sound[::-1], np.zeros_like(sound)])
        errors = [
            *_probability_errors(model, clips),
            *(_embedding_errors(model, clips) if model.embedding_size else ()),
        ]
        yield from (f"for clips of {samples / model.sample_rate:g} s, {error}" for error in errors)
        if errors:
            return


def _probability_errors(model: Model, clips: NDArray[np.float32]) -> Iterator[str]:
    together = model.predict(clips)
    alone = [model.predict(clip[None]) for clip in clips]
    yield from _batch_errors("probabilities", together, alone, len(model.labels), _tolerance(model))
    if together.min(initial=0) < 0 or together.max(initial=1) > 1 + TOLERANCE:
        yield f"probabilities range from {together.min():.3g} to {together.max():.3g}, not from 0 to 1"
    elif (sums := together.sum(axis=-1)).max(initial=1) > 1 + TOLERANCE:
        yield f"probabilities sum to {sums.max():.3g}, more than 1"


def _embedding_errors(model: Model, clips: NDArray[np.float32]) -> Iterator[str]:
    alone = [model.embed(clip[None]) for clip in clips]
    yield from _batch_errors("embeddings", model.embed(clips), alone, model.embedding_size, _tolerance(model))


def _batch_errors(
    what: str, together: NDArray[np.float32], alone: Sequence[NDArray[np.float32]], size: int, tolerance: float
) -> Iterator[str]:
    """Check an output of shape [clips, `size`], and compare it with that of each clip `alone`."""
    if together.shape != (len(alone), size) or any(one.shape != (1, size) for one in alone):
        yield f"{what} have shape {together.shape} in a batch and {alone[0].shape} alone; expected size is {size}"
    elif not np.isfinite(together).all() or not np.isfinite(alone).all():
        yield f"{what} are not all finite"
    else:
        difference = np.abs(together - np.concatenate(alone)).max() / max(1.0, np.abs(together).max())
        if difference > tolerance:
            yield f"{what} differ by {difference:.1e} between a clip alone and in a batch"


def _reference_errors(model: Model) -> Iterator[str]:
    if not model.reference_output:
        return
    if len(model.reference_output) != len(model.labels):
        yield f"the reference output has {len(model.reference_output)} probabilities for {len(model.labels)} labels"
        return
    (probabilities,) = model.predict(reference_waveform(model.sample_rate, model.window_samples)[None])
    difference = float(np.abs(probabilities - model.reference_output).max())
    if not difference <= _tolerance(model):
        yield f"predictions differ by {difference:.1e} from the reference output; the file has changed since its export"


def _tolerance(model: Model) -> float:
    return QUANTIZED_TOLERANCE if model.quantized else TOLERANCE


def reference_waveform(sample_rate: int, samples: int) -> NDArray[np.float32]:
    """Compute a waveform that is the same on every machine: a plucked tone in noise.

    Parameters
    ----------
    sample_rate
        Hz.
    samples
        Length; of a longer waveform they are the first ones.

    Returns
    -------
    NDArray
        float32 [samples] at `sample_rate` Hz, in (-1, 1).

    Notes
    -----
    With t = n / sample_rate, for n = 0, 1, …:

        0.4 * sum over k = 1..5 of sin(2 pi 220 k t) exp(-k t) / k  +  0.05 * noise(n)

    where noise is uniform in [-1, 1), of `RandomState(0)`, whose numbers NumPy never changes (NEP 19).
    """
    time = np.arange(samples) / sample_rate
    tone = sum(np.sin(2 * np.pi * 220 * k * time) * np.exp(-k * time) / k for k in range(1, 6))
    noise = np.random.RandomState(0).uniform(-1, 1, samples)
    return (0.4 * tone + 0.05 * noise).astype(np.float32)
