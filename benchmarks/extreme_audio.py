"""Extreme audio files, lying ones, and files that are no audio, for `broken_files.py`."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

import numpy as np
from encode_audio import encode, encode_in_container, sound, written

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
    for layout, channels in layouts.items() if encode("matroska", "flac") else ():
        file = io.BytesIO()
        encode_in_container(file, "matroska", "pcm_s16le", sound(0.3, 48_000, channels), 48_000, layout)
        yield f"{layout}.mkv", file.getvalue()


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
