"""Broken, lying and extreme audio files of every format that this machine can encode, for `broken_files.py`."""

from __future__ import annotations

import io
import itertools
import struct
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple, cast

import numpy as np
import soundfile
from numpy.typing import NDArray

try:
    import av
except ImportError:  # then there are fewer formats
    av = None  # type: ignore[assignment]

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


# --- whole files -----------------------------------------------------------------------------------------------------

CONTAINERS = (  # of FFmpeg: muxer, encoder
    ("ipod", "aac"), ("ipod", "alac"), ("adts", "aac"), ("mp4", "ac3"), ("mov", "pcm_s24le"), ("3gp", "aac"),
    ("asf", "wmav2"), ("webm", "libopus"), ("matroska", "flac"), ("matroska", "pcm_f64le"), ("matroska", "aac"),
    ("ac3", "ac3"), ("eac3", "eac3"), ("mpegts", "mp2"), ("mpegts", "ac3"), ("avi", "pcm_s16le"), ("flv", "aac"),
    ("wv", "wavpack"), ("tta", "tta"), ("ogg", "flac"), ("nut", "pcm_s16le"), ("voc", "pcm_u8"),
    ("amr", "libopencore_amrnb"),
)  # fmt: skip

SUFFIXES = {
    "ipod": "m4a",
    "adts": "aac",
    "asf": "wma",
    "matroska": "mkv",
    "mpegts": "m2ts",
    "WAVEX": "wav",
    "SVX": "8svx",
}


def encodings() -> list[tuple[str, str]]:
    """Return all pairs of format and coder that can be encoded here."""
    kinds = [
        (name, subtype)
        for name in soundfile.available_formats()
        if name not in ("RAW", "SD2")  # the one has no header, the other two files
        for subtype in soundfile.available_subtypes(name)
    ]
    return [kind for kind in [*kinds, *(CONTAINERS if av else ())] if encode(*kind)]


def sound(seconds: float, rate: int, channels: int = 1) -> NDArray[np.float32]:
    """Return a plucked tone in noise, [frames, channels]; at least one frame."""
    time = np.arange(max(1, round(seconds * rate))) / rate
    wave = 0.3 * np.sin(2 * np.pi * 440 * time) * np.exp(-5 * time)
    noise = np.random.default_rng(0).normal(0, 0.02, (len(time), channels))
    return (wave[:, None] + noise).astype(np.float32)


@cache
def encode(name: str, coder: str) -> bytes:
    """Return 0.6 s of `sound` in a format, empty if that cannot be encoded here."""
    telephone = coder in ("G721_32", "G723_24", "G723_40", "libopencore_amrnb", "GSM610") or name in ("WVE", "XI")
    rate, file = 8_000 if telephone else 48_000, io.BytesIO()
    mono = telephone or name in ("SDS", "HTK", "MPC2K") or coder in ("VOX_ADPCM", "NMS_ADPCM_16")
    wave = sound(0.6, rate, 1 if mono else 2)
    if name.isupper():
        try:
            soundfile.write(file, wave, rate, coder, format=name)
        except (soundfile.LibsndfileError, ValueError, TypeError):
            return b""
        return file.getvalue()
    try:
        encode_in_container(file, name, coder, wave, rate, "mono" if mono else "stereo")
    except (av.FFmpegError, ValueError):
        return b""
    return file.getvalue()


def encode_in_container(
    file: io.BytesIO, name: str, coder: str, wave: NDArray[np.float32], rate: int, layout: str
) -> None:
    """Encode [frames, channels] with PyAV."""
    with av.open(file, "w", format=name) as container:
        stream = cast("av.AudioStream", container.add_stream(coder, rate=rate, layout=layout))
        if coder == "wmav2":  # which has no default
            stream.bit_rate = 128_000
        frame = av.AudioFrame.from_ndarray(wave.reshape(1, -1), "flt", layout)
        frame.sample_rate, frame.pts = rate, 0
        container.mux([*stream.encode(frame), *stream.encode(None)])


# --- random damage ---------------------------------------------------------------------------------------------------


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


# --- extremes: unusual, but whole ------------------------------------------------------------------------------------

