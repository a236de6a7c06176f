"""Score a net on held-out clips while it trains, cut into the very windows that tagging uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from audiotagger.audio.windows import WindowSplitter, sounds
from audiotagger.datasets.cache import Waveforms
from audiotagger.datasets.clip import Clip
from audiotagger.evaluation import metrics

if TYPE_CHECKING:
    import keras

FEWEST_TO_CALIBRATE = 100
"""Held-out clips: with fewer, all of them may well be right, and the likeliest temperature would be none at all."""


class Validation:
    """The held-out clips. windows: [windows, samples]; truth: [clips], indices of labels."""

    def __init__(self, clips: Sequence[Clip], waveforms: Waveforms, labels: Sequence[str], samples: int) -> None:
        self.truth = np.array([labels.index(clip.label) for clip in clips])
        self._n_labels = len(labels)
        windows = [cut(waveform, samples) for waveform in map(waveforms.__getitem__, range(len(clips)))]
        self.windows = np.concatenate(windows)
        self._first = np.cumsum([0] + [len(of_clip) for of_clip in windows[:-1]])
        self._counts = np.array([len(of_clip) for of_clip in windows])

    def logits(self, net: keras.Model) -> NDArray[np.float32]:
        """Logits of each window, [windows, outputs]."""
        batches = (self.windows[i : i + 64] for i in range(0, len(self.windows), 64))
        return np.concatenate([np.asarray(net(batch, training=False)) for batch in batches])

    def scores(self, logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float64]:
        """Probabilities of each clip, [clips, labels], as tagging has them: the mean over its windows. What the net
        gives to none of the labels is left out.
        """
        scaled = logits.astype(np.float64) / temperature
        powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return self.means(powers / powers.sum(axis=1, keepdims=True))[:, : self._n_labels]

    def means(self, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """Probabilities of each clip, [clips, n], from those of each window, [windows, n]."""
        sums = np.add.reduceat(probabilities.astype(np.float64), self._first)
        means: NDArray[np.float64] = sums / self._counts[:, None]
        return means

    def summary(self, scores: NDArray[np.float64]) -> dict[str, float]:
        """MAP@3, macro MAP@3 and top-1 of each clip's scores."""
        return {
            "map3": metrics.map_at(scores, self.truth),
            "macro_map3": metrics.macro_map_at(scores, self.truth),
            "top1": metrics.top_1(scores, self.truth),
        }

    def best_temperature(self, logits: NDArray[np.float32]) -> float:
        """The temperature under which the true labels are likeliest (Guo et al. 2017, arXiv:1706.04599).

        Every label counts the same: how many clips of one happen to be held out says nothing about what will be heard.
        """
        clips = np.arange(len(self.truth))
        weights = 1 / np.bincount(self.truth)[self.truth]

        def likelihood(temperature: float) -> float:
            return float(weights @ np.log(self.scores(logits, temperature)[clips, self.truth] + 1e-12))

        return float(max(np.geomspace(0.2, 5.0, 200), key=likelihood))


def cut(waveform: NDArray[np.float32], samples: int) -> list[NDArray[np.float32]]:
    """The windows [samples] of a waveform [n] that tagging hears; of silence, the first one."""
    splitter = WindowSplitter(samples)
    windows = splitter.push(waveform) + splitter.end()
    return [window for window in windows if sounds(window)] or windows[:1]
