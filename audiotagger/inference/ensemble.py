"""An ensemble of models: the windows of a waveform to probabilities and to an embedding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from audiotagger.audio.types import Array, Waveform
from audiotagger.audio.windows import is_silent, split_windows
from audiotagger.errors import ModelError
from audiotagger.inference.model import Model


class Ensemble:
    """Models with the same labels, which predict the same windows.

    Parameters
    ----------
    models
        At least one.
    window
        Window length in seconds, by default that of training.
    hop
        Hop length in seconds, by default `window`.

    Raises
    ------
    ModelError
        There are no models, or their labels or sample rates differ.
    ValueError
        The window or the hop has no valid length.
    """

    def __init__(self, models: Iterable[Model], window: float | None = None, hop: float | None = None) -> None:
        self.models = tuple(models)
        if not self.models:
            raise ModelError("no models; create some with `audiotagger export`")
        first = self.models[0]
        for model in self.models[1:]:
            if model.labels != first.labels or model.sample_rate != first.sample_rate:
                raise ModelError(
                    f"{model.path}: labels or sample rate differ from {first.path}, so they cannot be averaged; "
                    "keep them in separate folders"
                )
        self.labels, self.sample_rate = first.labels, first.sample_rate
        trained_for = max(model.window_samples for model in self.models)
        self._window = round(window * self.sample_rate) if window is not None else trained_for
        self._hop = round(hop * self.sample_rate) if hop is not None else self._window
        if not 1 <= self._hop <= self._window:
            raise ValueError(
                f"--hop must be greater than 0 and at most --window ({self._window / self.sample_rate:g} s)"
            )

    def predict(self, blocks: Iterable[Waveform]) -> Iterator[tuple[float, Waveform, Array | None]]:
        """Predict each window of a waveform given in blocks [samples] at `sample_rate`.

        Yields
        ------
        start
            Seconds from which on the window counts, until the next one does: it stands for the time around its middle,
            the first one also for what comes before.
        window
            [samples]
        probabilities
            [models, labels]; None for a silent window.
        """
        for index, window in enumerate(split_windows(blocks, self._window, self._hop)):
            start = (index * self._hop + (self._window - self._hop) / 2) / self.sample_rate if index else 0.0
            # One by one: a batch takes as long per window and more memory.
            silent = is_silent(window)
            yield start, window, None if silent else np.stack([one.predict(window[None])[0] for one in self.models])

    def embed(self, blocks: Iterable[Waveform]) -> Array:
        """Return the models' embeddings, concatenated to [n], as their mean over windows; all 0 for silence."""
        total, count = np.zeros(sum(model.embedding_size for model in self.models)), 0
        for window in split_windows(blocks, self._window, self._hop):
            if not is_silent(window):
                total += np.concatenate([model.embed(window[None])[0] for model in self.models])
                count += 1
        return (total / max(count, 1)).astype(np.float32)
