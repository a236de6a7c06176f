"""One ONNX file: waveforms in, probabilities out. All that is particular to a net is in the file's metadata."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audiotagger.errors import ModelError

# Tagging talks to nobody; read when onnxruntime is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

FORMAT = "1"
"""Metadata key "audiotagger" of a file that this code understands."""


def shipped_models() -> Path:
    """The folder of the models that come with audiotagger: inside an installed package, beside it in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "models"
    return installed if installed.is_dir() else package.parent / "models"


def model_files(folder: str | os.PathLike[str] | None = None) -> list[Path]:
    """Return the *.onnx of a folder in order: `folder`, else AUDIOTAGGER_MODELS, else the shipped ones. Raises
    ModelError if there are none.
    """
    found = Path(folder or os.environ.get("AUDIOTAGGER_MODELS") or shipped_models())
    paths = sorted(found.glob("*.onnx"))
    if not paths:
        raise ModelError(f"{found}: holds no *.onnx; give a folder that `audiotagger export` has written")
    return paths


Tensors = dict[str, tuple[str, tuple[int | None, ...]]]
"""Element type, as onnxruntime calls it, and shape by name; None for an axis of any length."""


@dataclass(frozen=True)
class Model:
    """A net, ready to run. Several threads may call `predict` at once; each call uses one core."""

    path: Path
    kind: str
    """"mel" or "wave": what the net looks at."""
    labels: tuple[str, ...]
    sample_rate: int
    """Hz."""
    window_samples: int
    """How many samples the net was trained to hear at once."""
    version: str
    data_id: str
    """Which training data: a hash over its list of clips."""
    temperature: float
    """Already applied to the probabilities."""
    scores: dict[str, Any]
    """On the validation split of its training run; empty if that held nothing out."""
    embedding_size: int
    """0 for a model that was exported without."""
    reference_output: tuple[float, ...]
    """Probabilities of `verification.reference_waveform` when it was exported; empty if it was exported without."""
    quantized: bool
    """Whether its convolutions are in 8 bits."""
    _session: onnxruntime.InferenceSession = field(repr=False)

    @classmethod
    def load(cls, path: Path) -> Model:
        """Load an ONNX file that `audiotagger export` made. Raises ModelError for any other file."""
        if not path.is_file():
            raise ModelError(f"{path}: no such model file; `audiotagger export` makes one")
        options = onnxruntime.SessionOptions()
        # One thread a call and several files at once beat several threads a call.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has no base class of its own for "not a model"
            reason = str(error).splitlines()[0]
            raise ModelError(f"{path}: not a usable ONNX file ({reason}); export it again") from None
        meta = session.get_modelmeta().custom_metadata_map
        if meta.get("audiotagger") != FORMAT:
            raise ModelError(f"{path}: not a model of this audiotagger's; make one with `audiotagger export`")
        try:
            return cls(
                path=path,
                kind=meta["kind"],
                labels=tuple(json.loads(meta["labels"])),
                sample_rate=int(meta["sample_rate"]),
                window_samples=int(meta["window_samples"]),
                version=meta["version"],
                data_id=meta["data_id"],
                temperature=float(meta["temperature"]),
                scores=json.loads(meta["scores"]),
                embedding_size=int(meta.get("embedding_size", 0)),
                reference_output=tuple(map(float, json.loads(meta.get("reference_output", "[]")))),
                quantized="quantized" in meta,
                _session=session,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{path}: its metadata is incomplete ({error}); export it again") from None

    @property
    def name(self) -> str:
        """What to call the net beside others: its file's name without the suffix."""
        return self.path.stem

    def inputs(self) -> Tensors:
        """What the file says that it takes."""
        return _tensors(self._session.get_inputs())

    def outputs(self) -> Tensors:
        """What the file says that it gives."""
        return _tensors(self._session.get_outputs())

    def predict(self, waveforms: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities [batch, labels] of waveforms [batch, samples] at `sample_rate`, full scale [-1, 1]."""
        return self._run("probabilities", waveforms)

    def embed(self, waveforms: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return embeddings [batch, embedding_size] of waveforms as for `predict`: what the net finds before it names a
        label. Raises ModelError for a model that was exported without.
        """
        if not self.embedding_size:
            raise ModelError(f"{self.path}: has no embedding; export it again")
        return self._run("embedding", waveforms)

    def _run(self, output: str, waveforms: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            (values,) = self._session.run([output], {"waveform": waveforms})
        except Exception as error:  # onnxruntime's errors have no base class of their own
            reason = str(error).splitlines()[0]
            raise ModelError(
                f"{self.path}: cannot hear {waveforms.shape[1] / self.sample_rate:g} s at once ({reason}); "
                "give a longer --window"
            ) from None
        return np.asarray(values)

    def sha256(self) -> str:
        """Of the file, in hex."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def _tensors(arguments: Iterable[onnxruntime.NodeArg]) -> Tensors:
    return {
        argument.name: (argument.type, tuple(size if isinstance(size, int) else None for size in argument.shape))
        for argument in arguments
    }
