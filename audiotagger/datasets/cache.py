"""Clips decoded once: a file for each in the user's cache folder, which training, exports and evaluation share.

The folder is AUDIOTAGGER_CACHE, else the one the system has for this (`~/.cache/audiotagger` on Linux). It is kept
under `LIMIT` bytes, and may be deleted at any time: what is missing is decoded again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np

from audiotagger import __version__
from audiotagger.audio.decoding import VERSION, read_blocks, read_waveform
from audiotagger.audio.types import Array
from audiotagger.datasets.clip import Clip
from audiotagger.errors import DataError, ExtraError
from audiotagger.extras import extra_error
from audiotagger.inference.parallel import available_cores
from audiotagger.output.files import replacing

LIMIT = 20 * 10**9
"""Bytes that the cache may hold; more only while one dataset needs more."""


class Waveforms:
    """Clips in the cache: `waveforms[i]` is float32 [samples] at the sample rate they were decoded for."""

    def __init__(self, paths: Sequence[Path], entries: Sequence[Path], sample_rate: int) -> None:
        self._paths, self._entries, self._sample_rate = paths, entries, sample_rate

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> Array:
        waveform = _load(self._entries[index])
        return read_waveform(self._paths[index], self._sample_rate) if waveform is None else waveform

    @property
    def names(self) -> list[str]:
        """A name for each clip, which changes with its file and with how files are decoded."""
        return [entry.stem for entry in self._entries]

    def take(self, indices: Sequence[int]) -> Waveforms:
        """Return those of these clips, in this order."""
        return Waveforms([self._paths[i] for i in indices], [self._entries[i] for i in indices], self._sample_rate)


def decode_all(clips: Sequence[Clip], sample_rate: int, progress: Callable[[int, int], None]) -> Waveforms:
    """Decode clips into the cache, except those that it holds already.

    Parameters
    ----------
    clips
        What to decode, in any order: each is cached on its own.
    sample_rate
        In Hz. Waveforms are mono.
    progress
        Called with (done, total) of the clips that were missing.

    Raises
    ------
    AudioError
        If a file cannot be decoded.
    DataError
        If the cache cannot be written to.
    """
    paths = [clip.path for clip in clips]
    entries = [_entry(path, sample_rate) for path in paths]
    missing = {entry: path for path, entry in zip(paths, entries, strict=True) if not entry.exists()}
    for entry in entries:
        with suppress(OSError):
            os.utime(entry)  # used now: others are deleted before it

    def fill(entry: Path) -> None:
        waveform = read_waveform(missing[entry], sample_rate)
        try:
            with replacing(entry, durable=False) as partial:
                np.save(partial, waveform)
        except OSError as error:
            raise unwritable(error) from None

    if missing:
        try:
            entries[0].parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(error) from None
        with ThreadPoolExecutor(available_cores()) as pool:
            for done, _ in enumerate(pool.map(fill, missing), start=1):
                progress(done, len(missing))
        _trim(cache_folder(), keep=set(entries))
    return Waveforms(paths, entries, sample_rate)


def cached_blocks(path: Path, sample_rate: int) -> Iterable[Array]:
    """Return what `read_blocks` does, from the cache if that holds the file."""
    waveform = None
    with suppress(ExtraError, OSError):  # without platformdirs nothing was ever cached
        waveform = _load(_entry(path, sample_rate))
    return read_blocks(path, sample_rate) if waveform is None else [waveform]


def cache_folder() -> Path:
    """Return the folder of all that is cached: AUDIOTAGGER_CACHE, else the user's. Raises ExtraError."""
    if folder := os.environ.get("AUDIOTAGGER_CACHE"):
        return Path(folder)
    try:
        import platformdirs
    except ModuleNotFoundError:
        raise extra_error("train", "caching", ["platformdirs"]) from None
    return platformdirs.user_cache_path("audiotagger", appauthor=False)


def unwritable(error: OSError) -> DataError:
    """Return the error to raise if the cache cannot be written to."""
    reason = error.strerror or error
    return DataError(f"{cache_folder()}: {reason}; free some space, or set AUDIOTAGGER_CACHE to another folder")


def _entry(path: Path, sample_rate: int) -> Path:
    """Where the waveform of an audio file is kept, as it is now."""
    stat = path.stat()
    key = f"{__version__}\0{VERSION}\0{sample_rate}\0{path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}"
    return cache_folder() / "clips" / f"{hashlib.sha256(os.fsencode(key)).hexdigest()[:32]}.npy"


def _load(entry: Path) -> Array | None:
    try:
        waveform: Array = np.load(entry)
    except (EOFError, OSError, ValueError):  # deleted, or cut off by a loss of power
        return None
    return waveform


def _trim(folder: Path, keep: set[Path]) -> None:
    """Delete what was used least recently, except `keep`, until the cache is as small as it may be."""
    found = []
    for path in [*folder.glob("clips/*.npy"), *folder.glob("teacher/*/*.npz")]:
        with suppress(FileNotFoundError):  # another process was faster
            stat = path.stat()
            found.append((stat.st_mtime_ns, stat.st_size, path))
    excess = sum(size for _, size, _ in found) - LIMIT
    for _, size, path in sorted(found):
        if excess <= 0:
            break
        if path not in keep:
            path.unlink(missing_ok=True)
            excess -= size
