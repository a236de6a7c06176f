"""Decode any audio file to mono float32 at a sample rate, in blocks: memory does not grow with the file."""

from __future__ import annotations

import io
import itertools
import os
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from operator import itemgetter
from typing import BinaryIO, cast

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from audiotagger.audio import libsndfile
from audiotagger.audio.discovery import name_of
from audiotagger.audio.filters import mix_down, remove_bad_samples, remove_rumble
from audiotagger.audio.parts import MOST_JUNK, Part, next_start, split
from audiotagger.audio.streams import next_stream, partly_read
from audiotagger.audio.types import AudioBlock, AudioFile, Warn, Waveform, ignore
from audiotagger.errors import AudioError
from audiotagger.extras import install_command

BLOCK_SECONDS = 10

BLOCK_SAMPLES = 1 << 23
"""Of all channels, at most."""

HIGHEST_RATE = 10_000_000
"""Hz: more is a damaged header, and what it asks of the memory no machine has."""

VERSION = 3
"""Of what `read_blocks` makes of a file: raised when that changes, so that nothing older is taken from a cache."""

LARGEST_PIPE = 4 << 30
"""Bytes of a pipe that are stored, for what never ends must not fill the disk."""

WAIT_FOR_WRITER = 10
"""Seconds after which a named pipe that nobody opens to write is given up."""


def read_blocks(file: AudioFile, sample_rate: int, warn: Warn = ignore) -> Iterator[Waveform]:
    """Read an audio file as one mono waveform, from front to back.

    The content tells the format, not the name. Of several audio tracks it is the default one. Channels are averaged, or
    the loudest is taken where they cancel out; soxr resamples at its default quality; what is not a number becomes
    silence; what is below hearing is left out, a constant offset too.

    Parameters
    ----------
    file
        A path, or a file that is open for reading bytes; a pipe too.
    sample_rate
        Of the waveform, in Hz.
    warn
        Called with each `AudioWarning`, such as that only a part could be read.

    Yields
    ------
    Waveform
        float32 [samples], full scale [-1, 1], of about `BLOCK_SECONDS`.

    Raises
    ------
    AudioError
        Of kind "not_found", "no_audio", "unreadable", "undecodable", "empty", or "needs_extra" for what needs PyAV.
    """
    yield from _at_rate(native_blocks(file, warn), sample_rate)


def read_waveform(file: AudioFile, sample_rate: int, warn: Warn = ignore) -> Waveform:
    """Return all of `read_blocks` as one array [samples]. Raises AudioError."""
    return np.concatenate(list(read_blocks(file, sample_rate, warn)))


def native_blocks(file: AudioFile, warn: Warn = ignore) -> Iterator[AudioBlock]:
    """Read an audio file as `read_blocks` does, but neither resample it nor leave out what is below hearing.

    Yields blocks [frames] at the file's own sample rate.
    """
    name = name_of(file)
    if not isinstance(file, str | os.PathLike):
        yield from _decode(file, name, warn)
        return
    try:
        # Not Path.open, which would rewrite the name; closed below.
        opened = open(file, "rb", buffering=0, opener=_open_at_once)  # noqa: SIM115
    except FileNotFoundError:
        raise AudioError("not_found", f"{name}: no such file or folder; check the name") from None
    except IsADirectoryError:
        raise _unusable_folder(name) from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = getattr(error, "strerror", error)
        raise AudioError("unreadable", f"{name}: {reason}; check that it may be read") from None
    with opened:
        begin = _begin_of_pipe(opened, name) if stat.S_ISFIFO(os.fstat(opened.fileno()).st_mode) else b""
        try:
            yield from _decode(cast("BinaryIO", opened), name, warn, begin)
        except OSError as error:  # a failing disk
            reason = error.strerror or error
            raise AudioError("unreadable", f"{name}: cannot be read ({reason}); check the file and the disk") from None


