"""Score a model on held-out clips during training, in the windows that tagging uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from audiotagger.audio.types import Array
from audiotagger.audio.windows import is_silent, split_windows
from audiotagger.datasets.cache import Waveforms
from audiotagger.datasets.clip import Clip
from audiotagger.evaluation import metrics

if TYPE_CHECKING:
    import keras

FEWEST_TO_CALIBRATE = 100
"""Held-out clips: of fewer, all may be right, and then the likeliest temperature is 0."""


class Validation:
    """The held-out clips.

    Parameters
    ----------
    clips
        Clips with labels.
    waveforms
        The same clips, decoded.
    labels
        The labels that are scored: those of the model's first outputs, in their order.
    samples
        Window length.

    Attributes
    ----------
    labels, clips
        As given.
    truth
        [clips], indices of `labels`.
    windows
        [windows, samples], of one clip after the other.
    """

    def __init__(self, clips: Sequence[Clip], waveforms: Waveforms, labels: Sequence[str], samples: int) -> None:
        self.labels, self.clips = tuple(labels), tuple(clips)
        self.truth = np.array([self.labels.index(clip.label) for clip in clips])
        windows = [cut(waveform, samples) for waveform in map(waveforms.__getitem__, range(len(clips)))]
        self.windows = np.concatenate(windows)
        self._first = np.cumsum([0] + [len(of_clip) for of_clip in windows[:-1]])
        self._counts = np.array([len(of_clip) for of_clip in windows])

    def logits(self, model: keras.Model) -> Array:
        """Predict the logits of each window, [windows, outputs]."""
        batches = (self.windows[i : i + 64] for i in range(0, len(self.windows), 64))
        return np.concatenate([model.predict_on_batch(batch) for batch in batches])

    def scores(self, logits: Array, temperature: float = 1.0) -> NDArray[np.float64]:
        """Return the probabilities of each clip, [clips, labels]: the mean over its windows, as in tagging.

        The other outputs are left out.
        """
        scaled = logits.astype(np.float64) / temperature
        powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return self.means(powers / powers.sum(axis=1, keepdims=True))[:, : len(self.labels)]

    def means(self, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the mean of probabilities [windows, n] over each clip's windows, [clips, n]."""
        sums = np.add.reduceat(probabilities.astype(np.float64), self._first)
        means: NDArray[np.float64] = sums / self._counts[:, None]
        return means

    def summary(self, scores: NDArray[np.float64]) -> dict[str, float]:
        """Return MAP@3, macro MAP@3 and top-1 of scores [clips, labels]."""
        return metrics.summarize(scores, self.truth)

    def loss(self, scores: NDArray[np.float64]) -> float:
        """Return the mean crossentropy of scores [clips, labels] with the true labels."""
        return float(-np.log(scores[np.arange(len(self.truth)), self.truth] + 1e-12).mean())

    def best_temperature(self, logits: Array) -> float:
        """Return the temperature under which the true labels are likeliest.

        Every label counts the same: how many clips of it are held out is an accident.

        References
        ----------
        Guo et al. 2017, arXiv:1706.04599
        """
        clips = np.arange(len(self.truth))
        weights = 1 / np.bincount(self.truth)[self.truth]

        def likelihood(temperature: float) -> float:
            return float(weights @ np.log(self.scores(logits, temperature)[clips, self.truth] + 1e-12))

        return float(max(np.geomspace(0.2, 5.0, 200), key=likelihood))


def cut(waveform: Array, samples: int) -> list[Array]:
    """Cut a waveform [n] into the windows [samples] that tagging predicts; of silence, return the first one."""
    windows = list(split_windows([waveform], samples))
    return [window for window in windows if not is_silent(window)] or windows[:1]
