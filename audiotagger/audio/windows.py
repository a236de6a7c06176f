"""Cut a waveform of any length into windows of one length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from audiotagger.audio.types import Waveform

SILENCE = 1e-4
"""A window whose peak is lower (-80 dBFS) is silent."""


def is_silent(window: Waveform) -> bool:
    """Return whether a window [samples] is silent, so that no model needs to see it."""
    return bool(np.abs(window).max() < SILENCE)


class WindowSplitter:
    """Cut a waveform that comes in blocks into overlapping windows.

    The last window ends where the waveform ends. A waveform shorter than a window is repeated: padded with silence, its
    shortness would be what models notice most.

    Parameters
    ----------
    window
        Window length in samples.
    hop
        Samples from the start of one window to the start of the next; by default `window`.
    """

    def __init__(self, window: int, hop: int | None = None) -> None:
        self._window, self._hop = window, hop or window
        self._buffer: Waveform = np.zeros(0, np.float32)  # starts where the previous window started
        self._start = 0  # of the next window, in the buffer

    def push(self, block: Waveform) -> list[Waveform]:
        """Append a block [samples] and return the windows that it completes, each [window]."""
        self._buffer = np.concatenate([self._buffer, block])
        windows = []
        while len(self._buffer) - self._start >= self._window:
            self._buffer = self._buffer[self._start :]
            windows.append(self._buffer[: self._window])
            self._start = self._hop
        return windows

    def end(self) -> list[Waveform]:
        """Return the last window [window], unless the previous one ended with the waveform."""
        if self._start == 0:
            return [np.resize(self._buffer, self._window)]
        return [self._buffer[-self._window :]] if len(self._buffer) > self._window else []


def split_windows(blocks: Iterable[Waveform], window: int, hop: int | None = None) -> Iterator[Waveform]:
    """Yield the windows [window] of a waveform that comes in blocks, as `WindowSplitter` cuts them."""
    splitter = WindowSplitter(window, hop)
    for block in blocks:
        yield from splitter.push(block)
    yield from splitter.end()
