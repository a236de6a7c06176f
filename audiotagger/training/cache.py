"""Clips decoded once: their waveforms, kept in a file between runs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiotagger.audio.decoding import VERSION, read_waveform
from audiotagger.datasets.clip import Clip
from audiotagger.errors import DataError

Array = NDArray[np.float32]

FLOAT16_RANGE = (-65_504.0, 65_504.0)


class Waveforms:
    """The decoded clips, float16 in one memory-mapped array: `waveforms[i]` is float32 [samples]."""

    def __init__(self, samples: NDArray[np.float16], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
        self._samples, self._starts, self._ends = samples, starts, ends

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: int) -> Array:
        return self._samples[self._starts[index] : self._ends[index]].astype(np.float32)

    def take(self, indices: Sequence[int]) -> Waveforms:
        """Return those of these clips, in this order."""
        chosen = np.array(indices, np.intp)
        return Waveforms(self._samples, self._starts[chosen], self._ends[chosen])


def cache_folder() -> Path:
    """Where decoded clips are kept: AUDIOTAGGER_CACHE, else audiotagger/ in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("AUDIOTAGGER_CACHE") or Path(base) / "audiotagger")


def decode_all(clips: Sequence[Clip], sample_rate: int, progress: Callable[[int, int], None]) -> Waveforms:
    """Decode clips to mono at `sample_rate`, or take them from the cache if the same files were decoded before.

    `progress` is called with (done, total). Raises AudioError for a file that cannot be decoded, DataError if the
    cache cannot be written.
    """
    key = hashlib.sha256(f"{VERSION} {sample_rate}".encode())
    for clip in clips:
        stat = clip.path.stat()
        key.update(f"{clip.path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    path = cache_folder() / f"{key.hexdigest()[:24]}.f16"
    ends_path = path.with_suffix(".npy")
    if not ends_path.is_file():
        try:
            _fill_cache(path, ends_path, clips, sample_rate, progress)
        except OSError as error:
            raise DataError(f"{path.parent}: {error.strerror}; set AUDIOTAGGER_CACHE to another folder") from None
    ends = np.load(ends_path)
    return Waveforms(np.memmap(path, np.float16, "r"), np.concatenate([[0], ends[:-1]]), ends)


def _fill_cache(
    path: Path, ends_path: Path, clips: Sequence[Clip], sample_rate: int, progress: Callable[[int, int], None]
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial, partial_ends = (p.with_name(f"{os.getpid()}.{p.name}") for p in (path, ends_path))
    ends: list[int] = []
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool, partial.open("wb") as file:
            for waveform in pool.map(lambda clip: read_waveform(clip.path, sample_rate), clips):
                file.write(np.clip(waveform, *FLOAT16_RANGE).astype(np.float16).tobytes())
                ends.append((ends[-1] if ends else 0) + len(waveform))
                progress(len(ends), len(clips))
        np.save(partial_ends, np.array(ends, np.int64))
        partial.replace(path)
        partial_ends.replace(ends_path)
    finally:
        partial.unlink(missing_ok=True)
        partial_ends.unlink(missing_ok=True)
