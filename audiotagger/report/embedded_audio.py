"""Audio inside a page: the file as it is if a browser plays it, else Opus."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path

import soundfile

from audiotagger.audio.types import AudioFile, Waveform

LARGEST = 1 << 20
"""Bytes of one file's audio: about two minutes of Opus."""

PLAYED = {
    ".flac": ("audio/flac", (b"fLaC",)),
    ".mp3": ("audio/mpeg", (b"ID3", b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2")),
    ".ogg": ("audio/ogg", (b"OggS",)),
    ".opus": ("audio/ogg", (b"OggS",)),
}
"""Compressed formats that browsers play, and what they begin with: what begins otherwise is encoded again."""

PIECE = 1 << 14
"""Samples written at once: more can be too much for the stack of the encoder."""


class EmbeddedAudio:
    """Encodes a waveform that comes in blocks to Opus, or to Vorbis at a sample rate that Opus does not have.

    Parameters
    ----------
    sample_rate
        Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._encoded = io.BytesIO()
        subtype = "OPUS" if sample_rate in (8_000, 12_000, 16_000, 24_000, 48_000) else "VORBIS"
        self._file = soundfile.SoundFile(
            self._encoded, "w", sample_rate, channels=1, format="OGG", subtype=subtype, compression_level=0.8
        )

    def add(self, block: Waveform) -> None:
        """Append a block [samples], unless it is too much already."""
        for start in range(0, len(block), PIECE):
            if self._encoded.tell() > LARGEST:
                return
            self._file.write(block[start : start + PIECE])

    def url(self, file: AudioFile) -> str:
        """Return the audio as a data: URL, empty if it is too large."""
        self._file.close()
        if original := _original(file):
            return original
        encoded = self._encoded.getvalue()
        return _data("audio/ogg", encoded) if len(encoded) <= LARGEST else ""


def _original(file: AudioFile) -> str:
    """Return the file itself, empty if it is no small one that a browser plays."""
    path = Path(os.fspath(file)) if isinstance(file, str | os.PathLike) else Path()
    kind, beginnings = PLAYED.get(path.suffix.lower(), ("", ()))
    try:
        if not kind or not path.is_file() or path.stat().st_size > LARGEST // 4:
            return ""
        data = path.read_bytes()
    except OSError:  # gone since it was tagged
        return ""
    return _data(kind, data) if data.startswith(beginnings) else ""


def _data(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
