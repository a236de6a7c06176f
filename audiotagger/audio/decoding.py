"""Decode any audio file to mono float32 at a sample rate, in blocks: memory does not grow with the file."""

from __future__ import annotations

import io
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from operator import itemgetter
from typing import BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from audiotagger.audio.signatures import HEAD_BYTES, format_of
from audiotagger.errors import AudioError

Waveform = NDArray[np.float32]

Sound = tuple[int, Waveform]
"""A sample rate in Hz and a block of mono samples."""

AudioFile = str | os.PathLike[str] | BinaryIO
"""A path, or a file that is open for reading bytes."""

BLOCK_SECONDS = 10

PIECE_FRAMES = 16_384
"""Asked of libsndfile at once."""

LOUDEST = 1e6
"""Samples beyond this, as broken float files hold, are cut: their squares would overflow."""


def read_blocks(file: AudioFile, sample_rate: int) -> Iterator[Waveform]:
    """Yield the mono waveform of `file`, float32 [samples] at `sample_rate` Hz, about `BLOCK_SECONDS` at a time.

    Full scale is [-1, 1]; channels are averaged; soxr resamples at its default quality; what is not a number becomes
    silence. The format is told by the content, not the name; of a video it is the first sound track. Raises AudioError
    of kind "not_found", "no_audio", "unreadable", "undecodable", "empty", or "needs_extra" for what needs PyAV.
    """
    yield from _resample(native_blocks(file), sample_rate)


def native_blocks(file: AudioFile) -> Iterator[Sound]:
    """Yield (sample rate in Hz, mono block) as `read_blocks` does, but not resampled. Raises AudioError likewise."""
    name = name_of(file)
    if not isinstance(file, str | os.PathLike):
        yield from _decode(file, name)
        return
    try:
        opened = open(file, "rb")  # noqa: PTH123, SIM115 (closed below; a Path would rewrite the name)
    except FileNotFoundError:
        raise AudioError("not_found", f"{name}: no such file or folder; check the name") from None
    except IsADirectoryError:
        raise _unusable_folder(name) from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = getattr(error, "strerror", error)
        raise AudioError("unreadable", f"{name}: {reason}; check that it may be read") from None
    with opened:
        yield from _decode(opened, name)


def name_of(file: AudioFile) -> str:
    """What results and messages call a file: its path as it was given; "-" for an open file."""
    return os.fspath(file) if isinstance(file, str | os.PathLike) else "-"


def spool(file: BinaryIO) -> BinaryIO:
    """Return `file`, or, if it is a pipe, a temporary file with all that comes out of it: decoders jump about."""
    if file.seekable():
        return file
    spooled = tempfile.TemporaryFile()  # noqa: SIM115 (closed when nobody reads it any more)
    shutil.copyfileobj(file, spooled)
    spooled.seek(0)
    return spooled


def waveform_blocks(waveform: NDArray[np.floating], source_rate: int, sample_rate: int) -> Iterator[Waveform]:
    """Yield an array, [samples] or [samples, channels] at `source_rate` Hz, just as `read_blocks` does a file.

    Raises ValueError for another shape or rate.
    """
    if waveform.ndim not in (1, 2) or (waveform.ndim == 2 and waveform.shape[1] > max(waveform.shape[0], 32)):
        raise ValueError(f"a waveform is [samples] or [samples, channels], not {list(waveform.shape)}")
    if source_rate < 1:
        raise ValueError(f"a sample rate is at least 1 Hz, not {source_rate}")
    channels = np.atleast_2d(np.asarray(waveform, np.float32).T)
    mono = channels.mean(axis=0)
    size = int(BLOCK_SECONDS * source_rate)
    blocks = ((source_rate, mono[start : start + size]) for start in range(0, len(mono), size))
    yield from _resample(_clean(blocks, "waveform"), sample_rate)


def read_waveform(file: AudioFile, sample_rate: int) -> Waveform:
    """Return all of `read_blocks` as one array [samples]. Raises AudioError."""
    return np.concatenate(list(read_blocks(file, sample_rate)))


