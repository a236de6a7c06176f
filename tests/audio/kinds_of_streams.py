"""Files in which a decoder stops too early or starts too late, of sound that is the same all the way."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

Waveform = NDArray[np.float32]

JUNK = np.random.default_rng(0).bytes(300_000)


class Stream(NamedTuple):
    """A file, how many seconds of sound it holds, and whether something in it is damaged."""

    data: bytes
    seconds: float
    damaged: bool = False


def hum(seconds: float, rate: int, channels: int = 1, loud: slice | None = None) -> Waveform:
    """A chord with a little noise, [frames, channels]; outside of `loud`, a share of it, almost silent."""
    time = np.arange(round(seconds * rate)) / rate
    sound = sum(np.sin(2 * np.pi * hertz * time) for hertz in (220, 277, 330)) / 12
    sound += 0.02 * np.random.default_rng(1).normal(size=len(time))
    if loud:
        level = np.full(len(time), 1e-4)
        level[int((loud.start or 0) * rate) : int((loud.stop or seconds) * rate)] = 1
        sound *= level
    return np.repeat(sound[:, None], channels, axis=1).astype(np.float32)


def encode(sound: Waveform, rate: int, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sound, rate, format=kind, **options)
    return file.getvalue()


def mp3(seconds: float, rate: int = 44_100, channels: int = 1, **options: Any) -> bytes:
    return encode(hum(seconds, rate, channels), rate, "MP3", **options)


def flac(seconds: float, rate: int = 44_100) -> bytes:
    return encode(hum(seconds, rate), rate, "FLAC")


def ogg(seconds: float, rate: int = 48_000, channels: int = 1, subtype: str = "VORBIS") -> bytes:
    return encode(hum(seconds, rate, channels), rate, "OGG", subtype=subtype)


def wav(seconds: float) -> bytes:
    return encode(hum(seconds, 16_000), 16_000, "WAV")


def without_xing(data: bytes) -> bytes:
    """Leave out the first frame of an MP3, which says how long the rest is."""
    xing = max(data.find(b"Xing"), data.find(b"Info"))
    second = next(match.start() for match in re.finditer(re.escape(data[:2]), data) if match.start() > xing)
    return data[second:]


def id3v2(size: int = 20_000) -> bytes:
    return b"ID3\x03\0\0" + bytes([0, size >> 14, size >> 7 & 127, size & 127]) + b"APIC" + JUNK[: size - 4]


def apev2(size: int = 5_000) -> bytes:
    start, end = (
        b"APETAGEX" + struct.pack("<IIII", 2000, size + 32, 1, flag) + bytes(8) for flag in (5 << 29, 4 << 29)
    )
    return start + JUNK[:size] + end


ID3V1 = b"TAG" + b"x" * 125


def cut_in(data: bytes, junk: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + junk + data[middle:]


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def overwrite(data: bytes, share: float, size: int) -> bytes:
    start = int(len(data) * share)
    return data[:start] + JUNK[:size] + data[start + size :]


def joined(kind: str) -> Stream:
    """Three files of one kind, of different rates and channels."""
    files = ((2, 16_000, 1), (1, 8_000, 2), (1, 44_100, 1))
    return Stream(b"".join(encode(hum(seconds, rate, n), rate, kind) for seconds, rate, n in files), 4)


def wav_with_a_wav_inside() -> Stream:
    """A WAV with another one in a chunk behind its sound, which is not joined to it."""
    data, inner = bytearray(encode(hum(2, 16_000), 16_000, "WAV")), encode(hum(1, 16_000), 16_000, "WAV")
    data += b"LIST" + struct.pack("<I", len(inner) + 4) + b"adtl" + inner
    data[4:8] = struct.pack("<I", len(data) - 8)
    return Stream(bytes(data), 2)


def unfinished(kind: str, subtype: str, size: int, endian: str) -> Stream:
    """A file whose header was never completed: the size of its data, and its own, are `size`."""
    data = bytearray(encode(hum(2, 16_000, 2), 16_000, kind, subtype=subtype, endian=endian))
    order = ">I" if kind == "AU" or endian == "BIG" else "<I"
    if kind == "RF64":
        ds64 = data.index(b"ds64") + 8
        data[ds64 : ds64 + 16] = struct.pack("<QQ", size, size)
    elif kind == "AU":
        data[8:12] = struct.pack(order, size)
    else:
        start = data.index(b"data") + 4
        data[start : start + 4] = data[4:8] = struct.pack(order, size)
    return Stream(bytes(data), 2)


EARLY_ENDS: Mapping[str, Callable[[], Stream]] = {
    "MP3 of varying bit rate without a Xing header, loud at first": lambda: Stream(
        without_xing(encode(hum(6, 44_100, loud=slice(0, 1)), 44_100, "MP3")), 6
    ),
    "MP3 of varying bit rate without a Xing header, loud at last": lambda: Stream(
        without_xing(encode(hum(6, 44_100, 2, loud=slice(5, 6)), 44_100, "MP3")), 6
    ),
    "joined MP3s, each with a Xing header": lambda: Stream(mp3(3) + mp3(2) + mp3(1), 6),
    "joined MP3s with tags between them": lambda: Stream(
        id3v2() + mp3(3) + ID3V1 + id3v2() + mp3(2) + apev2() + ID3V1, 5
    ),
    "MP3 whose rate and channels change": lambda: Stream(mp3(3) + mp3(2, 22_050, 2), 5),
    "MP3 whose rate changes without a header": lambda: Stream(
        without_xing(mp3(3, bitrate_mode="CONSTANT")) + without_xing(mp3(2, 22_050, bitrate_mode="CONSTANT")), 5
    ),
    "MP3 whose channels change without a header": lambda: Stream(
        without_xing(mp3(3)) + without_xing(mp3(2, channels=2)), 5
    ),
    "junk in the middle of an MP3": lambda: Stream(cut_in(mp3(4), JUNK[:1500]), 4, damaged=True),
    "much junk in the middle of an MP3": lambda: Stream(cut_in(mp3(4), JUNK[:200_000]), 4, damaged=True),
    "zeros in the middle of an MP3": lambda: Stream(cut_in(mp3(4), bytes(50_000)), 4, damaged=True),
    "tags behind an MP3": lambda: Stream(without_xing(mp3(4)) + apev2(200_000) + ID3V1, 4),
    "zeros behind an MP3": lambda: Stream(without_xing(mp3(4)) + bytes(20_000), 4),
    "chained Ogg Vorbis": lambda: Stream(ogg(4) + ogg(3) + ogg(3, 22_050, 2), 10),
    "chained Ogg Opus of short links": lambda: Stream(b"".join(ogg(0.5, subtype="OPUS") for _ in range(6)), 3),
    "junk in Ogg Vorbis": lambda: Stream(overwrite(ogg(6), 0.5, 300), 5.6, damaged=True),
    "a tag behind Ogg": lambda: Stream(ogg(3) + ID3V1, 3),
    "ID3v1 behind FLAC": lambda: Stream(flac(3) + ID3V1, 3),
    "APEv2 behind FLAC": lambda: Stream(flac(3) + apev2(), 3),
    "zeros behind FLAC": lambda: Stream(flac(3) + bytes(100_000), 3),
    "joined FLACs": lambda: Stream(flac(3) + flac(2, 48_000), 5),
    "a damaged frame in FLAC": lambda: Stream(overwrite(flac(4), 0.4, 300), 3.8, damaged=True),
    "much damage in FLAC": lambda: Stream(overwrite(flac(4), 0.4, 50_000), 3, damaged=True),
    **{f"joined {kind}s": partial(joined, kind) for kind in ("WAV", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC")},
    "a WAV with a WAV inside": wav_with_a_wav_inside,
    "a WAV behind a WAV and zeros": lambda: Stream(wav(2) + bytes(100) + wav(1), 3),
    "a WAV behind an MP3": lambda: Stream(mp3(3) + wav(2), 5),
    "a WAV behind a FLAC": lambda: Stream(flac(3) + wav(2), 5),
    "a WAV behind Ogg": lambda: Stream(ogg(3) + wav(2), 5),
    "an MP3 behind a WAV": lambda: Stream(wav(3) + mp3(2), 5),
    "Ogg behind a WAV": lambda: Stream(wav(3) + ogg(2), 5),
    "Ogg cut off": lambda: Stream((whole := ogg(6))[: len(whole) - 500], 5.9, damaged=True),
    "half a FLAC": lambda: Stream(half(flac(4)), 2, damaged=True),
    "half a WAV": lambda: Stream(half(encode(hum(4, 44_100), 44_100, "WAV")), 2, damaged=True),
}  # fmt: skip

LATE_STARTS: Mapping[str, Callable[[], Stream]] = {
    "zeros in front of an MP3": lambda: Stream(bytes(1000) + mp3(3), 3),
    "many zeros in front of an MP3": lambda: Stream(bytes(200_000) + mp3(3), 3),
    "junk in front of an MP3": lambda: Stream(JUNK[:3000] + mp3(3), 3),
    "an MP3 cut in a frame": lambda: Stream((whole := mp3(3))[len(whole) // 3 + 5 :], 2),
    "APEv2 in front of an MP3": lambda: Stream(apev2(1000) + mp3(3), 3),
    "a large APEv2 in front of an MP3": lambda: Stream(apev2(200_000) + mp3(3), 3),
    "ID3v2 in front of Ogg": lambda: Stream(id3v2() + ogg(3), 3),
    "junk in front of a WAV": lambda: Stream(JUNK[:3000] + wav(3), 3),
    "a line break in front of a WAV": lambda: Stream(b"\r\n" + wav(3), 3),
    "junk in front of Ogg": lambda: Stream(JUNK[:3000] + ogg(3), 3),
    "zeros in front of a FLAC": lambda: Stream(bytes(4096) + flac(3), 3),
    "an HTTP header in front of an MP3": lambda: Stream(b"HTTP/1.1 200 OK\r\nX-Some: header\r\n\r\n" + mp3(3), 3),
}  # fmt: skip

UNKNOWN_SIZES: Mapping[str, Callable[[], Stream]] = {
    f"{kind} {subtype} {endian} {size:#x}": partial(unfinished, kind, subtype, size, endian)
    for kind, subtype, size, endian in (
        ("WAV", "PCM_16", 0, "FILE"),
        ("WAV", "PCM_16", 0xFFFF_FFFF, "FILE"),
        ("WAV", "PCM_16", 0, "BIG"),
        ("WAV", "PCM_U8", 0, "FILE"),
        ("WAV", "FLOAT", 0, "FILE"),
        ("WAV", "ALAW", 0, "FILE"),
        ("WAVEX", "PCM_24", 0, "FILE"),
        ("RF64", "PCM_16", 0, "FILE"),
        ("AU", "PCM_16", 0, "FILE"),
        ("AU", "ULAW", 0, "FILE"),
        ("AU", "PCM_16", 0xFFFF_FFFF, "FILE"),
    )
}
