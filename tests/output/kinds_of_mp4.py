"""MP4 and QuickTime files as the world has them, for tests that write labels into them."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import tone
from tests.output.test_metadata import make

av = pytest.importorskip("av", reason="needs the extra metadata")
pytest.importorskip("mutagen", reason="needs the extra metadata")

from mutagen import mp4  # noqa: E402


def atom(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), name) + body


def children(data: bytes) -> list[tuple[bytes, bytes]]:
    found, position = [], 0
    while position < len(data):
        size, name = struct.unpack_from(">I4s", data, position)
        found.append((name, data[position + 8 : position + size]))
        position += size
    return found


def with_offsets(body: bytes, name: bytes, moved: int, wide: bool) -> bytes:
    """The atom `name` with all its chunk offsets `moved`, in the 64-bit form if `wide`."""
    if name == b"stco":
        offsets = struct.unpack_from(f">{(len(body) - 8) // 4}I", body, 8)
        form, name = ("Q", b"co64") if wide else ("I", name)
        return atom(name, body[:8] + struct.pack(f">{len(offsets)}{form}", *(offset + moved for offset in offsets)))
    if name in (b"trak", b"mdia", b"minf", b"stbl"):
        return atom(name, b"".join(with_offsets(child, kind, moved, wide) for kind, child in children(body)))
    return atom(name, body)


def with_moov(path: Path, extra: bytes = b"", wide: bool = False) -> Path:
    """An MP4 file whose moov, before the sound, begins with some more bytes, or has 64-bit offsets."""
    atoms = children(path.read_bytes())
    assert [name for name, _ in atoms].index(b"moov") < [name for name, _ in atoms].index(b"mdat")

    def whole(moved: int) -> bytes:
        out = b""
        for name, body in atoms:
            if name == b"moov":
                body = extra + b"".join(with_offsets(child, kind, moved, wide) for kind, child in children(body))
            out += atom(name, body)
        return out

    moved = len(whole(0)) - path.stat().st_size
    path.write_bytes(whole(moved))
    return path


def phone_m4a(path: Path) -> Path:
    """Moov begins with a meta atom as QuickTime has it, without version, that mutagen cannot parse."""
    handler = atom(b"hdlr", bytes(8) + b"mdta" + bytes(13))
    keys = atom(b"keys", struct.pack(">II", 0, 1) + atom(b"mdta", b"com.apple.quicktime.software"))
    value = atom(b"ilst", atom(b"\0\0\0\1", atom(b"data", struct.pack(">II", 1, 0) + b"17.5.1")))
    return with_moov(make(path.with_suffix(".m4a")), atom(b"meta", handler + keys + value))


def co64_m4a(path: Path) -> Path:
    return with_moov(make(path.with_suffix(".m4a")), wide=True)


def fragmented_m4a(path: Path) -> Path:
    return make(path.with_suffix(".m4a"), movflags="frag_keyframe+empty_moov+default_base_moof")


def mov(path: Path) -> Path:
    return make(path.with_suffix(".mov"))


def old_genre_m4a(path: Path) -> Path:
    """The genre as a number, as old iTunes wrote it."""
    path = make(path.with_suffix(".m4a"), movflags="")
    audio = mp4.MP4(path)
    audio["\xa9gen"], audio["\xa9nam"] = ["Electronic"], ["Title"]
    audio.save()
    text = atom(b"\xa9gen", atom(b"data", struct.pack(">II", 1, 0) + b"Electronic"))
    number = atom(b"gnre", atom(b"data", struct.pack(">II", 0, 0) + b"\0\x35"))
    data = path.read_bytes()
    assert text in data
    path.write_bytes(data.replace(text, number + atom(b"free", bytes(len(text) - len(number) - 8))))
    return path


def video(path: Path) -> Path:
    """Two streams and chapters."""
    path = path.with_suffix(".mp4")
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        pictures, sound = container.add_stream("mpeg4", rate=10), container.add_stream("aac", rate=48_000)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 64, "yuv420p"
        container.set_chapters(
            [{"id": 1, "start": 0, "end": 500, "time_base": Fraction(1, 1000), "metadata": {"title": "One"}}]
        )
        for index in range(10):
            image = np.full((64, 64, 3), 20 * index, np.uint8)
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(image)))
        frame = av.AudioFrame.from_ndarray(tone(1.0, 48_000)[None], format="fltp", layout="mono")
        frame.sample_rate = 48_000
        container.mux([*pictures.encode(None), *sound.encode(frame), *sound.encode(None)])
    return path
