"""Decode any audio file to mono float32 at a sample rate, in blocks: memory does not grow with the file."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from audiotagger.errors import AudioError

Waveform = NDArray[np.float32]

BLOCK_SECONDS = 10

LOUDEST = 1e6
"""Samples beyond this, as broken float files hold, are cut: their squares would overflow."""


def read_blocks(file: Path | BinaryIO, sample_rate: int) -> Iterator[Waveform]:
    """Yield the mono waveform of `file`, float32 [samples] at `sample_rate` Hz, about `BLOCK_SECONDS` at a time.

    Full scale is [-1, 1]; channels are averaged; soxr resamples at its default quality; what is not a number becomes
    silence. The format is told by the content, not the name. Raises AudioError of kind "not_found", "no_audio",
    "unreadable", "undecodable" or "empty".
    """
    name = str(file) if isinstance(file, Path) else "standard input"
    if isinstance(file, Path):
        _check_readable(file)
    elif not file.seekable():  # a pipe; decoders jump about
        with tempfile.TemporaryFile() as spool:
            shutil.copyfileobj(file, spool)
            spool.seek(0)
            yield from read_blocks(spool, sample_rate)
        return
    try:
        with soundfile.SoundFile(os.fsencode(file) if isinstance(file, Path) else file) as sound:
            yield from _resample(_clean(_mono_blocks(sound), name), sound.samplerate, sample_rate)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: a name that ends in .raw
        reason = getattr(error, "error_string", "headerless audio").rstrip(".")
        raise AudioError("undecodable", f"{name}: cannot be decoded ({reason}); is it an audio file?") from None


def waveform_blocks(waveform: NDArray[np.floating], source_rate: int, sample_rate: int) -> Iterator[Waveform]:
    """Yield an array, [samples] or [samples, channels] at `source_rate` Hz, just as `read_blocks` does a file."""
    channels = np.atleast_2d(np.asarray(waveform, np.float32).T)
    mono = channels.mean(axis=0)
    size = BLOCK_SECONDS * source_rate
    blocks = (mono[start : start + size] for start in range(0, len(mono), size))
    yield from _resample(_clean(blocks, "waveform"), source_rate, sample_rate)


def read_waveform(file: Path | BinaryIO, sample_rate: int) -> Waveform:
    """Return all of `read_blocks` as one array [samples]. Raises AudioError."""
    return np.concatenate(list(read_blocks(file, sample_rate)))


def _check_readable(path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise AudioError("not_found", f"{path}: no such file or folder") from None
    except IsADirectoryError:
        raise AudioError("no_audio", f"{path}: a folder without audio files") from None
    except OSError as error:
        raise AudioError("unreadable", f"{path}: {error.strerror}") from None


def _mono_blocks(sound: soundfile.SoundFile) -> Iterator[Waveform]:
    while len(block := sound.read(BLOCK_SECONDS * sound.samplerate, dtype="float32", always_2d=True)):
        yield block.mean(axis=1)


def _clean(blocks: Iterator[Waveform], name: str) -> Iterator[Waveform]:
    empty = True
    for block in blocks:
        empty = False
        yield np.clip(np.nan_to_num(block), -LOUDEST, LOUDEST)
    if empty:
        raise AudioError("empty", f"{name}: holds no audio; leave it out or record it again")


def _resample(blocks: Iterator[Waveform], source_rate: int, sample_rate: int) -> Iterator[Waveform]:
    if source_rate == sample_rate:
        yield from blocks
        return
    stream = soxr.ResampleStream(source_rate, sample_rate, 1, dtype="float32")
    yield from (out for block in blocks if len(out := stream.resample_chunk(block)))
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)
