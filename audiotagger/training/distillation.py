"""A teacher: a stronger tagger in an ONNX file, whose output a model learns to match on the very views it sees itself.

Function matching (Beyer et al. 2022, "A good teacher is patient and consistent", arXiv:2106.05237).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from audiotagger.datasets.cache import unwritable
from audiotagger.errors import DataError
from audiotagger.output.files import replacing

Array = NDArray[np.float32]

STANDARDIZATION_BATCHES = 8
"""How many batches the mean and deviation of the teacher's embedding are estimated on."""


@dataclass(frozen=True)
class Targets:
    """What a teacher makes of a batch.

    probabilities: float32 [batch, n_outputs], in the order of the student's outputs; embedding: float32 [batch, n], n
    is 0 for a teacher without one.
    """

    probabilities: Array
    embedding: Array


class Teacher:
    """An ONNX model with the input "waveform" [batch, samples], the output "probabilities" or "logits", perhaps
    "embedding", and in its metadata `labels` (JSON, in the order of its outputs) and `sample_rate`: what
    `audiotagger export` writes, or another model described like that.

    Parameters
    ----------
    path
        The ONNX file.
    labels
        The student's labels; the teacher has to know all of them.
    has_other_class
        Whether the student's last output is for sounds that are none of its labels. It gets what the teacher gives to
        labels that the student does not have; without it the student's labels share that evenly by their own weight.
    sample_rate
        Of the student, in Hz.

    Raises
    ------
    DataError
        If the file is no such model, or does not know a label.
    """

    def __init__(self, path: Path, labels: Sequence[str], has_other_class: bool, sample_rate: int) -> None:
        if not path.is_file():
            raise DataError(f"{path}: no such teacher; --teacher takes an ONNX file")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # batches are made in a thread beside the one that trains
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            meta = self._session.get_modelmeta().custom_metadata_map
            known, rate = list(json.loads(meta["labels"])), int(meta["sample_rate"])
        except Exception as error:  # onnxruntime has no base class of its own for "not a model"
            reason = str(error).splitlines()[0]
            raise DataError(f"{path}: not a teacher, it needs the metadata labels and sample_rate ({reason})") from None
        outputs = {output.name for output in self._session.get_outputs()}
        scores = next((name for name in ("probabilities", "logits") if name in outputs), None)
        if scores is None:
            raise DataError(f"{path}: not a teacher, it has no output named probabilities or logits")
        if rate != sample_rate:
            raise DataError(f"{path}: a teacher for {rate} Hz; the model is for {sample_rate} Hz")
        missing = sorted(set(labels) - set(known))
        if missing:
            raise DataError(f"{path}: does not know {', '.join(missing)}; use a teacher that knows every label")
        self._names = [scores, "embedding"] if "embedding" in outputs else [scores]
        self._columns = [known.index(label) for label in labels]
        self._has_other_class = has_other_class
        self.id = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        """Tells one teacher from another."""

    def predict(self, waveforms: Array) -> Targets:
        """Return the targets of waveforms [batch, samples], one at a time: a batch is no faster on a CPU."""
        each = [self._session.run(self._names, {"waveform": waveform[None]}) for waveform in waveforms]
        scores = np.concatenate([outputs[0] for outputs in each])
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


class TargetCache:
    """A teacher's targets of numbered batches in files, so that a second pass, a second model and a resumed run do not
    ask it again.

    Parameters
    ----------
    teacher
        Who is asked for what the folder does not hold.
    folder
        One for each teacher and series of batches; other processes may use it at the same time.
    """

    def __init__(self, teacher: Teacher, folder: Path) -> None:
        self._teacher, self._folder = teacher, folder

    def targets(self, number: int, waveforms: Array) -> Targets:
        """Return the targets of batch `number`, whose waveforms are [batch, samples].

        Raises
        ------
        DataError
            If the folder cannot be written to.
        """
        path = self._folder / f"{number:06d}.npz"
        try:
            with np.load(path) as arrays:
                return Targets(arrays["probabilities"].astype(np.float32), arrays["embedding"].astype(np.float32))
        except FileNotFoundError:
            targets = self._teacher.predict(waveforms)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with replacing(path) as partial, partial.open("wb") as file:
                np.savez(
                    file,
                    probabilities=targets.probabilities.astype(np.float16),
                    embedding=targets.embedding.astype(np.float16),
                )
        except OSError as error:
            raise unwritable(error) from None
        return targets
