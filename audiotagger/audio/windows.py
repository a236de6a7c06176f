"""Cut a waveform of any length into windows as long as the nets hear at once."""

from __future__ import annotations

import numpy as np

from audiotagger.audio.decoding import Waveform

SILENCE = 1e-4
"""A window whose loudest sample is below this (-80 dBFS) is not heard."""


def sounds(window: Waveform) -> bool:
    """Whether there is anything to hear in a window."""
    return bool(np.abs(window).max() >= SILENCE)


class WindowSplitter:
    """Cut a waveform that comes in blocks into windows of `samples` samples that begin `hop` samples apart.

    The last window ends where the waveform ends; a waveform shorter than a window is heard again and
    again: with silence around it the nets hear above all that it is short, which says little about what it is.
    """

    def __init__(self, samples: int, hop: int | None = None) -> None:
        self._samples, self._hop = samples, hop or samples
        self._buffer: Waveform = np.zeros(0, np.float32)  # begins where the last window began
        self._start = 0  # of the next window, in the buffer

    def push(self, block: Waveform) -> list[Waveform]:
        """Return the windows that `block` completes, each [samples]."""
        self._buffer = np.concatenate([self._buffer, block])
        windows = []
        while len(self._buffer) - self._start >= self._samples:
            self._buffer = self._buffer[self._start :]
            windows.append(self._buffer[: self._samples])
            self._start = self._hop
        return windows

    def end(self) -> list[Waveform]:
        """Return the last window, if the ones before it left something out."""
        if self._start == 0:
            return [np.resize(self._buffer, self._samples)]
        return [self._buffer[-self._samples :]] if len(self._buffer) > self._samples else []
