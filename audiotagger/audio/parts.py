"""Whole files inside a file: joined to one another, or behind something else."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable
from typing import BinaryIO

MOST_JUNK = 1 << 24
"""Bytes in front of a file that are searched for where it begins."""

_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")

_START = re.compile(
    rb"RIFF....WAVE|RIFX....WAVE|RF64....WAVE|FORM....AIF[FC]|riff\x2e\x91\xcf\x11|\.snd\x00\x00..|caff\x00\x01|....ftyp"
    rb"|OggS\x00\x02|fLaC\x00|wvpk|TTA1\x01\x00|\x1a\x45\xdf\xa3|" + re.escape(_ASF),
    re.DOTALL,
)

_LANDMARKS = {
    b"WAVE": 8, b"AIF": 8, b"riff\x2e\x91\xcf\x11": 0, b".snd\0\0": 0, b"caff\0\1": 0, b"ftyp": 4, b"OggS\0\x02": 0,
    b"fLaC\0": 0, b"wvpk": 0, b"TTA1\1\0": 0, b"\x1a\x45\xdf\xa3": 0, _ASF: 0,
}  # fmt: skip
"""What to search for instead of `_START`, which takes long, and how far from the start of a file it is."""

MOST_CHUNKS = 1_000_000
"""What has more is not searched for a second file; an hour of WavPack has 7,200."""

UNKNOWN = 0x7FFF_0000
"""A size that a header says is unknown is this or more."""


class Part(io.RawIOBase):
    """What a file holds from an offset to another one, as a file of its own."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        self._file, self._start, self._end = file, start, end
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._file.seek(self._start + self._position)
        left = max(0, self._end - self._start - self._position)
        data = self._file.read(min(len(buffer), left))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._end - self._start}[whence]
        if base + offset < 0:
            raise ValueError("before the start")
        self._position = base + offset
        return self._position


def split(file: BinaryIO, start: int) -> list[tuple[int, int]]:
    """Return where the files begin and end that were joined to this one: mostly, one.

    Where one ends, its headers say; that is believed only if another begins there, perhaps behind zeros. Streams
    without such headers, such as MP3, are another matter.

    Parameters
    ----------
    file
        Open for reading bytes, seekable.
    start
        Offset in bytes of the first.
    """
    size = file.seek(0, io.SEEK_END)
    found = []
    while start < (end := _end(file, start, size)) < size:
        head = _read(file, end := _behind_tags(file, end), 4096)
        gap = len(head) - len(head.lstrip(b"\0"))
        if head[gap + 1 : gap + 5] == b"ftyp":  # the first bytes of its size are zeros
            gap -= 3
        if gap < 0 or not _START.match(head, gap):
            break
        found.append((start, end))
        start = end + gap
    return [*found, (start, size)]


def is_cut_off(file: BinaryIO, start: int) -> bool:
    """Return whether the last chunk of a file would end behind the end: of MP4, CAF, ASF and WavPack."""
    size, head = file.seek(0, io.SEEK_END), _read(file, start, 32)
    return any(matches(head) for matches, *_ in _WALKS) and _end(file, start, size) > size


def has_second_data(file: BinaryIO, start: int) -> bool:
    """Return whether a WAV file has a second chunk of samples, which FFmpeg leaves out."""
    head, samples = _read(file, start, 12), itertools.count()
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return False
    size = file.seek(0, io.SEEK_END)
    again = _walk(file, start, start + 12, size, _riff_chunk, lambda name: name == b"data" and next(samples) == 1)
    return 0 < again < size


def next_start(file: BinaryIO, start: int) -> int | None:
    """Return the offset in bytes, from `start` on and after `MOST_JUNK` at most, at which a file seems to begin."""
    data = _read(file, start, MOST_JUNK)
    found = []
    for landmark, distance in _LANDMARKS.items():
        at = data.find(landmark)
        while at >= 0 and not (at >= distance and _START.match(data, at - distance)):
            at = data.find(landmark, at + 1)
        if at >= 0:
            found.append(at - distance)
    return start + min(found) if found else None


