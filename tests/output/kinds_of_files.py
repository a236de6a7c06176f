"""Audio files as the world has them, made of a second of sound, for tests that write labels into them."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import tone
from tests.output.test_metadata import PICTURE, give_fields, make

av = pytest.importorskip("av", reason="needs the extra metadata")
pytest.importorskip("mutagen", reason="needs the extra metadata")

from mutagen import File, apev2, flac, id3, mp4, oggvorbis  # noqa: E402

Maker = Callable[[Path], Path]


# --- MP4 -------------------------------------------------------------------------------------------------------------


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


# --- ID3 -------------------------------------------------------------------------------------------------------------


def mp3(path: Path, before: bytes = b"", after: bytes = b"") -> Path:
    path = make(path.with_suffix(".mp3"))
    path.write_bytes(before + path.read_bytes() + after)
    return path


def id3_tag(version: int, frames: bytes, flags: int = 0) -> bytes:
    size = len(frames) + 40
    return b"ID3" + bytes([version, 0, flags, 0, 0, size >> 7, size & 0x7F]) + frames + bytes(40)


ID3V1 = (
    b"TAG" + b"Title".ljust(30, b"\0") + b"Artist".ljust(30, b"\0") + bytes(30) + b"1999" + b"note".ljust(29, b"\0")
    + b"\7\x11"
)  # fmt: skip


def ape_tag() -> bytes:
    tag = apev2.APEv2()
    tag["Artist"], tag["REPLAYGAIN_TRACK_GAIN"] = "Somebody", "-3 dB"
    data = BytesIO()
    tag.save(data)
    return data.getvalue()


def frame_2_3(name: bytes, body: bytes) -> bytes:
    return name + struct.pack(">IH", len(body), 0) + body


def podcast(path: Path) -> Path:
    """Chapters with frames inside of them that do not compare."""
    path = mp3(path)
    tags = id3.ID3()
    for index in range(2):
        inner = [
            id3.TIT2(encoding=3, text=[f"Chapter {index}"]),
            id3.WXXX(encoding=0, desc="link", url="https://example.org"),
            id3.APIC(encoding=0, mime="image/png", type=0, desc="", data=PICTURE),
        ]
        times = {"start_time": 500 * index, "end_time": 500 * index + 500, "start_offset": 2**32 - 1}
        tags.add(id3.CHAP(element_id=f"c{index}", **times, end_offset=2**32 - 1, sub_frames=inner))
    tags.add(id3.CTOC(element_id="toc", flags=3, child_element_ids=["c0", "c1"], sub_frames=inner[:2]))
    tags.save(path)
    return path


# --- FLAC, Ogg, WAV, AIFF --------------------------------------------------------------------------------------------


def full_flac(path: Path) -> Path:
    path = make(path.with_suffix(".flac"))
    give_fields(path)
    audio = flac.FLAC(path)
    seek_table = flac.SeekTable(b"")
    seek_table.seekpoints.append(flac.SeekPoint(0, 0, 4096))
    audio.metadata_blocks.append(seek_table)
    application: Any = flac.MetadataBlock(b"TESTsome data")
    application.code = 2
    audio.metadata_blocks.append(application)
    audio.save()
    return path


def around_flac(path: Path) -> Path:
    """With an ID3v2 tag before and an ID3v1 tag behind, and no FLAC to be told from the name."""
    path = full_flac(path)
    whole = id3_tag(3, frame_2_3(b"TIT2", b"\0before")) + path.read_bytes() + ID3V1
    path.write_bytes(whole)
    return path


def with_picture(path: Path, suffix: str) -> Path:
    """An Ogg file whose comments, with a large picture, take several pages."""
    path = make(path.with_suffix(suffix))
    picture = flac.Picture()
    picture.data, picture.type, picture.mime = np.random.default_rng(0).bytes(200_000), 3, "image/png"
    audio = File(path)
    audio["METADATA_BLOCK_PICTURE"] = [base64.b64encode(picture.write()).decode()]
    audio["R128_TRACK_GAIN"] = ["-512"]
    audio.save()
    return path


def joined(path: Path, suffix: str) -> Path:
    path = make(path.with_suffix(suffix))
    path.write_bytes(path.read_bytes() * 2)
    return path


def chained_ogg(path: Path) -> Path:
    path = make(path.with_suffix(".ogg"))
    give_fields(path)
    second = make(path.with_name("second.ogg"))
    audio = oggvorbis.OggVorbis(second)
    audio["TITLE"] = ["The second part"]
    audio.save()
    path.write_bytes(path.read_bytes() + second.read_bytes())
    second.unlink()
    return path


def ogg(path: Path, *suffixes: str) -> Path:
    """An Ogg file of the streams of other files."""
    path = path.with_suffix(".ogg")
    parts = [make(path.with_name(f"part{suffix}")) for suffix in suffixes]
    sources = [av.open(str(part)) for part in parts]
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "Title"
        streams = [container.add_stream_from_template(source.streams.audio[0]) for source in sources]
        for source, stream in zip(sources, streams, strict=True):
            for packet in source.demux():
                if packet.size:
                    packet.stream = stream
                    container.mux(packet)
            source.close()
    for part in parts:
        part.unlink()
    return path


def chunk(name: bytes, body: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}4sI", name, len(body)) + body + bytes(len(body) % 2)


def wav(path: Path, behind: bytes = b"", junk: bytes = b"", id3_name: bytes = b"") -> Path:
    path = path.with_suffix(".wav")
    sound = struct.pack("<1000h", *range(1000))
    body = b"WAVE" + chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16))
    body += chunk(b"bext", b"description".ljust(602, b"\0")) + chunk(b"LIST", b"INFO" + chunk(b"INAM", b"title\0"))
    if id3_name:
        body += chunk(id3_name, id3_tag(3, frame_2_3(b"TPE1", b"\0me") + frame_2_3(b"TYER", b"\x001999")))
    body += chunk(b"data", sound) + behind
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body + junk)
    return path


def aiff(path: Path) -> Path:
    path = make(path.with_suffix(".aiff"))
    data = path.read_bytes()
    extra = chunk(b"MARK", bytes(2), ">") + chunk(b"NAME", b"a name", ">")
    path.write_bytes(b"FORM" + struct.pack(">I", len(data) - 8 + len(extra)) + data[8:] + extra)
    return path


CUE = chunk(b"cue ", bytes(4)) + chunk(b"iXML", b"<xml/>")

STORED: dict[str, Maker] = {
    "MP4 with 64-bit offsets": co64_m4a,
    "MP4 with the sound first": lambda path: make(path.with_suffix(".m4a"), movflags=""),
    "MP4 with a genre of old": old_genre_m4a,
    "MP4 with video and chapters": video,
    "QuickTime": mov,
    "podcast with chapters": podcast,
    "MP3 with ID3v1": lambda path: mp3(path, after=ID3V1),
    "MP3 with ID3v1 and APEv2": lambda path: mp3(path, after=ape_tag() + ID3V1),
    "MP3 with APEv2": lambda path: mp3(path, after=ape_tag()),
    "MP3 with APEv2 before": lambda path: mp3(path, before=ape_tag()),
    "MP3 with zeros before": lambda path: mp3(path, before=bytes(1000)),
    "MP3 with ID3v2.2": lambda path: mp3(path, id3_tag(2, b"TT2\0\0\6\0titleTP1\0\0\7\0artist")),
    "MP3 with ID3v2.3": lambda path: mp3(
        path, id3_tag(3, frame_2_3(b"TIT2", b"\0title") + frame_2_3(b"TYER", b"\x001999") + frame_2_3(b"XQZY", b"?"))
    ),
    "MP3 with ID3v2.3 and other ID3v1": lambda path: mp3(path, id3_tag(3, frame_2_3(b"TIT2", b"\0title")), ID3V1),
    "MP3 with UTF-8 in ID3v2.3": lambda path: mp3(path, id3_tag(3, frame_2_3(b"TIT2", b"\3t\xc3\xaftle"))),
    "MP3 with padding in front of nothing": lambda path: mp3(path, id3_tag(4, b"")),
    "FLAC with all blocks": full_flac,
    "FLAC between ID3 tags": around_flac,
    "chained Ogg": chained_ogg,
    "Ogg Vorbis with a picture": lambda path: with_picture(path, ".ogg"),
    "Ogg Opus with a picture": lambda path: with_picture(path, ".opus"),
    **{f"joined {suffix[1:]}": partial(joined, suffix=suffix) for suffix in (".mp3", ".flac", ".wav", ".aiff", ".m4a")},
    "Ogg FLAC": lambda path: ogg(path, ".flac"),
    "two streams in one Ogg": lambda path: ogg(path, ".ogg", ".opus"),
    "WAV with chunks": lambda path: wav(path, behind=CUE),
    "WAV with an ID3 tag before the sound": lambda path: wav(path, behind=CUE, id3_name=b"id3 "),
    "AIFF with chunks": aiff,
}
"""Labels can be stored in these."""

KEPT: dict[str, Maker] = {
    "MP4 of a phone": phone_m4a,
    "MP4 in fragments": fragmented_m4a,
    "MP3 without synchronisation": lambda path: mp3(
        path, id3_tag(3, frame_2_3(b"PRIV", b"me\0\xff\xf0\1").replace(b"\xff", b"\xff\0"), flags=0x80)
    ),
    "MP3 with a broken extended header": lambda path: mp3(path, id3_tag(4, b"TIT2\0\0", flags=0x40)),
    "WAV with an odd last chunk and no padding": lambda path: wav(path, behind=chunk(b"note", b"odd")[:-1]),
    "WAV with junk behind": lambda path: wav(path, junk=b"junk that is no chunk"),
    "WAV with an ID3 tag in capitals": lambda path: wav(path, id3_name=b"ID3 "),
}
"""mutagen may or may not manage these."""
