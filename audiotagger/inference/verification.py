"""Check model files: metadata, inputs, outputs, and probabilities of a reference waveform."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from audiotagger.audio.types import Array
from audiotagger.errors import ModelError, WorkerError
from audiotagger.inference.isolation import Worker
from audiotagger.inference.model import Model
from audiotagger.inference.tagger import Tagger

TOLERANCE = 1e-4
"""Largest accepted difference between probabilities that should be equal: rounding differs between machines."""

QUANTIZED_TOLERANCE = 0.02
"""The same for an 8-bit model, where rounding can move a value to the next of 256 steps."""

DIGITS = 6
"""Decimal places of the reference output in the metadata."""


CHECKSUMS = "SHA256SUMS"
"""File of SHA-256 sums beside the models, as the command sha256sum writes it."""


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
    """Check the model files of an ensemble, and whatever is listed in `CHECKSUMS` beside them.

    Parameters
    ----------
    paths
        The files. Each is checked in a process of its own, which it may crash, and compared with the first one without
        errors: labels and sample rates must agree.

    Yields
    ------
    Finding
        For each file either its errors, or one that is ok, after a warning if there is one.
    """
    changed = {path: text for folder in {path.parent for path in paths} for path, text in _checksum_errors(folder)}
    first: Path | None = None
    for path in paths:
        if path in changed:
            continue
        try:
            with Worker("audiotagger.inference.verification:check", {"path": path, "first": first}) as worker:
                findings: list[Finding] = worker.ready()
        except WorkerError as error:
            findings = [Finding(Level.error, f"{path}: {error}")]
        if first is None and findings[-1].level is Level.ok:
            first = path
        yield from findings
    yield from (Finding(Level.error, f"{path}: {text}") for path, text in changed.items())


def check(path: Path, first: Path | None) -> tuple[None, list[Finding]]:
    """Return the findings about a file, which is compared with the `first` one, as the answer of a `Worker`."""
    try:
        model = Model.load(path)
        errors = _errors(model)
        if first and not errors:
            Tagger([Model.load(first), model])
    except ModelError as error:
        errors = [str(error)]
    if errors:
        return None, [Finding(Level.error, text) for text in errors]
    ok = Finding(Level.ok, f"{path}: {model.kind}, {len(model.labels)} labels, version {model.version}")
    if model.reference_output:
        return None, [ok]
    hint = "no reference output to compare with; export it again to add one"
    return None, [Finding(Level.warning, f"{path}: {hint}"), ok]


def _checksum_errors(folder: Path) -> Iterator[tuple[Path, str]]:
    """Compare the files of a folder with its `CHECKSUMS`, if there are any."""
    try:
        lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError):
        yield folder / CHECKSUMS, "not a readable text file"
        return
    for line in filter(str.strip, lines):
        listed = re.fullmatch(r"([0-9a-fA-F]{64}) [ *](.+)", line)
        if not listed:
            yield folder / CHECKSUMS, f"a line is no checksum: {line[:80]}"
            continue
        expected, name = listed[1].lower(), listed[2]
        path = folder / Path(name).name  # none of another folder
        if not path.is_file():
            yield path, f"missing; {CHECKSUMS} lists it"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            yield path, f"its SHA-256 differs from {CHECKSUMS}; restore the file, or update its checksum"


def _errors(model: Model) -> list[str]:
    """Return the errors of the first check that finds any: each check relies on those before it."""
    for check in (_output_errors, _reference_errors):
        try:
            errors = [f"{model.path}: {error}" for error in check(model)]
        except ModelError as error:
            errors = [str(error)]
        if errors:
            return errors
    return []


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


def _probability_errors(model: Model, clips: Array) -> Iterator[str]:
    together = model.predict(clips)
    alone = [model.predict(clip[None]) for clip in clips]
    yield from _batch_errors("probabilities", together, alone, _tolerance(model))
    if together.min(initial=0) < 0 or together.max(initial=1) > 1 + TOLERANCE:
        yield f"probabilities range from {together.min():.3g} to {together.max():.3g}, not from 0 to 1"
    elif (sums := together.sum(axis=-1)).max(initial=1) > 1 + TOLERANCE:
        yield f"probabilities sum to {sums.max():.3g}, more than 1"


def _embedding_errors(model: Model, clips: Array) -> Iterator[str]:
    alone = [model.embed(clip[None]) for clip in clips]
    yield from _batch_errors("embeddings", model.embed(clips), alone, _tolerance(model))


def _batch_errors(what: str, together: Array, alone: Sequence[Array], tolerance: float) -> Iterator[str]:
    """Compare the output for a batch with that of each clip `alone`."""
    difference = np.abs(together - np.concatenate(alone)).max() / max(1.0, np.abs(together).max())
    if difference > tolerance:
        yield f"{what} differ by {difference:.1e} between a clip alone and in a batch"


def _reference_errors(model: Model) -> Iterator[str]:
    if not model.reference_output:
        return
    (probabilities,) = model.predict(reference_waveform(model.sample_rate, model.window_samples)[None])
    difference = float(np.abs(probabilities - model.reference_output).max())
    if not difference <= _tolerance(model):
        yield f"predictions differ by {difference:.1e} from the reference output; the file has changed since its export"


def _tolerance(model: Model) -> float:
    return QUANTIZED_TOLERANCE if model.quantized else TOLERANCE


def reference_waveform(sample_rate: int, samples: int) -> Array:
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
