"""Say what is heard: windows of a waveform through every net, the mean over windows, the mean over nets, top-k."""

from __future__ import annotations

import itertools
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from audiotagger.audio import Waveform, read_blocks, waveform_blocks
from audiotagger.errors import AudioError, ModelError
from audiotagger.model import Model, shipped_models

Probabilities = NDArray[np.float32]

AudioFile = str | os.PathLike[str] | BinaryIO
"""A path, or a file that is open for reading bytes; such a one is called "-"."""


CONFIDENT = 0.5
"""Scores are calibrated: a label with this score or more is likelier right than wrong."""


@dataclass(frozen=True)
class Tag:
    """A label and how probable it is, in [0, 1]."""

    label: str
    score: float


@dataclass(frozen=True)
class Tagging:
    """What was heard in one file, best first; or, where `error` is set, why nothing could be."""

    path: str
    duration: float | None = None
    """Seconds."""
    tags: tuple[Tag, ...] = ()
    by_model: Mapping[str, tuple[Tag, ...]] = field(default_factory=dict)
    """Each net's own tags, by the name of its file."""
    error: AudioError | None = None

    confident: bool = False
    """Whether the best label, shown or not, has a score of `CONFIDENT` or more. If not, it may be none of them."""

    @property
    def ok(self) -> bool:
        return self.error is None


class Tagger:
    """A set of nets with the same labels. Safe to use from several threads."""

    def __init__(self, models: Iterable[Model]) -> None:
        """Raises ModelError for no models, or for models that cannot be averaged."""
        self.models = tuple(models)
        if not self.models:
            raise ModelError("no models to tag with; `audiotagger export` makes some")
        first = self.models[0]
        for model in self.models[1:]:
            if model.labels != first.labels or model.sample_rate != first.sample_rate:
                raise ModelError(
                    f"{model.path}: other labels or sample rate than {first.path}, so they cannot be averaged; "
                    "keep them in folders of their own"
                )
        self.labels, self.sample_rate = first.labels, first.sample_rate

    @classmethod
    def load(cls, models: str | os.PathLike[str] | None = None) -> Tagger:
        """Load all *.onnx of a folder: `models`, else AUDIOTAGGER_MODELS, else the shipped ones. Raises ModelError."""
        folder = Path(models or os.environ.get("AUDIOTAGGER_MODELS") or shipped_models())
        paths = sorted(folder.glob("*.onnx"))
        if not paths:
            raise ModelError(f"{folder}: holds no *.onnx; give a folder that `audiotagger export` has written")
        return cls(Model.load(path) for path in paths)

    def tag(
        self,
        audio: AudioFile | NDArray[np.floating],
        *,
        sample_rate: int | None = None,
        top_k: int = 3,
        min_score: float = 0.0,
    ) -> Tagging:
        """Tag one file or one waveform.

        A waveform is [samples] or [samples, channels], full scale [-1, 1], at `sample_rate` Hz, which it needs. Raises
        AudioError for a file that cannot be tagged, ValueError for an array that is no waveform.
        """
        return self._tag(_path_of(audio), self._blocks(audio, sample_rate), top_k, min_score)

    def tag_files(
        self,
        files: Iterable[AudioFile],
        *,
        top_k: int = 3,
        min_score: float = 0.0,
        jobs: int | None = None,
    ) -> Iterator[Tagging]:
        """Yield a Tagging for each file, in order, as soon as it is ready. A bad file is a Tagging with an `error`.

        `jobs` files are worked on at once (default: the cores this process may use); `files` is read only as far as
        needed.
        """
        cancelled = threading.Event()

        def tag(file: AudioFile) -> Tagging:
            try:
                blocks = itertools.takewhile(lambda _: not cancelled.is_set(), self._blocks(file, None))
                return self._tag(_path_of(file), blocks, top_k, min_score)
            except AudioError as error:
                return Tagging(_path_of(file), error=error)
            except (OSError, RuntimeError, ValueError, MemoryError) as error:  # a disk that fails, a decoder's bug
                return Tagging(_path_of(file), error=AudioError("unreadable", f"{_path_of(file)}: {error!r}"))

        jobs = jobs or available_cores()
        pending: deque[Future[Tagging]] = deque()
        with ThreadPoolExecutor(jobs) as pool:
            try:
                for file in files:
                    pending.append(pool.submit(tag, file))
                    # Twice as many as can run: the next ones start while the first in order still takes its time.
                    while pending and (pending[0].done() or len(pending) >= 2 * jobs):
                        yield pending.popleft().result()
                while pending:
                    yield pending.popleft().result()
            finally:
                cancelled.set()
                pool.shutdown(wait=False, cancel_futures=True)

    def probabilities(self, blocks: Iterable[Waveform]) -> tuple[dict[str, Probabilities], float]:
        """Return each net's probabilities [labels], by name, and the duration in seconds, of a waveform in blocks."""
        means = {model.name: _WindowMean(model) for model in self.models}
        samples = 0
        for block in blocks:
            samples += len(block)
            for mean in means.values():
                mean.push(block)
        return {name: mean.result() for name, mean in means.items()}, samples / self.sample_rate

    def _blocks(self, audio: AudioFile | NDArray[np.floating], sample_rate: int | None) -> Iterator[Waveform]:
        if isinstance(audio, np.ndarray):
            if sample_rate is None:
                raise ValueError("an array needs its sample_rate")
            return waveform_blocks(audio, sample_rate, self.sample_rate)
        return read_blocks(Path(audio) if isinstance(audio, str | os.PathLike) else audio, self.sample_rate)

    def _tag(self, path: str, blocks: Iterable[Waveform], top_k: int, min_score: float) -> Tagging:
        probabilities, duration = self.probabilities(blocks)
        mean = np.mean(list(probabilities.values()), axis=0)
        return Tagging(
            path,
            duration,
            self._tags(mean, top_k, min_score),
            {name: self._tags(of_model, top_k, min_score) for name, of_model in probabilities.items()},
            confident=bool(mean.max() >= CONFIDENT),
        )

    def _tags(self, probabilities: Probabilities, top_k: int, min_score: float) -> tuple[Tag, ...]:
        if not probabilities.any():  # nothing was heard
            return ()
        best = np.argsort(-probabilities, kind="stable")[:top_k]
        return tuple(Tag(self.labels[i], float(probabilities[i])) for i in best if probabilities[i] >= min_score)