RATES = (1, 2, 7, 100, 499, 501, 8_000, 11_025, 22_050, 96_000, 192_000, 384_000, 500_000, 768_000)
CHANNELS = (3, 4, 5, 6, 7, 8, 9, 16, 24, 32, 63, 64, 255)


def extremes() -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of files with few or many samples, channels, bits, or samples a second."""
    for rate in RATES:
        yield f"{rate}-hertz.wav", written(sound(5 if rate < 1000 else 0.3, rate), rate, "WAV")
        yield f"{rate}-hertz.au", written(sound(5 if rate < 1000 else 0.3, rate), rate, "AU")
        if rate <= 655_350:
            yield f"{rate}-hertz.flac", written(sound(5 if rate < 1000 else 0.3, rate), rate, "FLAC")
    for channels in CHANNELS:
        yield f"{channels}-channels.wav", written(sound(0.3, 16_000, channels), 16_000, "WAVEX")
        yield f"{channels}-channels.caf", written(sound(0.3, 16_000, channels), 16_000, "CAF")
    for name in ("WAV", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF", "W64"):
        for frames in (0, 1, 2):
            yield f"{frames}-samples.{name.lower()}", written(np.full((frames, 1), 0.5, np.float32), 48_000, name)
    for subtype in ("FLOAT", "DOUBLE"):
        for name, value in (("nan", np.nan), ("inf", np.inf), ("huge", 1e38), ("tiny", 1e-40)):
            spoilt = sound(0.5, 16_000, 2).astype(np.float64)
            spoilt[1000:] = value
            yield f"{name}-{subtype}.wav", written(spoilt, 16_000, "WAV", subtype)
            yield f"all-{name}-{subtype}.wav", written(np.full((100, 1), value), 16_000, "WAV", subtype)
    layouts = {"mono": 1, "2.1": 3, "5.1": 6, "7.1": 8, "hexadecagonal": 16, "22.2": 24}
    for layout, channels in layouts.items() if av else ():
        file = io.BytesIO()
        encode_in_container(file, "matroska", "pcm_s16le", sound(0.3, 48_000, channels), 48_000, layout)
        yield f"{layout}.mkv", file.getvalue()


def written(wave: NDArray[np.floating], rate: int, name: str, subtype: str | None = None) -> bytes:
    """Encode [frames, channels] with libsndfile."""
    file = io.BytesIO()
    soundfile.write(file, wave, rate, subtype, format=name)
    return file.getvalue()


# --- lies: headers that cannot be true -------------------------------------------------------------------------------

DAY = 24 * 3600
NUMBERS = (0, 1, 2, 1025, 65_535, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)


def lies() -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of files of about 1 kB with wrong headers."""
    samples = (sound(0.03, 16_000)[:, 0] * 32_767).astype("<i2").tobytes()
    for number in NUMBERS:
        yield f"rate-{number}.wav", wav(samples, rate=number)
        yield f"channels-{number & 0xFFFF}.wav", wav(samples, channels=number & 0xFFFF)
        yield f"bits-{number & 0xFFFF}.wav", wav(samples, bits=number & 0xFFFF)
        yield f"format-{number & 0xFFFF}.wav", wav(samples, coder=number & 0xFFFF)
        yield f"align-{number & 0xFFFF}.wav", wav(samples, align=number & 0xFFFF)
        yield f"data-{number}.wav", wav(samples, size=number)
        yield f"fmt-{number}.wav", wav(samples, header=number)
        for field, what in enumerate(("offset", "size", "coder", "rate", "channels")):
            fields = [24, len(samples), 3, 16_000, 1]
            fields[field] = number
            yield f"{what}-{number}.au", b".snd" + struct.pack(">5I", *fields) + samples
        yield f"frames-{number}.aiff", aiff(samples, frames=number)
        yield f"channels-{number & 0xFFFF}.aiff", aiff(samples, channels=number & 0xFFFF)
        yield f"channels-{number}.caf", caf(samples, channels=number)
        yield f"packet-{number}.caf", caf(samples, packet=number)
    for rate in (0.0, -1.0, 1e-9, 0.5, 1e9, 1e300, float("inf"), float("nan")):
        yield f"rate-{rate}.caf", caf(samples, rate=rate)
    for bits in (bytes(10), b"\xff" * 10, b"\x7f\xff" + bytes(8), b"\x7f\xfe" + b"\xff" * 8, b"\x00\x01" + bytes(8)):
        yield f"rate-{bits[:2].hex()}.aiff", aiff(samples, rate=bits)
    yield "a-day.wav", wav(samples, size=DAY * 16_000 * 2 & 0xFFFF_FFFF)
    yield "a-day.caf", caf(samples, size=DAY * 16_000 * 2)
    for total in (0, 1, DAY * 48_000, 2**36 - 1):
        for rate in (0, 1, 48_000, 655_350, 2**20 - 1):
            yield f"rate-{rate}-total-{total}.flac", flac(rate, total)


