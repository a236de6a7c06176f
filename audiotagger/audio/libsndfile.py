"""Decode with libsndfile, and continue where it stops before the end of the file."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import BinaryIO, Literal, Self

import numpy as np
import soundfile

from audiotagger.audio.streams import LOST, Section, is_cut_off_ogg, next_stream, partly_read
from audiotagger.audio.types import AudioBlock, Warn, Waveform

STEP = 16_384
"""Frames asked of libsndfile at once."""

CODED_STEP = 1152
"""Frames asked for at once where a damaged one costs all that was asked for: about one frame of the coder."""

FAILURES = 16
"""Errors in a row after which a stream is given up."""

FALSE_STARTS = 100
"""Places in a row where a stream seems to begin but none does, after which the rest of a file is given up."""

READ_AHEAD = {"FLAC": 65_536, "MP3": 4, "OGG": 65_536}
"""Bytes that a coder may have read beyond where it stopped."""

LONGEST_FRAME = 2881
"""Bytes of MPEG audio."""

UNKNOWN_FRAMES = 1 << 62
UNKNOWN_BYTES = 0x7FFF_0000
"""A size that a header says is unknown is this or more."""

PLAIN = {"PCM_S8": 1, "PCM_U8": 1, "ULAW": 1, "ALAW": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}
"""Bytes of a sample of what can be read without a header."""

_SIZES = re.compile(r"(?:data|SSND|Data Size) *: (\d+) \(should be (\d+)\)", re.IGNORECASE)

_TAGS = re.compile(rb"TAG|APETAGEX|LYRICSBEGIN|ID3")


def decode(file: BinaryIO, start: int, name: str, warn: Warn) -> Iterator[AudioBlock]:
    """Decode the streams that libsndfile knows, one behind the other, in pieces.

    Parameters
    ----------
    file
        Open for reading bytes, seekable; a file of the system must be unbuffered.
    start
        Offset in bytes of the first stream.
    name
        What messages call the file.
    warn
        Called at the end if not all of the file could be read.

    Yields
    ------
    AudioBlock
        Rate and channels may change on the way. Nothing for a stream without samples.

    Raises
    ------
    soundfile.LibsndfileError
        If nothing can be read; before anything is yielded.
    """
    read = lost = 0.0
    damaged = False
    false_starts = 0
    position: int | None = start
    while position is not None and false_starts < FALSE_STARTS:
        try:
            stream = _Stream(file, position)
        except soundfile.LibsndfileError:
            if position == start:
                raise
            false_starts += 1
            position = next_stream(file, position + 1)
            continue
        with stream:
            for piece in stream.pieces():
                yield stream.sample_rate, piece
            if stream.failure and not read + stream.frames:
                raise stream.failure
            false_starts = 0 if stream.frames else false_starts + 1
            read += stream.frames / stream.sample_rate
            lost += stream.lost_seconds()
            position = next_stream(file, max(position + 1, stream.end), with_chunks=stream.is_coded)
            damaged = damaged or stream.damaged or (stream.failure is not None and stream.is_audio_until(position))
            damaged = damaged or (position is None and stream.is_ogg and is_cut_off_ogg(file))
    if damaged or lost > LOST or position is not None:
        warn(partly_read(name, read, lost if lost > LOST else 0.0))


class _SequentialSoundFile(soundfile.SoundFile):  # type: ignore[misc] # soundfile has no types
    """Read from front to back, so that FLAC of unknown length, in which nobody can seek, decodes too."""

    def seekable(self) -> bool:
        return False


class _Stream:
    """One stream of a file, read as far as possible, errors or not."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file, self._start = file, start
        self._sound = _open(file, start)
        self._data = self._read_until = file.tell()
        self.sample_rate = int(self._sound.samplerate)
        self.frames = 0
        """Read so far."""
        self.failure: soundfile.LibsndfileError | None = None
        """An error since which nothing has been read."""
        self._read_on = False  # after an error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sound.close()

    def pieces(self) -> Iterator[Waveform]:
        """Yield samples [frames, channels]."""
        coded = self.is_coded
        at = failures = 0  # at: with what is left out of FLAC
        while failures < FAILURES:
            piece = np.zeros((CODED_STEP if coded else STEP, self._sound.channels), np.float32)
            try:
                count = len(self._sound.read(out=piece))
            except soundfile.LibsndfileError as error:
                count = self._tell(at) - at
                self.failure = error
                failures += 1
            else:
                if count:
                    self._read_on = self._read_on or self.failure is not None
                    self.failure, failures = None, 0
                    self._read_until = self._file.tell()
                elif self.failure and self._sound.format == "FLAC" and (behind := self._reopen_behind(at)):
                    at = behind
                    continue
                else:
                    return
            if count:
                at += count
                self.frames += count
                yield piece[:count]

    def _tell(self, default: int) -> int:
        try:
            return int(self._sound.tell())
        except soundfile.LibsndfileError:  # a coder in which nobody can seek
            return default

    def _reopen_behind(self, frame: int) -> int:
        """Open FLAC again behind what is damaged at `frame`, where libsndfile does not read on.

        Returns the frame from which on it will read, or 0. It is looked for in steps that grow with the damage.
        """
        gap = 4096
        while frame + gap < self._sound.frames < UNKNOWN_FRAMES:
            self._sound.close()
            self._sound = _open(self._file, self._start)
            try:
                self._sound.seek(frame + gap)
                return frame + gap
            except soundfile.LibsndfileError:
                gap += max(4096, gap // 4)
        return 0

    @property
    def damaged(self) -> bool:
        """Whether something has been read after an error, or the end is a read error."""
        source = self._sound.name
        return self._read_on or (isinstance(source, Section) and source.failed)

    @property
    def is_coded(self) -> bool:
        """Whether it is of a format that begins and ends anywhere."""
        return self._sound.format in READ_AHEAD

    @property
    def is_ogg(self) -> bool:
        return bool(self._sound.format == "OGG")

    def lost_seconds(self) -> float:
        """Seconds that should be here but are not, where the header says how many there are."""
        if self._sound.format in ("FLAC", "OGG"):  # of MP3 it is an estimate
            expected = int(self._sound.frames) if self._sound.frames < UNKNOWN_FRAMES else 0
        else:
            sizes = _SIZES.search(self._sound.extra_info)
            declared, there = map(int, sizes.groups()) if sizes else (1, 1)
            expected = self.frames * declared // max(there, 1) if declared < UNKNOWN_BYTES else 0
        return float(max(expected - self.frames, 0) / self.sample_rate)

    @property
    def end(self) -> int:
        """The offset in bytes from which on there may be another stream."""
        if self._sound.format not in READ_AHEAD and (width := PLAIN.get(self._sound.subtype)):
            return self._data + self.frames * int(self._sound.channels) * width
        return self._read_until - READ_AHEAD.get(self._sound.format, 0)

    def is_audio_until(self, end: int | None) -> bool:
        """Whether what could not be read before `end`, or the end of the file, should be audio: neither tags nor zeros.

        What FLAC of known length lacks shows in `lost_seconds`.
        """
        if self._sound.format == "FLAC" and self._sound.frames < UNKNOWN_FRAMES:
            return False
        self._file.seek(self._read_until)
        rest = self._file.read(1 << 20 if end is None else max(0, end - self._read_until)).rstrip(b"\0")
        return len(rest) > LONGEST_FRAME and not _TAGS.search(rest, 0, LONGEST_FRAME)


def _open(file: BinaryIO, start: int) -> _SequentialSoundFile:
    # By descriptor where there is one: quicker than calls back into Python.
    file.seek(start)
    source = file.fileno() if isinstance(file, io.FileIO) and not start else Section(file, start)
    sound = _SequentialSoundFile(source, closefd=False)
    if sound.frames or sound.subtype not in PLAIN:
        return sound
    data, size = file.tell(), file.seek(0, io.SEEK_END) - start
    file.seek(start)
    order = _order_of_unfinished(file.read(28), size)
    file.seek(data)
    if not order:
        return sound
    with sound:
        return _SequentialSoundFile(
            Section(file, data), "r", sound.samplerate, sound.channels, sound.subtype, order, "RAW", closefd=False
        )


def _order_of_unfinished(header: bytes, size: int) -> str | None:
    """Return the byte order of the data, if a header that says that there are none was never completed.

    The header of a file that is empty but for its tags says how long the file is.
    """
    kind = header[:4]
    order: Literal["big", "little"] = "big" if kind in (b".snd", b"RIFX") else "little"
    declared = header[20:28] if kind == b"RF64" else header[4:8]
    if kind in (b"RIFF", b"RIFX", b"RF64") and abs(int.from_bytes(declared, order) + 8 - size) > 1:
        return order.upper()
    return order.upper() if kind in (b".snd", b"dns.") else None
