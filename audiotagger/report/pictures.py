"""Log-mel pictures of waveforms of any length, as small PNG images."""

from __future__ import annotations

import functools
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from audiotagger.audio.types import Waveform
from audiotagger.report.columns import Columns
from audiotagger.report.details import MAGMA

BANDS, FRAME, HOP = 64, 1024, 320
"""Mel bands; samples per frame and from frame to frame, of 16 kHz 64 and 20 ms."""

LOWEST = 40.0
"""Hz where the lowest band begins; the highest ends at half the sample rate."""

RANGE = 65.0
"""dB from the darkest to the brightest colour, which is that of the loudest place."""

FINE, COARSE = (BANDS, 512), (BANDS // 2, 128)
"""Most bands and columns of a picture to look at closely, and of one among thousands."""


class Picture:
    """Draws a waveform that comes in blocks.

    Parameters
    ----------
    sample_rate
        Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._filters = mel_filters(sample_rate)
        self._window = np.hanning(FRAME).astype(np.float32)
        self._held: Waveform = np.zeros(FRAME // 2, np.float32)  # half a frame of silence around the whole
        self._columns = Columns(FINE[1], BANDS)

    def add(self, block: Waveform) -> None:
        """Append a block [samples]."""
        waveform = np.concatenate([self._held, block])
        n_frames = max(0, (len(waveform) - FRAME) // HOP + 1)
        if n_frames:
            frames = np.lib.stride_tricks.sliding_window_view(waveform, FRAME)[::HOP]
            power = np.abs(np.fft.rfft(frames * self._window)) ** 2
            self._columns.add(power @ self._filters)
        self._held = waveform[n_frames * HOP :]

    def levels(self) -> NDArray[np.float64]:
        """Return the picture, once all blocks have been added: levels [columns, BANDS] in [0, 1], low bands first."""
        self.add(np.zeros(FRAME // 2, np.float32))
        power = self._columns.means()
        if not len(power):  # shorter than a hop
            power = np.zeros((1, BANDS))
        decibels = 10 * np.log10(power + 1e-10)
        return np.clip((decibels - decibels.max()) / RANGE + 1, 0, 1) if power.any() else np.zeros_like(power)

    def draw(self) -> tuple[bytes, bytes]:
        """Return the picture as PNG, `FINE` and `COARSE`, once all blocks have been added."""
        levels = self.levels()
        return _png(levels), _png(resize(levels, min(len(levels), COARSE[1]), COARSE[0]))


def band_edges(sample_rate: int) -> NDArray[np.float64]:
    """Return where the bands begin and end, of equal width and distance on the mel scale: Hz [BANDS + 2].

    Band i begins at edge i, has its middle at edge i + 1 and ends at edge i + 2.

    References
    ----------
    O'Shaughnessy 1987: mel = 2595 log10(1 + Hz / 700)
    """
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (LOWEST, sample_rate / 2))
    edges: NDArray[np.float64] = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    return edges


@functools.cache
def mel_filters(sample_rate: int) -> NDArray[np.float32]:
    """Return the triangles of the bands, [frequencies of a frame, BANDS]."""
    edges = band_edges(sample_rate)
    bins = np.fft.rfftfreq(FRAME, 1 / sample_rate)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    triangles: NDArray[np.float32] = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return triangles


def resize(levels: NDArray[np.float64], columns: int, bands: int) -> NDArray[np.float64]:
    """Return levels [columns, bands] as their means over neighbours; if there are fewer columns, they are repeated.

    `bands` divides `BANDS`.
    """
    starts = np.arange(columns) * len(levels) // columns
    counts = np.maximum(1, np.diff(np.append(starts, len(levels))))[:, None]
    means = np.add.reduceat(levels, starts) / counts
    resized: NDArray[np.float64] = means.reshape(columns, bands, -1).mean(axis=2)
    return resized


def _png(levels: NDArray[np.float64]) -> bytes:
    """Return levels [columns, bands] in [0, 1] as an image with low bands at the bottom."""
    pixels = np.rint(levels * (len(MAGMA) // 3 - 1)).astype(np.uint8).T[::-1]
    height, width = pixels.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each begins with the number of its filter: none
    rows[:, 1:] = pixels
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),  # a byte per pixel: an index of PLTE
        (b"PLTE", MAGMA),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
