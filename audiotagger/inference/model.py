"""One ONNX file: waveforms in, probabilities out. Labels, sample rate and the like are in the file's metadata."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from audiotagger.audio.types import Array
from audiotagger.errors import ModelError

# No telemetry; read when onnxruntime is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

from audiotagger.inference.contract import LARGEST, contract_errors

FORMAT = "1"
"""Value of the metadata key "audiotagger" in files that this version reads."""


def shipped_models() -> Path:
    """Return the folder of the shipped models: inside the installed package, beside it in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "models"
    return installed if installed.is_dir() else package.parent / "models"


def model_files(folder: str | os.PathLike[str] | None = None) -> list[Path]:
    """Return the model files of a folder.

    Parameters
    ----------
    folder
        By default the environment variable AUDIOTAGGER_MODELS, else the shipped models.

    Returns
    -------
    list[Path]
        Its *.onnx files, sorted.

    Raises
    ------
    ModelError
        The folder has no model files.
    """
    found = Path(folder or os.environ.get("AUDIOTAGGER_MODELS") or shipped_models())
    if not found.is_dir():
        raise ModelError(f"{found}: no such folder; give one written by `audiotagger export`")
    paths = sorted(found.glob("*.onnx"))
    if not paths:
        raise ModelError(f"{found}: no *.onnx files; give a folder written by `audiotagger export`")
    return paths


Tensors = dict[str, tuple[str, tuple[int | None, ...]]]
"""By name: element type, in ONNX Runtime's terms, and shape, with None for axes of any size."""