def wav(
    samples: bytes,
    *,
    rate: int = 16_000,
    channels: int = 1,
    bits: int = 16,
    coder: int = 1,
    align: int = 2,
    size: int | None = None,
    header: int = 16,
) -> bytes:
    """Return a RIFF file."""
    form = struct.pack("<HHIIHH", coder, channels, rate, 2 * rate & 0xFFFF_FFFF, align, bits)
    data = b"data" + struct.pack("<I", len(samples) if size is None else size) + samples
    return b"RIFF" + struct.pack("<I", 28 + len(data)) + b"WAVEfmt " + struct.pack("<I", header) + form + data


def aiff(samples: bytes, *, frames: int = 480, channels: int = 1, rate: bytes = b"\x40\x0c\xfa" + bytes(7)) -> bytes:
    """Return an AIFF file; `rate` is a float of 80 bits."""
    form = b"COMM" + struct.pack(">IHIH", 18, channels, frames, 16) + rate
    data = b"SSND" + struct.pack(">III", 8 + len(samples), 0, 0) + samples
    return b"FORM" + struct.pack(">I", 4 + len(form) + len(data)) + b"AIFF" + form + data


def caf(samples: bytes, *, rate: float = 16_000, channels: int = 1, packet: int = 2, size: int | None = None) -> bytes:
    """Return a Core Audio file."""
    form = b"desc" + struct.pack(">QdIIIIII", 32, rate, int.from_bytes(b"lpcm"), 2, packet, 1, channels, 16)
    data = b"data" + struct.pack(">QI", 4 + (len(samples) if size is None else size), 0) + samples
    return b"caff" + struct.pack(">HH", 1, 0) + form + data


def flac(rate: int, total: int) -> bytes:
    """Return a FLAC file whose STREAMINFO has another rate (of 20 bits) and number of samples (of 36)."""
    data = bytearray(written(sound(0.03, 16_000), 16_000, "FLAC"))
    fields = int.from_bytes(data[18:26])
    data[18:26] = (rate << 44 | fields & (0xFF << 36) | total).to_bytes(8)
    return bytes(data)


# --- what is no audio ------------------------------------------------------------------------------------------------


def other_files() -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of files of other kinds, named like audio."""
    kinds = {
        "nothing": b"",
        "a-byte": b"R",
        "zeros": bytes(5000),
        "ones": b"\xff" * 5000,
        "text": b"This is no audio.\n" * 50,
        "page": b"<!doctype html><html><title>404</title></html>" * 20,
        "json": b'{"not": "audio"}',
        "picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIBBBBB", 4000, 4000, 8, 2, 0, 0, 0) + bytes(500),
        "archive": b"PK\x03\x04" + bytes(500),
        "program": b"\x7fELF\x02\x01\x01" + bytes(500),
        "playlist": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        "noise": np.random.default_rng(0).bytes(20_000),
    }
    for name, data in kinds.items():
        for suffix in ("wav", "mp3", "m4a"):
            yield f"{name}.{suffix}", data
    # Where one stream after the other seems to begin.
    for name, start in {
        "flac": b"fLaC\0",
        "mpeg": b"\xff\xfb\x90\0",
        "ogg": b"OggS\0\0",
        "id3": b"ID3\4\0\0\0\0\0\0",
    }.items():
        whole = encode("FLAC", "PCM_16") if name == "flac" else b""
        yield f"beginnings-of-{name}.bin", whole + start * (200_000 // len(start))
