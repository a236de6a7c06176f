"""Find streams inside a file: behind junk, or one behind the other."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator
from typing import BinaryIO

from audiotagger.errors import AudioWarning

LOST = 0.1
"""Seconds of a file that may be missing without a word, such as what a coder adds at its ends."""

CHUNK = 1 << 20
"""Bytes searched at once."""

LONGEST_RUN = 8192
"""Bytes, more than three MPEG frames take."""

LONGEST_PAGE = 27 + 255 + 255 * 255
"""Bytes of Ogg."""

# Each begins with what a search can skip to: together in one pattern they would be found ten times as slowly.
_MPEG = re.compile(rb"\xff[\xe2-\xe7\xea-\xef\xf2-\xf7\xfa-\xff][\x10-\xef]")
_OGG = re.compile(rb"OggS\0(.)", re.DOTALL)
_FLAC = b"fLaC\0"
_WAV_OR_AIFF = re.compile(rb"(?:RIFF|RIFX|RF64)....WAVE|FORM....AIF[FC]", re.DOTALL)

_KBIT = {  # kbit/s by (is MPEG 1, layer), for the indices 1 to 14 of ISO/IEC 11172-3 and 13818-3
    (True, 1): range(32, 449, 32),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def partly_read(name: str, read: float, lost: float = 0.0) -> AudioWarning:
    """Return the warning that `read` seconds could be read, and `lost` could not, if that is known."""
    of_all = f" of {read + lost:.1f}" if lost else ""
    return AudioWarning("partial", f"{name}: damaged or cut off; {read:.1f}{of_all} s could be read")


class Section:
    """What a file holds from an offset on, as a file without a name: decoders would be misled by a suffix.

    `seek` to where no file goes returns -1, and `readinto` nothing if reading fails: they are called from C, where an
    exception has nowhere to go.
    """

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file, self._start = file, start
        self.read = file.read
        self.failed = False
        """Whether reading into a buffer has failed."""
        file.seek(start)

    def readinto(self, buffer: memoryview) -> int:
        try:
            data = self._file.read(len(buffer))
        except Exception:  # a failing disk, or whatever the caller's own file raises
            self.failed = True
            return 0
        buffer[: len(data)] = data
        return len(data)

    def tell(self) -> int:
        return self._file.tell() - self._start

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = self._file.seek(0, whence) if whence else self._start
        if base + offset < self._start:
            return -1
        try:
            return self._file.seek(base + offset) - self._start
        except (OSError, OverflowError, ValueError):
            return -1


def is_cut_off_ogg(file: BinaryIO) -> bool:
    """Return whether a file ends within a page of Ogg."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - LONGEST_PAGE))
    rest = file.read()
    page = rest[rest.rfind(b"OggS\0") :] if b"OggS\0" in rest else bytes(27)
    return len(page) < 27 or len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]])


def next_stream(file: BinaryIO, start: int, limit: int | None = None, with_chunks: bool = False) -> int | None:
    """Find where the next stream begins that libsndfile may know.

    A run of MPEG frames counts wherever it begins, an Ogg page only if it is the first of a stream that follows another
    one: the streams that play together begin together.

    Parameters
    ----------
    file
        Open for reading bytes, and seekable.
    start
        Offset in bytes at which to begin.
    limit
        How many bytes to search; by default all that follow.
    with_chunks
        Whether WAV and AIFF count too, which may also be a part of other files of chunks.

    Returns
    -------
    int or None
        The offset in bytes, if there is one.
    """
    behind_ogg = False
    for offset, chunk in _chunks(file, start, limit):
        flac = chunk.find(_FLAC, 0, CHUNK)
        found = [flac] if flac >= 0 else []
        for page in _OGG.finditer(chunk, 0, CHUNK):
            if behind_ogg and page[1][0] & 2:
                found.append(page.start())
                break
            behind_ogg = behind_ogg or not page[1][0] & 2
        frames = (match.start() for match in _MPEG.finditer(chunk, 0, min([*found, CHUNK])))
        found += itertools.islice(filter(lambda at: _is_run_of_frames(chunk, at), frames), 1)
        if with_chunks:
            found += [match.start() for match in itertools.islice(_WAV_OR_AIFF.finditer(chunk, 0, CHUNK + 12), 1)]
        if found:
            return offset + min(found)
    return None


def _chunks(file: BinaryIO, start: int, limit: int | None) -> Iterator[tuple[int, bytes]]:
    """Offset and bytes of each `CHUNK`, with `LONGEST_RUN` more."""
    end = start + limit if limit is not None else file.seek(0, io.SEEK_END)
    for offset in range(start, end, CHUNK):
        file.seek(offset)
        yield offset, file.read(CHUNK + LONGEST_RUN)


def _is_run_of_frames(chunk: bytes, at: int) -> bool:
    """Whether three MPEG frames of one kind begin here, or at least two where the chunk ends."""
    kinds: list[tuple[int, int, int]] = []
    while len(kinds) < 3 and at + 4 <= len(chunk):
        kind, size = _mpeg_frame(chunk[at : at + 4])
        kinds.append(kind)
        if not size:
            return False
        at += size
    return len(kinds) >= 2 and len(set(kinds)) == 1


def _mpeg_frame(header: bytes) -> tuple[tuple[int, int, int], int]:
    """Version, layer and rate, and the length in bytes, of an MPEG audio frame; a length of 0 if it is none."""
    version, layer, rate = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3), header[2] >> 2 & 3
    kind = version, layer, rate
    index, padding = header[2] >> 4, header[2] >> 1 & 1
    if header[0] != 0xFF or header[1] < 0xE0 or version == 1 or layer == 4 or rate == 3 or not 0 < index < 15:
        return kind, 0
    hertz = (44_100, 48_000, 32_000)[rate] >> {3: 0, 2: 1, 0: 2}[version]
    bits = 1000 * _KBIT[version == 3, min(layer, 3 if version == 3 else 2)][index - 1]
    if layer == 1:
        return kind, (12 * bits // hertz + padding) * 4
    return kind, (72 if layer == 3 and version != 3 else 144) * bits // hertz + padding