@dataclass(frozen=True)
class Model:
    """A loaded model. Safe to use from several threads; each call uses one core.

    Pickling stores the path only: the file is loaded again where it is unpickled.
    """

    path: Path
    kind: str
    """"mel" or "wave": the representation that the network works on."""
    labels: tuple[str, ...]
    sample_rate: int
    """Hz."""
    window_samples: int
    """Window length in training, in samples."""
    version: str
    data_id: str
    """Hash of the training dataset's list of clips."""
    temperature: float
    """Already applied to the probabilities."""
    scores: dict[str, Any]
    """On the validation split of the training run; empty if nothing was held out."""
    embedding_size: int
    """0 for a model exported without embedding."""
    reference_output: tuple[float, ...]
    """Probabilities of `verification.reference_waveform` at the time of export; empty for older exports."""
    quantized: bool
    """Whether its convolutions are 8-bit."""
    _session: onnxruntime.InferenceSession = field(repr=False)

    @classmethod
    def load(cls, path: Path) -> Model:
        """Load an ONNX file written by `audiotagger export`.

        Raises
        ------
        ModelError
            There is no such file, or it is another file, or its metadata, inputs or outputs are not as they should be.
        MemoryError
            Memory ran out.
        """
        session = open_session(path)
        meta = session.get_modelmeta().custom_metadata_map
        if meta.get("audiotagger") != FORMAT:
            raise ModelError(f"{path}: not a model of this audiotagger version; create one with `audiotagger export`")
        try:
            model = cls(
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
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ModelError(f"{path}: incomplete metadata ({error}); export it again") from None
        if errors := list(contract_errors(model)):
            raise ModelError(f"{path}: {'; '.join(errors)}; export it again")
        return model

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem

    def inputs(self) -> Tensors:
        """Return the declared inputs."""
        return _tensors(self._session.get_inputs())

    def outputs(self) -> Tensors:
        """Return the declared outputs."""
        return _tensors(self._session.get_outputs())

    def predict(self, waveforms: Array) -> Array:
        """Predict the labels of waveforms.

        Parameters
        ----------
        waveforms
            [batch, samples] at `sample_rate`, full scale [-1, 1].

        Returns
        -------
        NDArray
            Probabilities [batch, labels] in [0, 1]. A row sums to at most 1; the rest is the probability of none of
            the labels.

        Raises
        ------
        ModelError
            The waveforms are too short for the network, or it computes something else than probabilities.
        """
        return self._run("probabilities", waveforms, len(self.labels))

    def embed(self, waveforms: Array) -> Array:
        """Compute the embeddings of waveforms: the network's last layer before the labels.

        Parameters
        ----------
        waveforms
            [batch, samples] as for `predict`.

        Returns
        -------
        NDArray
            Embeddings [batch, embedding_size].

        Raises
        ------
        ModelError
            The model was exported without embedding, the waveforms are too short for the network, or it computes
            something else.
        """
        if not self.embedding_size:
            raise ModelError(f"{self.path}: the model has no embedding output; export it again")
        return self._run("embedding", waveforms, self.embedding_size)

    def _run(self, output: str, waveforms: Array, size: int) -> Array:
        try:
            (values,) = self._session.run([output], {"waveform": waveforms})
        except Exception as error:  # onnxruntime has no base class for its errors
            reason = _reason(error)
            raise ModelError(
                f"{self.path}: cannot process windows of {waveforms.shape[1] / self.sample_rate:g} s ({reason}); "
                "increase --window"
            ) from None
        shape = len(waveforms), size
        if np.shape(values) != shape:
            raise ModelError(f"{self.path}: the {output} output has shape {np.shape(values)}, not {shape}")
        if not np.isfinite(values).all():
            raise ModelError(f"{self.path}: the {output} output is not all finite numbers")
        return np.asarray(values)

    def sha256(self) -> str:
        """Return the file's SHA-256 in hexadecimal."""
        import hashlib  # slow to import, and tagging needs none

        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def __reduce__(self) -> tuple[Callable[[Path], Model], tuple[Path]]:
        return Model.load, (self.path.absolute(),)  # ONNX Runtime's sessions cannot be pickled


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """Open an ONNX file, which may come from anywhere, to be run on one core.

    Operators of other libraries are not known, and it refers to no other files.

    Raises
    ------
    ModelError
        There is no such file, or it is something else, or too large.
    MemoryError
        Memory ran out.
    """
    data = _read(path)
    options = onnxruntime.SessionOptions()
    # One thread per call and several files at once are faster than several threads per call.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4  # its errors are raised too
    try:
        session = onnxruntime.InferenceSession(
            data,
            options,
            providers=["CPUExecutionProvider"],
            enable_fallback=0,  # to no other provider, of which it would print something on stdout
        )
        session.get_modelmeta()
    except Exception as error:  # onnxruntime has no base class for its errors
        raise ModelError(f"{path}: not a valid ONNX model ({_reason(error)}); export it again") from None
    return session


def _read(path: Path) -> bytes:
    """Read a model file, which may come from anywhere: not too large, and with all its weights."""
    if not path.is_file():
        raise ModelError(f"{path}: no such model file; create one with `audiotagger export`")
    if (size := path.stat().st_size) > LARGEST:
        raise ModelError(f"{path}: too large for a model ({size >> 20} MiB, the limit is {LARGEST >> 20} MiB)")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}; check that it may be read") from None
    # The key, after its length, with which a tensor, also in a subgraph, names a file, or an address in memory, to take
    # its values from. In protocol buffers a length of 8 ends in one of these bytes, however it is encoded.
    if b"\x08location" in data or b"\0location" in data:
        raise ModelError(f"{path}: some of its weights are in another file; export it again as a single file")
    return data


def _reason(error: Exception) -> str:
    """Return the first line of an error of onnxruntime, or raise MemoryError if that is what it means."""
    reason = str(error).partition("\n")[0]
    if isinstance(error, MemoryError) or "bad_alloc" in reason or "Failed to allocate" in reason:
        raise MemoryError(reason) from None
    return reason


def _tensors(arguments: Iterable[onnxruntime.NodeArg]) -> Tensors:
    return {
        argument.name: (argument.type, tuple(size if isinstance(size, int) else None for size in argument.shape))
        for argument in arguments
    }
