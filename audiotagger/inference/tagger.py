"""Say what is heard: windows of a waveform through every net, the mean over windows, the mean over nets, top-k."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from audiotagger.audio.decoding import AudioFile, Waveform, name_of, read_blocks, waveform_blocks
from audiotagger.audio.windows import WindowSplitter, sounds
from audiotagger.errors import AudioError, ModelError
from audiotagger.inference.model import Model, model_files
from audiotagger.inference.parallel import available_cores, ordered_map
from audiotagger.inference.results import Segment, Tag, Tagging, Timeline

Result = TypeVar("Result")

Probabilities = NDArray[np.float32]


CONFIDENT = 0.5
"""Scores are calibrated: a label with this score or more is likelier right than wrong."""


class Tagger:
    """A set of nets with the same labels. Safe to use from several threads.

    A waveform is heard in windows of `window` seconds that begin `hop` seconds apart; the last one ends where the
    waveform ends. The scores of a file are the mean over its windows.
    """

    def __init__(
        self,
        models: Iterable[Model],
        *,
        window: float | None = None,
        hop: float | None = None,
        threshold: float = CONFIDENT,
    ) -> None:
        """By default `window` is what the nets were trained to hear at once, and `hop` is `window`.

        An answer whose best score is below `threshold` is not confident. Raises ModelError for no models, or for models
        that cannot be averaged, ValueError for windows that are empty or leave gaps.
        """
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
        trained_for = max(model.window_samples for model in self.models)
        self._window = round(window * self.sample_rate) if window is not None else trained_for
        self._hop = round(hop * self.sample_rate) if hop is not None else self._window
        if not 1 <= self._hop <= self._window:
            raise ValueError(f"a hop is more than 0 and at most a window of {self._window / self.sample_rate:g} s")
        self._threshold = threshold

    @classmethod
    def load(
        cls,
        models: str | os.PathLike[str] | None = None,
        *,
        window: float | None = None,
        hop: float | None = None,
        threshold: float = CONFIDENT,
    ) -> Tagger:
        """Load all *.onnx of a folder: `models`, else AUDIOTAGGER_MODELS, else the shipped ones. Raises as `Tagger`."""
        return cls((Model.load(path) for path in model_files(models)), window=window, hop=hop, threshold=threshold)

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

    def segments(
        self, audio: AudioFile | NDArray[np.floating], *, sample_rate: int | None = None
    ) -> tuple[Segment, ...]:
        """Return where in one file or waveform which label is heard. Raises as `tag`."""
        return self.tag(audio, sample_rate=sample_rate).segments

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

        def tag(path: str, blocks: Iterable[Waveform]) -> Tagging:
            return self._tag(path, blocks, top_k, min_score)

        if isinstance(files, str | os.PathLike):
            raise TypeError(f"tag_files takes several files; a single one is [{files!r}]")
        for path, result in self._each(tag, files, jobs):
            yield Tagging(path, error=result) if isinstance(result, AudioError) else result

    def probabilities(self, blocks: Iterable[Waveform]) -> dict[str, Probabilities]:
        """Return each net's probabilities [labels], by name, of a waveform in blocks; all 0 for silence."""
        return self._hear(blocks, 0.0)[0]

    def embed(self, audio: AudioFile | NDArray[np.floating], *, sample_rate: int | None = None) -> NDArray[np.float32]:
        """Return the nets' embeddings of one file or waveform, one after the other, [n]: the mean over its windows, 0
        for silence. Raises as `tag`, and ModelError for models that were exported without.
        """
        return self._embed(_path_of(audio), self._blocks(audio, sample_rate))

    def embed_files(
        self, files: Iterable[AudioFile], *, jobs: int | None = None
    ) -> Iterator[tuple[str, NDArray[np.float32] | AudioError]]:
        """Yield the path of each file and its embedding, or why it has none, as `tag_files` does its tags."""
        return self._each(self._embed, files, jobs)

    def _each(
        self, listen: Callable[[str, Iterable[Waveform]], Result], files: Iterable[AudioFile], jobs: int | None
    ) -> Iterator[tuple[str, Result | AudioError]]:
        """The path of each file, in order, and what `listen` makes of its path and blocks, or why it cannot."""
        cancelled = threading.Event()

        def hear(file: AudioFile) -> tuple[str, Result | AudioError]:
            path = name_of(file)
            try:
                return path, listen(
                    path, itertools.takewhile(lambda _: not cancelled.is_set(), self._blocks(file, None))
                )
            except AudioError as error:
                return path, error
            except (OSError, RuntimeError, ValueError, MemoryError) as error:  # a disk that fails, a decoder's bug
                return path, AudioError("unreadable", f"{path}: {error!r}")

        return ordered_map(hear, files, jobs or available_cores(), cancelled)

    def _embed(self, _: str, blocks: Iterable[Waveform]) -> NDArray[np.float32]:
        total, count = np.zeros(sum(model.embedding_size for model in self.models)), 0
        for window in self._windows(blocks):
            if sounds(window):
                total += np.concatenate([model.embed(window[None])[0] for model in self.models])
                count += 1
        return (total / max(count, 1)).astype(np.float32)

    def _blocks(self, audio: AudioFile | NDArray[np.floating], sample_rate: int | None) -> Iterator[Waveform]:
        if isinstance(audio, np.ndarray):
            if sample_rate is None:
                raise ValueError("an array needs its sample_rate")
            return waveform_blocks(audio, sample_rate, self.sample_rate)
        return read_blocks(audio, self.sample_rate)

    def _tag(self, path: str, blocks: Iterable[Waveform], top_k: int, min_score: float) -> Tagging:
        probabilities, duration, segments = self._hear(blocks, min_score)
        mean = np.mean(list(probabilities.values()), axis=0)
        return Tagging(
            path,
            duration,
            self._tags(mean, top_k, min_score),
            {name: self._tags(of_model, top_k, min_score) for name, of_model in probabilities.items()},
            confident=bool(mean.any() and mean.max() >= self._threshold),
            segments=segments,
        )

    def _hear(
        self, blocks: Iterable[Waveform], min_score: float
    ) -> tuple[dict[str, Probabilities], float, tuple[Segment, ...]]:
        """Each net's probabilities [labels], seconds, and segments of a waveform in blocks."""
        samples = 0

        def counted() -> Iterator[Waveform]:
            nonlocal samples
            for block in blocks:
                samples += len(block)
                yield block

        sums = np.zeros((len(self.models), len(self.labels)))
        heard = 0
        timeline = Timeline()
        for index, window in enumerate(self._windows(counted())):
            # A window speaks for the time around its middle, the first and the last one also for what lies outside.
            start = (index * self._hop + (self._window - self._hop) / 2) / self.sample_rate if index else 0.0
            best = None
            if sounds(window):
                # One by one: a batch takes as long a window and more memory.
                of_models = np.stack([model.predict(window[None])[0] for model in self.models])
                sums += of_models
                heard += 1
                mean = of_models.mean(axis=0)
                if mean.max() >= max(self._threshold, min_score):
                    best = Tag(self.labels[mean.argmax()], float(mean.max()))
            timeline.add(start, best)
        duration = samples / self.sample_rate
        means = (sums / max(heard, 1)).astype(np.float32)
        names = (model.name for model in self.models)
        return dict(zip(names, means, strict=True)), duration, timeline.end(duration)

    def _windows(self, blocks: Iterable[Waveform]) -> Iterator[Waveform]:
        splitter = WindowSplitter(self._window, self._hop)
        for block in blocks:
            yield from splitter.push(block)
        yield from splitter.end()

    def _tags(self, probabilities: Probabilities, top_k: int, min_score: float) -> tuple[Tag, ...]:
        if not probabilities.any():  # nothing was heard
            return ()
        best = np.argsort(-probabilities, kind="stable")[:top_k]
        return tuple(Tag(self.labels[i], float(probabilities[i])) for i in best if probabilities[i] >= min_score)


def _path_of(audio: AudioFile | NDArray[np.floating]) -> str:
    return "-" if isinstance(audio, np.ndarray) else name_of(audio)