def _end(file: BinaryIO, start: int, size: int) -> int:
    """Return where a file ends by what its headers say, 0 if they do not."""
    head = _read(file, start, 32)
    kind = head[:4]
    if kind in (b"RIFF", b"RIFX", b"FORM"):
        declared = int.from_bytes(head[4:8], "little" if kind == b"RIFF" else "big")
        return start + 8 + declared + declared % 2
    if kind == b"RF64" and head[12:16] == b"ds64":
        return start + 8 + int.from_bytes(head[20:28], "little")
    if kind == b"riff":
        return start + int.from_bytes(head[16:24], "little")
    if kind == b".snd":
        declared = int.from_bytes(head[8:12])
        return start + int.from_bytes(head[4:8]) + declared if declared < UNKNOWN else 0
    if kind == b"TTA1":
        return _end_of_tta(file, start, head)
    for matches, first, chunk, anew in _WALKS:
        if matches(head):
            return _walk(file, start, start + first, size, chunk, anew)
    return 0


def _end_of_tta(file: BinaryIO, start: int, head: bytes) -> int:
    rate, samples = int.from_bytes(head[10:14], "little"), int.from_bytes(head[14:18], "little")
    frames = -(-samples // max(1, rate * 256 // 245))
    table = _read(file, start + 22, min(4 * frames, 1 << 24))
    sizes = (int.from_bytes(table[at : at + 4], "little") for at in range(0, len(table), 4))
    return start + 22 + len(table) + 4 + sum(sizes)


def _behind_tags(file: BinaryIO, position: int) -> int:
    """Return where the APEv2 and ID3v1 tags end that begin at a position."""
    while True:
        head = _read(file, position, 16)
        if head[:8] == b"APETAGEX":
            position += 32 + int.from_bytes(head[12:16], "little")
        elif head[:3] == b"TAG":
            position += 128
        else:
            return position


Chunk = Callable[[bytes], tuple[bytes, int]]
"""The name of a chunk that begins with these 32 bytes, and its length in bytes, 0 for the rest of the file."""


def _walk(file: BinaryIO, start: int, position: int, size: int, chunk: Chunk, anew: Callable[[bytes], bool]) -> int:
    """Go from chunk to chunk until one begins a file `anew`, and return where that is, or where the last one ends.

    That may be behind the end of a file that was cut off; it is 0 if the last one says that it goes to the end.
    """
    for _ in range(MOST_CHUNKS):
        if position >= size:
            return position
        name, length = chunk(_read(file, position, 32))
        if position > start and anew(name):
            return position
        if length < 8:
            return 0
        position += length
    return 0


def _atom(head: bytes) -> tuple[bytes, int]:
    length = int.from_bytes(head[:4])
    return head[4:8], int.from_bytes(head[8:16]) if length == 1 else length


def _riff_chunk(head: bytes) -> tuple[bytes, int]:
    length = int.from_bytes(head[4:8], "little")
    return head[:4], 8 + length + length % 2


def _caf_chunk(head: bytes) -> tuple[bytes, int]:
    length = int.from_bytes(head[4:12], signed=True)
    return head[:6], 12 + length if length >= 0 else 0


def _asf_object(head: bytes) -> tuple[bytes, int]:
    return head[:16], int.from_bytes(head[16:24], "little")


def _wavpack_block(head: bytes) -> tuple[bytes, int]:
    if head[:4] != b"wvpk":
        return b"end", 0
    # Several blocks may have the first samples, of two channels each; only the first of them says so.
    first = head[16:20] == bytes(4) and int.from_bytes(head[24:28], "little") & 1 << 11
    return b"end" if first else b"", 8 + int.from_bytes(head[4:8], "little")


_WALKS: tuple[tuple[Callable[[bytes], bool], int, Chunk, Callable[[bytes], bool]], ...] = (
    (lambda head: head[4:8] == b"ftyp", 0, _atom, lambda name: name == b"ftyp"),
    (lambda head: head[:6] == b"caff\0\1", 8, _caf_chunk, lambda name: name == b"caff\0\1"),
    (lambda head: head[:16] == _ASF, 0, _asf_object, lambda name: name == _ASF),
    (lambda head: head[:4] == b"wvpk", 0, _wavpack_block, lambda name: name == b"end"),
)


def _read(file: BinaryIO, position: int, size: int) -> bytes:
    file.seek(position)
    return file.read(size)