def _unusable_folder(folder: str) -> AudioError:
    try:
        os.scandir(folder).close()
    except OSError as error:
        return AudioError("unreadable", f"{folder}: {error.strerror}; check that it may be read")
    return AudioError("no_audio", f"{folder}: a folder, and no audio file was found in it; from Python, use find_audio")


def _decode(file: BinaryIO, name: str) -> Iterator[Sound]:
    seekable = spool(file)
    start = seekable.tell()
    try:
        if _rewind(seekable, start) == start:
            raise _nothing_in(name)
        yield from _clean(_sound(seekable, start, name), name)
    finally:
        if seekable is not file:
            seekable.close()


def _rewind(file: BinaryIO, start: int) -> int:
    """Go to `start` and return where the file ends. By way of its end: a buffered file does not notice when somebody
    else moves its descriptor, and would stay where it is.
    """
    end = file.seek(0, io.SEEK_END)
    file.seek(start)
    return end


def _nothing_in(name: str) -> AudioError:
    return AudioError("empty", f"{name}: holds no audio; leave it out or record it again")


def _sound(file: BinaryIO, start: int, name: str) -> Iterator[Sound]:
    # By descriptor where there is one: quicker than calls back into Python, and no name to be misled by.
    source = file.fileno() if isinstance(file, io.BufferedReader) and not start else file
    try:
        sound = _Stream(source, closefd=False)
    except soundfile.LibsndfileError as error:
        _rewind(file, start)
        yield from _by_ffmpeg(file, name, error.error_string.rstrip("."))
        return
    with sound:
        yield from _mono_blocks(sound, name)


def _by_ffmpeg(file: BinaryIO, name: str, reason: str) -> Iterator[Sound]:
    """`reason` is why libsndfile could not."""
    try:
        from audiotagger.audio.containers import decode
    except ImportError:
        command = "pip install 'audiotagger-nets[formats]'"
        known = format_of(file.read(HEAD_BYTES))
        if known and not known.native:
            raise AudioError("needs_extra", f"{name}: {known.name} needs PyAV: {command}") from None
        raise AudioError(
            "undecodable", f"{name}: cannot be decoded ({reason}); if it is audio of a rare format: {command}"
        ) from None
    yield from decode(file, name, BLOCK_SECONDS)


class _Stream(soundfile.SoundFile):  # type: ignore[misc] # soundfile has no types
    """A file read from front to back, so that FLAC of unknown length, which nobody can seek in, decodes too."""

    def seekable(self) -> bool:
        return False


def _mono_blocks(sound: soundfile.SoundFile, name: str) -> Iterator[Sound]:
    pieces: list[Waveform] = []
    heard = False
    try:
        # By pieces: where a file is damaged, libsndfile loses all that was asked for at once.
        while len(piece := sound.read(PIECE_FRAMES, dtype="float32", always_2d=True)):
            heard = True
            pieces.append(piece.mean(axis=1))
            if len(pieces) * PIECE_FRAMES >= BLOCK_SECONDS * sound.samplerate:
                yield sound.samplerate, np.concatenate(pieces)
                pieces = []
    except soundfile.LibsndfileError as error:
        if not heard:
            reason = error.error_string.rstrip(".")
            raise AudioError("undecodable", f"{name}: cannot be decoded ({reason}); it is damaged") from None
    if pieces:
        yield sound.samplerate, np.concatenate(pieces)


def _clean(sound: Iterator[Sound], name: str) -> Iterator[Sound]:
    empty = True
    for rate, block in sound:
        empty = False
        yield rate, np.clip(np.nan_to_num(block), -LOUDEST, LOUDEST)
    if empty:
        raise _nothing_in(name)


def _resample(sound: Iterator[Sound], sample_rate: int) -> Iterator[Waveform]:
    for rate, alike in itertools.groupby(sound, itemgetter(0)):
        blocks = (block for _, block in alike)
        if rate == sample_rate:
            yield from blocks
            continue
        stream = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32")
        yield from (out for block in blocks if len(out := stream.resample_chunk(block)))
        yield stream.resample_chunk(np.zeros(0, np.float32), last=True)
