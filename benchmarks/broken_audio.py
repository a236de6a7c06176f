"""Audio files damaged at random, and extreme and lying ones, for `broken_files.py`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from encode_audio import SUFFIXES, encode, encodings
from extreme_audio import extremes, lies, other_files

Rng = np.random.Generator


class BrokenFile(NamedTuple):
    """A file name, which says what is wrong, and the content."""

    name: str
    data: bytes


def broken_files(count: int, seed: int) -> Iterator[BrokenFile]:
    """Yield extremes, lies and what is no audio, then `count` files damaged at random, the same for the same seed."""
    fixed = itertools.chain(extremes(), lies(), other_files())
    for index, (name, data) in enumerate(fixed):
        yield BrokenFile(f"fixed-{index:04}-{name}", data)
    formats = encodings()
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        kind = formats[index % len(formats)]
        damages = [DAMAGES[i] for i in rng.integers(0, len(DAMAGES), rng.integers(1, 4))]
        data = encode(*kind)
        for damage in damages:
            data = damage(data, rng)
        if data[:4] == b"OggS" and rng.random() < 0.7:  # else no decoder looks into a damaged page
            data = with_checksums(data)
        what = "-".join(damage.__name__ for damage in damages)
        yield BrokenFile(f"{seed}-{index:06}-{'-'.join(kind)}-{what}.{SUFFIXES.get(kind[0], kind[0].lower())}", data)


def cut(data: bytes, rng: Rng) -> bytes:
    """Cut off the end, often in the header."""
    return data[: int(rng.integers(0, min(len(data), 200) if rng.random() < 0.4 else len(data), endpoint=True))]


def flip(data: bytes, rng: Rng) -> bytes:
    """Flip 1 to 100 bits, in half of the files in the header."""
    damaged, end = bytearray(data), min(len(data), 300) if rng.random() < 0.5 else len(data)
    for at in rng.integers(0, end, int(10 ** rng.uniform(0, 2))) if end else ():
        damaged[at] ^= 1 << int(rng.integers(8))
    return bytes(damaged)


def lie(data: bytes, rng: Rng) -> bytes:
    """Overwrite a few numbers near the start or the end, where headers and indices are."""
    damaged = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        size = int(rng.choice([1, 2, 4, 8]))
        bits = 8 * size
        numbers = (0, 1, 2**bits - 1, 2 ** (bits - 1) - 1, 2 ** (bits - 1), int(rng.integers(256)))
        at = int(rng.integers(0, min(len(data), 400) + 1))
        at = max(len(data) - at, 0) if rng.random() < 0.2 else at
        number = numbers[int(rng.integers(len(numbers)))].to_bytes(size, "big")
        damaged[at : at + size] = number if rng.random() < 0.5 else number[::-1]
    return bytes(damaged)


def overwrite(data: bytes, rng: Rng) -> bytes:
    """Put noise, zeros, or ones in the place of a piece."""
    start, end = piece(data, rng)
    filler = (rng.bytes(end - start), bytes(end - start), b"\xff" * (end - start))[int(rng.integers(3))]
    return data[:start] + filler + data[end:]


def leave_out(data: bytes, rng: Rng) -> bytes:
    """Leave out a piece."""
    start, end = piece(data, rng)
    return data[:start] + data[end:]


def repeat(data: bytes, rng: Rng) -> bytes:
    """Repeat a piece, up to 50 times."""
    start, end = piece(data, rng)
    return data[:start] + data[start:end] * int(rng.integers(2, 50)) + data[end:]


def join(data: bytes, rng: Rng) -> bytes:
    """Append a file of another format, or this one again."""
    others = encodings()
    other = encode(*others[int(rng.integers(len(others)))])
    return data + (data if rng.random() < 0.3 else other)


def piece(data: bytes, rng: Rng) -> tuple[int, int]:
    """Choose a piece of up to 2000 bytes."""
    start = int(rng.integers(0, len(data) + 1))
    return start, min(len(data), start + int(10 ** rng.uniform(0, 3.3)))


DAMAGES: tuple[Callable[[bytes, Rng], bytes], ...] = (cut, flip, lie, lie, overwrite, leave_out, repeat, join)


@cache
def _checksum_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C1_1DB7 if value & 1 << 31 else 0)) & 0xFFFF_FFFF
        table.append(value)
    return tuple(table)


def with_checksums(data: bytes) -> bytes:
    """Return an Ogg file in which the checksum of each page is right."""
    table, pages = _checksum_table(), data.split(b"OggS")
    for number, rest in enumerate(pages[1:], 1):
        page = b"OggS" + rest[:18] + bytes(4) + rest[22:]
        value = 0
        for byte in page:
            value = (value << 8) & 0xFFFF_FFFF ^ table[value >> 24 ^ byte]
        pages[number] = rest[:18] + value.to_bytes(4, "little") + rest[22:]
    return b"OggS".join(pages)
