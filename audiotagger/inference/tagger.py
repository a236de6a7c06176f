"""Tag audio files and waveforms: decode, predict, average over models, and take the best labels."""

from __future__ import annotations

import copy
import itertools
import os
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from audiotagger.audio.decoding import read_blocks, waveform_blocks
from audiotagger.audio.discovery import name_of
from audiotagger.audio.types import Array, AudioFile, Warn, Waveform, ignore
from audiotagger.errors import AudioError, AudioWarning
from audiotagger.inference.ensemble import Ensemble
from audiotagger.inference.labels import LabelSubset
from audiotagger.inference.model import Model, model_files
from audiotagger.inference.parallel import map_files
from audiotagger.inference.prediction import Observer, Prediction, predict
from audiotagger.inference.results import Segment, Tagging

Audio = AudioFile | NDArray[np.floating]
"""A path, an open binary file, or a waveform [samples] or [samples, channels] with full scale [-1, 1]."""

DEFAULT_THRESHOLD = 0.5
"""Scores are calibrated: a label with at least this score is more likely right than wrong."""

SHORTEST = 0.2
"""Seconds: the result for anything shorter is never confident. The models were trained on longer sounds."""


class Tagger:
    """An ensemble of models with the same labels. Safe to use from several threads, and picklable.

    Parameters
    ----------
    models
        The models of the ensemble; scores are the mean over them.
    window
        Window length in seconds, by default that of training. Scores are the mean over the windows of a waveform.
    hop
        Hop length in seconds, by default `window`.
    threshold
        A result whose best score is lower is not confident.
    labels
        Only these labels, with scores renormalized over them; by default all that the models know. A sound that is
        likely none of the known labels is still not confident.

    Raises
    ------
    ModelError
        There are no models, or their labels or sample rates differ.
    ValueError
        The window or the hop has no valid length, or the models do not know a label.
    """

    def __init__(
        self,
        models: Iterable[Model],
        *,
        window: float | None = None,
        hop: float | None = None,
        threshold: float = DEFAULT_THRESHOLD,
        labels: Collection[str] | None = None,
    ) -> None:
        self._ensemble = Ensemble(models, window, hop)
        self.models, self.sample_rate = self._ensemble.models, self._ensemble.sample_rate
        self._subset = LabelSubset(self._ensemble.labels, labels)
        self.labels = self._subset.labels
        """In the order of `probabilities`."""
        self._threshold = threshold

    @classmethod
    def load(
        cls,
        models: str | os.PathLike[str] | None = None,
        *,
        window: float | None = None,
        hop: float | None = None,
        threshold: float = DEFAULT_THRESHOLD,
        labels: Collection[str] | None = None,
    ) -> Tagger:
        """Load all *.onnx files of a folder.

        Parameters
        ----------
        models
            The folder, by default the environment variable AUDIOTAGGER_MODELS, else the shipped models.
        window, hop, threshold, labels
            As of `Tagger`.

        Raises
        ------
        ModelError, ValueError
            As of `Tagger`; ModelError also for a file that is not a model.
        """
        loaded = (Model.load(path) for path in model_files(models))
        return cls(loaded, window=window, hop=hop, threshold=threshold, labels=labels)

    def with_labels(self, labels: Collection[str]) -> Tagger:
        """Return a tagger with the same models and options for only these labels, as the parameter of `Tagger`.

        Raises
        ------
        ValueError
            The models do not know a label.
        """
        tagger = copy.copy(self)
        tagger._subset = LabelSubset(self.models[0].labels, labels)
        tagger.labels = tagger._subset.labels
        return tagger

    def tag(
        self,
        audio: Audio,
        *,
        sample_rate: int | None = None,
        top_k: int = 3,
        min_score: float = 0.0,
        observer: Observer | None = None,
    ) -> Tagging:
        """Tag one file or one waveform.

        Parameters
        ----------
        audio
            A path, an open binary file, or a waveform [samples] or [samples, channels] with full scale [-1, 1].
        sample_rate
            Hz; required for a waveform.
        top_k
            Maximum number of tags.
        min_score
            Tags and segments with a lower score are omitted.
        observer
            Is told each block and each window (`audiotagger.inference.prediction.Observer`).

        Raises
        ------
        AudioError
            The file cannot be tagged.
        ValueError
            The array is not a waveform or has no sample rate.
        """
        warnings: list[AudioWarning] = []
        blocks = self._blocks(audio, sample_rate, warnings.append)
        return self._tag(name_of(audio), blocks, warnings, top_k, min_score, observer)

    def segments(self, audio: Audio, *, sample_rate: int | None = None) -> tuple[Segment, ...]:
        """Return the time-stamped labels of one file or waveform. Parameters and errors are those of `tag`."""
        return self.tag(audio, sample_rate=sample_rate).segments

    def tag_files(
        self,
        files: Iterable[AudioFile],
        *,
        top_k: int = 3,
        min_score: float = 0.0,
        jobs: int | None = None,
    ) -> Iterator[Tagging]:
        """Tag files in parallel.

        Parameters
        ----------
        files
            Paths or open binary files, read only as far as needed.
        top_k, min_score
            As of `tag`.
        jobs
            Number of files processed in parallel, by default the CPU cores that this process may use.

        Yields
        ------
        Tagging
            The result for each file, in order, as soon as it is ready. A file that cannot be tagged has an `error`.

        Notes
        -----
        Threads of this process do the work. Where a decoder crashes or hangs, so does the process; the command line
        has worker processes and a time limit.
        """

        def tag(file: AudioFile, cancelled: threading.Event) -> Tagging:
            warnings: list[AudioWarning] = []
            return self._tag(name_of(file), self._blocks_until(cancelled, file, warnings), warnings, top_k, min_score)

        if isinstance(files, str | os.PathLike):
            raise TypeError(f"tag_files takes several files; for a single one, use [{files!r}]")
        for path, result in map_files(tag, files, jobs):
            yield Tagging(path, error=result) if isinstance(result, AudioError) else result

    def probabilities(self, blocks: Iterable[Waveform]) -> dict[str, Array]:
        """Predict a waveform given in blocks [samples] at `sample_rate`.

        Returns
        -------
        dict
            The probabilities [labels] of each model, by model name; all 0 for silence.
        """
        prediction = self._predict(blocks)
        return {name: self._subset.renormalize(of_model) for name, of_model in prediction.by_model.items()}

    def embed(self, audio: Audio, *, sample_rate: int | None = None, warn: Warn = ignore) -> Array:
        """Compute the embedding of one file or waveform.

        Parameters
        ----------
        audio, sample_rate
            As of `tag`.
        warn
            Called with each warning about what is embedded all the same.

        Returns
        -------
        NDArray
            The models' embeddings, concatenated to [n], as their mean over windows; all 0 for silence.

        Raises
        ------
        AudioError, ValueError
            As of `tag`.
        ModelError
            A model was exported without embedding.
        """
        return self._ensemble.embed(self._blocks(audio, sample_rate, warn))

    def embed_files(
        self, files: Iterable[AudioFile], *, jobs: int | None = None, warn: Warn | None = None
    ) -> Iterator[tuple[str, Array | AudioError]]:
        """Compute embeddings as `tag_files` does tags: yield each file's path with its embedding or its error.

        `warn` is called, from several threads, with each warning about a file that has an embedding all the same.
        """

        def embed(file: AudioFile, cancelled: threading.Event) -> Array:
            warnings: list[AudioWarning] = []
            embedding = self._ensemble.embed(self._blocks_until(cancelled, file, warnings))
            if warn:
                for warning in warnings:
                    warn(warning)
            return embedding

        return map_files(embed, files, jobs)

    def _blocks(self, audio: Audio, sample_rate: int | None, warn: Warn = ignore) -> Iterator[Waveform]:
        if isinstance(audio, np.ndarray):
            if sample_rate is None:
                raise ValueError("an array needs its sample_rate")
            return waveform_blocks(audio, sample_rate, self.sample_rate, warn)
        return read_blocks(audio, self.sample_rate, warn)

    def _blocks_until(
        self, cancelled: threading.Event, file: AudioFile, warnings: list[AudioWarning]
    ) -> Iterator[Waveform]:
        return itertools.takewhile(lambda _: not cancelled.is_set(), self._blocks(file, None, warnings.append))

    def _tag(
        self,
        path: str,
        blocks: Iterable[Waveform],
        warnings: Sequence[AudioWarning],
        top_k: int,
        min_score: float,
        observer: Observer | None = None,
    ) -> Tagging:
        prediction = self._predict(blocks, min_score, observer)
        mean = np.mean(list(prediction.by_model.values()), axis=0)
        long_enough = prediction.duration >= SHORTEST
        return Tagging(
            path,
            prediction.duration,
            self._subset.top(mean, top_k, min_score),
            {name: self._subset.top(one, top_k, min_score) for name, one in prediction.by_model.items()},
            confident=long_enough and self._subset.reaches(self._threshold, mean),
            segments=prediction.segments if long_enough else (),
            warning=next(iter(warnings), None),
        )

    def _predict(
        self, blocks: Iterable[Waveform], min_score: float = 0.0, observer: Observer | None = None
    ) -> Prediction:
        return predict(blocks, self._ensemble, self._subset, self._threshold, min_score, observer)