def _path_of(audio: AudioFile | NDArray[np.floating]) -> str:
    return os.fspath(audio) if isinstance(audio, str | os.PathLike) else "-"


def available_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class WindowSplitter:
    """Cut a waveform that comes in blocks into consecutive windows of `samples` samples.

    The last window ends where the waveform ends, so it may overlap the one before; a waveform shorter than a window
    is put in the middle of silence.
    """

    def __init__(self, samples: int) -> None:
        self._samples = samples
        self._buffer: Waveform = np.zeros(0, np.float32)  # begins where the last window began
        self._start = 0  # of the next window, in the buffer

    def push(self, block: Waveform) -> list[Waveform]:
        """Return the windows that `block` completes, each [samples]."""
        self._buffer = np.concatenate([self._buffer, block])
        windows = []
        while len(self._buffer) - self._start >= self._samples:
            self._buffer = self._buffer[self._start :]
            windows.append(self._buffer[: self._samples])
            self._start = self._samples
        return windows

    def end(self) -> list[Waveform]:
        """Return the last window, if the ones before it left something out."""
        if self._start == 0:
            missing = self._samples - len(self._buffer)
            return [np.pad(self._buffer, (missing // 2, missing - missing // 2))]
        return [self._buffer[-self._samples :]] if len(self._buffer) > self._samples else []


SILENCE = 1e-4
"""A window whose loudest sample is below this (-80 dBFS) is not heard."""


class _WindowMean:
    """The mean of a net's probabilities over the windows of one waveform that are not silent, 0 if all are."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._splitter = WindowSplitter(model.window_samples)
        self._sum = np.zeros(len(model.labels), np.float64)
        self._count = 0

    def push(self, block: Waveform) -> None:
        for window in self._splitter.push(block):
            self._hear(window)

    def result(self) -> Probabilities:
        for window in self._splitter.end():
            self._hear(window)
        return (self._sum / max(self._count, 1)).astype(np.float32)

    def _hear(self, window: Waveform) -> None:
        if np.abs(window).max() >= SILENCE:
            # One by one: a batch takes as long a window and more memory.
            self._sum += self._model.predict(window[None])[0]
            self._count += 1
