"""Predict a whole waveform: the mean over its windows, and segments where a label reaches the threshold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from audiotagger.audio.types import Array, Waveform
from audiotagger.inference.ensemble import Ensemble
from audiotagger.inference.labels import LabelSubset
from audiotagger.inference.results import Segment, Tag, Timeline


class Observer(Protocol):
    """Follows how a file is tagged."""

    def block(self, waveform: Waveform) -> None:
        """Take the next block [samples] of the waveform."""

    def window(self, start: float, window: Waveform, scores: Array) -> None:
        """Take a window [samples], which stands for the time from `start` seconds on, and its scores [labels].

        They are those of the ensemble, all 0 for silence.
        """


@dataclass(frozen=True)
class Prediction:
    """What an ensemble predicts of a waveform."""

    by_model: Mapping[str, Array]
    """The probabilities [labels], of all labels, of each model by its name: the mean over windows that are not silent,
    all 0 if there is none.
    """
    duration: float
    """Seconds."""
    segments: tuple[Segment, ...]


def predict(
    blocks: Iterable[Waveform],
    ensemble: Ensemble,
    subset: LabelSubset,
    threshold: float,
    min_score: float = 0.0,
    observer: Observer | None = None,
) -> Prediction:
    """Predict a waveform given in blocks [samples] at the ensemble's sample rate.

    Parameters
    ----------
    blocks
        The waveform.
    ensemble
        The models.
    subset
        The labels that segments and the observer's scores are of.
    threshold, min_score
        Scores in [0, 1] that the label of a segment reaches in each of its windows.
    observer
        Is told each block and each window.

    Returns
    -------
    Prediction
        The probabilities, the duration and the segments.
    """
    samples = 0

    def counted() -> Iterator[Waveform]:
        nonlocal samples
        for block in blocks:
            samples += len(block)
            if observer:
                observer.block(block)
            yield block

    sums, count = np.zeros((len(ensemble.models), len(ensemble.labels))), 0
    timeline = Timeline()
    for start, window, of_models in ensemble.predict(counted()):
        best: tuple[Tag, ...] = ()
        mean = np.zeros(len(ensemble.labels), np.float32)
        if of_models is not None:
            sums += of_models
            count += 1
            mean = of_models.mean(axis=0)
            if subset.reaches(threshold, mean):
                best = subset.top(mean, 1, min_score)
        timeline.add(start, best[0] if best else None)
        if observer:
            observer.window(start, window, subset.renormalize(mean))
    duration = samples / ensemble.sample_rate
    means = (sums / max(count, 1)).astype(np.float32)
    names = (model.name for model in ensemble.models)
    return Prediction(dict(zip(names, means, strict=True)), duration, timeline.end(duration))