def waveform_blocks(
    waveform: NDArray[np.floating], source_rate: int, sample_rate: int, warn: Warn = ignore
) -> Iterator[Waveform]:
    """Yield an array, [samples] or [samples, channels] at `source_rate` Hz, just as `read_blocks` does a file.

    Raises ValueError for another shape, type or rate, AudioError of kind "empty" for no samples.
    """
    if waveform.ndim not in (1, 2) or (waveform.ndim == 2 and waveform.shape[1] > max(waveform.shape[0], 32)):
        raise ValueError(f"a waveform is [samples] or [samples, channels], not {list(waveform.shape)}")
    if not np.issubdtype(waveform.dtype, np.floating):
        raise ValueError(f"a waveform is floats, full scale [-1, 1], not {waveform.dtype}")
    if not 1 <= source_rate <= HIGHEST_RATE or source_rate != int(source_rate):
        raise ValueError(f"a sample rate is a whole number from 1 to {HIGHEST_RATE} Hz, not {source_rate}")
    if not waveform.size:
        raise _nothing_in("waveform")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and silence like other bad samples
        frames = np.asarray(waveform, np.float32).reshape(len(waveform), -1)
    yield from _at_rate(_mono([(int(source_rate), frames)], "waveform", warn), sample_rate)


def spool(file: BinaryIO, name: str = "-", begin: bytes = b"") -> BinaryIO:
    """Return `file`, or, if it is a pipe, a temporary file with all that comes out of it: decoders jump about.

    `begin` has been read from the pipe before. Raises AudioError of kind "unreadable" for more than `LARGEST_PIPE`, and
    where there is no room.
    """
    if file.seekable():
        return file
    with suppress(OSError, AttributeError):  # a terminal's, shared with others; no file of the system
        os.set_blocking(file.fileno(), True)  # or a pause would look like the end
    import tempfile  # slow to import, and most files are no pipes

    with ExitStack() as stack:
        try:
            spooled = stack.enter_context(tempfile.TemporaryFile())
            spooled.write(begin)
            while data := file.read(1 << 20):
                if spooled.tell() > LARGEST_PIPE:
                    limit = f"{LARGEST_PIPE / (1 << 30):g} GiB"
                    raise AudioError("unreadable", f"{name}: more than {limit} from a pipe; save it to a file first")
                spooled.write(data)
            spooled.seek(0)
        except OSError as error:
            reason = f"cannot be copied to a temporary file ({error.strerror}); make room or set TMPDIR"
            raise AudioError("unreadable", f"{name}: {reason}") from None
        stack.pop_all()
    return cast("BinaryIO", spooled)


