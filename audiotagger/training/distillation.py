"""Distillation: train a model to match a teacher, a stronger model in an ONNX file, on the same augmented waveforms.

References
----------
Function matching: Beyer et al. 2022, "A good teacher is patient and consistent", arXiv:2106.05237
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audiotagger.audio.types import Array
from audiotagger.datasets.cache import unwritable
from audiotagger.errors import DataError, ModelError
from audiotagger.inference.contract import label_errors
from audiotagger.inference.model import open_session
from audiotagger.output.files import replacing

STANDARDIZATION_BATCHES = 8
"""Number of batches that mean and standard deviation of the teacher's embedding are computed on."""


@dataclass(frozen=True)
class Targets:
    """A teacher's outputs for a batch."""

    probabilities: Array
    """float32 [batch, n_outputs], in the order of the student's outputs; they sum to 1."""
    embedding: Array
    """float32 [batch, n]; n is 0 if the teacher has no embedding."""


class Teacher:
    """An ONNX model that another one is trained to match.

    It may be exported by audiotagger or from elsewhere. Its input is "waveform" [batch, samples], its outputs are
    "probabilities" or "logits" and, optionally, "embedding". Its metadata has `labels` (JSON, in the order of the
    outputs) and `sample_rate`.

    Parameters
    ----------
    path
        The ONNX file.
    labels
        The student's labels, all of which the teacher must have.
    has_other_class
        Whether the student's last output is for other sounds. Its target is the teacher's probability of labels that
        the student does not have; without this output, the probabilities of the student's labels are renormalized.
    sample_rate
        Of the student, in Hz.

    Attributes
    ----------
    id
        Start of the file's SHA-256, 12 hexadecimal digits.

    Raises
    ------
    DataError
        The file is not such a model, or lacks a label.
    """

    def __init__(self, path: Path, labels: Sequence[str], has_other_class: bool, sample_rate: int) -> None:
        try:
            self._session = open_session(path)
        except ModelError as error:
            raise DataError(f"{error}; --teacher takes an ONNX model") from None
        meta = self._session.get_modelmeta().custom_metadata_map
        try:
            known, rate = list(json.loads(meta["labels"])), int(meta["sample_rate"])
            errors = "; ".join(label_errors(known))
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            errors = f"no {error}" if isinstance(error, KeyError) else str(error)
        if errors:
            raise DataError(f"{path}: a teacher needs the metadata labels and sample_rate, but: {errors}")
        if [each.name for each in self._session.get_inputs()] != ["waveform"]:
            raise DataError(f"{path}: a teacher needs one input, named waveform")
        outputs = {output.name for output in self._session.get_outputs()}
        scores = next((name for name in ("probabilities", "logits") if name in outputs), None)
        if scores is None:
            raise DataError(f"{path}: no output named probabilities or logits, as a teacher must have")
        if rate != sample_rate:
            raise DataError(f"{path}: has a sample rate of {rate} Hz; use a teacher with {sample_rate} Hz")
        missing = sorted(set(labels) - set(known))
        if missing:
            raise DataError(f"{path}: has no label {', '.join(missing)}; use a teacher with all labels of the dataset")
        self._names = [scores, "embedding"] if "embedding" in outputs else [scores]
        self._path, self._n_labels = path, len(known)
        self._columns = [known.index(label) for label in labels]
        self._has_other_class = has_other_class
        self.id = hashlib.sha256(path.read_bytes()).hexdigest()[:12]

    def predict(self, waveforms: Array) -> Targets:
        """Return the targets of waveforms [batch, samples].

        Raises
        ------
        DataError
            The model computes something else than its metadata says.
        """
        # One at a time, as a batch is no faster on a CPU.
        try:
            each = [self._session.run(self._names, {"waveform": waveform[None]}) for waveform in waveforms]
        except Exception as error:  # the exceptions of onnxruntime have no common base class
            reason = str(error).partition("\n")[0]
            raise DataError(f"{self._path}: cannot process the clips ({reason}); use another teacher") from None
        for output in (output for outputs in each for output in outputs):
            if np.ndim(output) != 2 or len(output) != 1 or not np.isfinite(output).all():
                raise DataError(f"{self._path}: an output is not finite numbers [batch, n]; use another teacher")
        scores = np.concatenate([outputs[0] for outputs in each])
        if scores.shape[1] != self._n_labels:
            raise DataError(f"{self._path}: has {scores.shape[1]} outputs for {self._n_labels} labels")
        if self._names[0] == "logits":
            scores = np.exp(scores - scores.max(axis=1, keepdims=True))
            scores /= scores.sum(axis=1, keepdims=True)
        probabilities = scores[:, self._columns]
        if self._has_other_class:
            rest = np.clip(1 - probabilities.sum(axis=1, keepdims=True), 0, 1)
            probabilities = np.concatenate([probabilities, rest], axis=1)
        probabilities /= np.maximum(probabilities.sum(axis=1, keepdims=True), 1e-6)
        embedding = np.concatenate([outputs[1] for outputs in each]) if len(self._names) > 1 else scores[:, :0]
        return Targets(probabilities.astype(np.float32), embedding.astype(np.float32))


def cached_targets(teacher: Teacher, folder: Path, number: int, waveforms: Array) -> Targets:
    """Return a teacher's targets from a file, if there is one: for repeated views, a second model and resumed runs.

    Parameters
    ----------
    teacher
        Predicts what is not in the cache.
    folder
        One for each teacher and series of batches; several processes may use it at the same time.
    number, waveforms
        Of the batch, [batch, samples].

    Raises
    ------
    DataError
        The folder cannot be written to.
    """
    path = folder / f"{number:06d}.npz"
    try:
        with np.load(path) as arrays:
            return Targets(arrays["probabilities"].astype(np.float32), arrays["embedding"].astype(np.float32))
    except FileNotFoundError:
        targets = teacher.predict(waveforms)
    largest = np.finfo(np.float16).max
    half = {name: array.clip(-largest, largest).astype(np.float16) for name, array in vars(targets).items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez(file, **half)
    except OSError as error:
        raise unwritable(error) from None
    return Targets(**{name: array.astype(np.float32) for name, array in half.items()})  # as when read again
