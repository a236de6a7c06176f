"""Encode a sound in every format that this machine can."""

from __future__ import annotations

import io
from functools import cache
from typing import cast

import numpy as np
import soundfile
from numpy.typing import NDArray

try:
    import av
except ImportError:  # then there are fewer formats
    av = None  # type: ignore[assignment]

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
    return [kind for kind in [*kinds, *CONTAINERS] if encode(*kind)]


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
    if av is None:
        return b""
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


def written(wave: NDArray[np.floating], rate: int, name: str, subtype: str | None = None) -> bytes:
    """Encode [frames, channels] with libsndfile."""
    file = io.BytesIO()
    soundfile.write(file, wave, rate, subtype, format=name)
    return file.getvalue()