def _open_at_once(path: str, flags: int) -> int:
    """Open a file, also a pipe that nobody writes to yet. Windows has none."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _begin_of_pipe(pipe: io.FileIO, name: str) -> bytes:
    """Wait until somebody writes to a pipe, and return the first bytes if there are any yet.

    Raises AudioError of kind "unreadable" if nobody does.
    """
    end = time.monotonic() + WAIT_FOR_WRITER
    while (data := pipe.read(1 << 16)) == b"":
        if time.monotonic() > end:
            raise AudioError("unreadable", f"{name}: nothing writes to this pipe; start the writer first")
        time.sleep(0.05)
    os.set_blocking(pipe.fileno(), True)
    return data or b""  # None: the writer is there and has not written yet


def _unusable_folder(folder: str) -> AudioError:
    try:
        os.scandir(folder).close()
    except OSError as error:
        return AudioError("unreadable", f"{folder}: {error.strerror}; check that it may be read")
    return AudioError("no_audio", f"{folder}: a folder without audio files; try --all, or from Python find_audio")


def _decode(file: BinaryIO, name: str, warn: Warn, begin: bytes = b"") -> Iterator[AudioBlock]:
    seekable = spool(file, name, begin)
    start = seekable.tell()
    plain = seekable
    if isinstance(seekable, io.BufferedReader | io.BufferedRandom):  # which does not notice when others move the file
        plain = cast("BinaryIO", seekable.raw)
    try:
        if plain.seek(0, io.SEEK_END) <= start:
            raise _nothing_in(name)
        yield from _mono(_pieces(plain, start, name, warn), name, warn)
    finally:
        if seekable is not file:
            seekable.close()


def _nothing_in(name: str) -> AudioError:
    return AudioError("empty", f"{name}: no audio in it; leave it out or record it again")


def _pieces(file: BinaryIO, start: int, name: str, warn: Warn) -> Iterator[AudioBlock]:
    """Yield samples [frames, channels], of any number of frames, of all files that were joined to this one."""
    read = 0.0
    (_, first_end), *others = split(file, start)
    first, offset = (cast("BinaryIO", Part(file, start, first_end)), 0) if others else (file, start)
    for rate, piece in _pieces_of_one(first, offset, name, warn):
        read += len(piece) / rate
        yield rate, piece
    lost, failures = False, 0
    for begin, end in others:
        try:
            for rate, piece in _pieces_of_one(cast("BinaryIO", Part(file, begin, end)), 0, name, warn):
                read += len(piece) / rate
                yield rate, piece
            failures = 0
        except AudioError:
            lost, failures = True, failures + 1
            if failures == libsndfile.FALSE_STARTS:
                break
    if lost:
        warn(partly_read(name, read))


def _pieces_of_one(file: BinaryIO, start: int, name: str, warn: Warn) -> Iterator[AudioBlock]:
    try:
        yield from _decoded(file, start, name, warn)
        return
    except AudioError as error:
        failure = error
    found = [at for at in (next_start(file, start + 1), next_stream(file, start + 1, MOST_JUNK)) if at is not None]
    if failure.kind == "no_audio" or not found:
        raise failure
    try:
        yield from _decoded(file, min(found), name, warn)
    except AudioError:
        raise failure from None


def _decoded(file: BinaryIO, start: int, name: str, warn: Warn) -> Iterator[AudioBlock]:
    file.seek(start)
    try:
        yield from libsndfile.decode(file, start, name, warn)
        return
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".")
    try:
        from audiotagger.audio import containers
    except ImportError:
        needed = f"if it is audio, it needs PyAV: {install_command('formats')}"
        raise AudioError("needs_extra", f"{name}: cannot be decoded ({reason}); {needed}") from None
    yield from containers.decode(file, start, name, warn)


def _mono(pieces: Iterable[AudioBlock], name: str, warn: Warn) -> Iterator[AudioBlock]:
    empty = True
    for block in mix_down(remove_bad_samples(_gather(pieces, name), name, warn)):
        empty = False
        yield block
    if empty:
        raise _nothing_in(name)


def _gather(pieces: Iterable[AudioBlock], name: str) -> Iterator[AudioBlock]:
    """Yield blocks of `BLOCK_SECONDS`, whatever the pieces: what is decided by block does not depend on the format."""
    for (rate, channels), alike in itertools.groupby(pieces, lambda piece: (piece[0], piece[1].shape[1])):
        if not 1 <= rate <= HIGHEST_RATE:
            raise AudioError("undecodable", f"{name}: a sample rate of {rate} Hz; it is damaged or not audio")
        size = max(1, min(BLOCK_SECONDS * rate, BLOCK_SAMPLES // channels))
        held: list[Waveform] = []
        frames = 0
        for _, piece in alike:
            held.append(piece)
            frames += len(piece)
            if frames >= size:
                whole = np.concatenate(held)
                frames %= size
                yield from ((rate, whole[at : at + size]) for at in range(0, len(whole) - frames, size))
                held = [whole[len(whole) - frames :]]
        if frames:
            yield rate, np.concatenate(held)


def _at_rate(blocks: Iterable[AudioBlock], sample_rate: int) -> Iterator[Waveform]:
    for rate, alike in itertools.groupby(blocks, itemgetter(0)):
        waveforms = remove_rumble((block for _, block in alike), rate)  # before an offset makes soxr ring at the ends
        if rate == sample_rate:
            yield from waveforms
            continue
        stream = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32")
        yield from (out for waveform in waveforms if len(out := stream.resample_chunk(waveform)))
        yield stream.resample_chunk(np.zeros(0, np.float32), last=True)
