"""Audio files as the world has them, made of a second of sound, for tests that write labels into them."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.output.kinds_of_mp4 import co64_m4a, fragmented_m4a, mov, old_genre_m4a, phone_m4a, video
from tests.output.test_metadata import PICTURE, give_fields, make

av = pytest.importorskip("av", reason="needs the extra metadata")
pytest.importorskip("mutagen", reason="needs the extra metadata")

from mutagen import File, apev2, flac, id3, oggvorbis  # noqa: E402

Maker = Callable[[Path], Path]


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
