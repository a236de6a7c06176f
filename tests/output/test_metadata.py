"""Labels go into a file's own metadata and come out again; all else in it stays."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from audiotagger.inference.results import Tag
from audiotagger.output.metadata import write_tags
from tests.conftest import tone

av = pytest.importorskip("av", reason="needs the extra metadata")
mutagen = pytest.importorskip("mutagen", reason="needs the extra metadata")

from mutagen import flac, id3, mp4  # noqa: E402

BARK = [Tag("Bark", 0.9314), Tag("Meow", 0.0416)]
VALUE = "Bark=0.931;Meow=0.042"

BY_FFMPEG = {
    ".m4a": ("mp4", "aac"),
    ".mov": ("mov", "aac"),
    ".mka": ("matroska", "aac"),
    ".wma": ("asf", "wmav2"),
}
"""Suffix: container and codec; libsndfile makes the rest."""

FORMATS = ["a.wav", "a.aiff", "a.mp3", "a.flac", "a.ogg", "a.opus", "a.m4a"]

PICTURE = b"\x89PNG" + bytes(range(256)) * 20


def make(path: Path, movflags: str = "faststart") -> Path:
    """A second of sound, two channels."""
    sound, rate = np.repeat(tone(1.0, 48_000)[:, None], 2, axis=1), 48_000
    if path.suffix in BY_FFMPEG:
        container_format, codec_name = BY_FFMPEG[path.suffix]
        options = {"movflags": movflags} if movflags and codec_name == "aac" else {}
        with av.open(str(path), "w", format=container_format, options=options) as container:
            stream = container.add_stream(codec_name, rate=rate, layout="stereo")
            stream.bit_rate = 128_000
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T), format="fltp", layout="stereo")
            frame.sample_rate = rate
            container.mux([*stream.encode(frame), *stream.encode(None)])
    else:
        codec = {"format": "OGG", "subtype": "OPUS"} if path.suffix == ".opus" else {}
        soundfile.write(path, sound, rate, **codec)
    return path


def decode(path: Path) -> NDArray[Any]:
    if path.suffix != ".m4a":
        samples: NDArray[Any] = soundfile.read(path, dtype="float32")[0]
        return samples
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)


def stored(path: Path) -> str | None:
    """What any other program finds."""
    tags = mutagen.File(path).tags
    if isinstance(tags, id3.ID3):
        return str(tags["TXXX:AUDIOTAGGER"]) if "TXXX:AUDIOTAGGER" in tags else None
    if isinstance(tags, mp4.MP4Tags):
        values = tags.get("----:com.audiotagger:AUDIOTAGGER")
        return values[0].decode() if values else None
    values = tags.get("audiotagger") if tags is not None else None
    return "|".join(values) if values else None


def give_fields(path: Path) -> Callable[[], list[Any]]:
    """A title, a picture and what else there is; returns how to read them."""
    audio = mutagen.File(path)
    if audio.tags is None:
        audio.add_tags()
    if isinstance(audio.tags, id3.ID3):
        frames = [
            id3.TIT2(encoding=3, text=["Tïtle"]),
            id3.TXXX(encoding=1, desc="OTHER", text=["one", "two"]),
            id3.APIC(encoding=0, mime="image/png", type=3, desc="cover", data=PICTURE),
            id3.CHAP(element_id="1", start_time=0, end_time=9, sub_frames=[id3.TIT2(encoding=3, text=["chapter"])]),
        ]
        for frame in frames:
            audio.tags.add(frame)
        audio.tags.unknown_frames.append(b"XQZY" + struct.pack(">IH", 5, 0) + b"hello")
    elif isinstance(audio.tags, mp4.MP4Tags):
        audio.tags["\xa9nam"] = ["Tïtle"]
        audio.tags["covr"] = [mp4.MP4Cover(PICTURE, mp4.MP4Cover.FORMAT_PNG)]
        audio.tags["trkn"], audio.tags["tmpo"], audio.tags["cpil"] = [(3, 9)], [120], True
        audio.tags["----:com.apple.iTunes:OTHER"] = [mp4.MP4FreeForm(b"one"), mp4.MP4FreeForm(b"two")]
    else:
        audio.tags.extend([("Title", "Tïtle"), ("OTHER", "one"), ("other", "two")])
    if isinstance(audio, flac.FLAC):
        picture = flac.Picture()
        picture.data, picture.mime = PICTURE, "image/png"
        audio.add_picture(picture)
    audio.save()

    def fields() -> list[Any]:
        audio = mutagen.File(path)
        items = [(key, value) for key, value in audio.tags.items() if "audiotagger" not in key.lower()]
        unknown = getattr(audio.tags, "unknown_frames", [])
        return [sorted(items), unknown, [picture.write() for picture in getattr(audio, "pictures", [])]]

    assert len(fields()[0]) >= 2
    return fields


@pytest.mark.parametrize("name", FORMATS)
def test_labels_come_and_go_and_all_else_stays(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name)
    sound = decode(path)
    fields = give_fields(path)
    before = fields()
    for tags, value in ((BARK, VALUE), (BARK[1:], "Meow=0.042"), ([Tag("é" * 3000, 1.0)], "é" * 3000 + "=1.000")):
        assert write_tags(path, tags) == value
        assert stored(path) == value
        assert fields() == before
        np.testing.assert_array_equal(decode(path), sound)
    assert write_tags(path, []) == ""
    assert stored(path) is None
    assert fields() == before
    np.testing.assert_array_equal(decode(path), sound)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_without_any_metadata_takes_labels(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name)
    sound = decode(path)
    write_tags(str(path), [])
    assert stored(path) is None
    write_tags(str(path), BARK)
    assert stored(path) == VALUE
    np.testing.assert_array_equal(decode(path), sound)


@pytest.mark.parametrize("name", FORMATS)
def test_a_dry_run_changes_nothing(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name)
    before = path.read_bytes(), path.stat()
    assert write_tags(path, BARK, dry_run=True) == VALUE
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (before[0], before[1].st_mtime_ns)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_holds_these_labels_already_is_not_touched(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name)

    def status() -> tuple[bytes, int, int, int]:
        now = path.stat()
        return path.read_bytes(), now.st_ino, now.st_mtime_ns, now.st_ctime_ns

    before = status()
    write_tags(path, [])
    assert status() == before
    write_tags(path, BARK)
    after = status()
    assert after[1] != before[1]
    write_tags(path, BARK)
    assert status() == after


@pytest.mark.parametrize("name", ["a.mp3", "a.wav", "a.aiff"])
@pytest.mark.parametrize("version", [3, 4])
def test_the_version_of_an_id3_tag_and_its_frames_stay(tmp_path: Path, name: str, version: int) -> None:
    path = make(tmp_path / name)
    audio = mutagen.File(path)
    if audio.tags is None:
        audio.add_tags()
    year = id3.TYER(encoding=0, text=["1999"]) if version == 3 else id3.TDRC(encoding=0, text=["1999"])
    audio.tags.add(year)
    audio.tags.add(id3.COMM(encoding=1, lang="eng", desc="ünï", text=["cömment"]))
    audio.tags.save(path, v2_version=version)
    magic = b"ID3" + bytes([version])
    old = path.read_bytes()
    frames = old[old.index(magic) + 10 :].partition(bytes(12))[0]
    assert len(frames) > 40
    write_tags(path, BARK)
    written = path.read_bytes()
    assert frames in written[written.index(magic) :]
    assert stored(path) == VALUE


def test_an_id3v1_tag_stays_and_its_fields_are_seen_by_all_players(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp3")
    old = b"TAG" + b"T\xeftle".ljust(30, b" ") + b"Artist".ljust(30, b"\0") + bytes(64) + b"\x11"
    sound = path.read_bytes()
    path.write_bytes(sound + old)
    write_tags(path, BARK)
    assert path.read_bytes().endswith(sound + old)
    tags = id3.ID3(path, load_v1=False)
    assert str(tags["TIT2"]).strip() == "Tïtle"
    assert stored(path) == VALUE
    write_tags(path, BARK[:1])
    assert path.read_bytes().endswith(sound + old)


def test_chunks_of_a_wav_stay_in_place(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    samples = 1000
    data = bytes(i % 251 for i in range(samples))
    info = b"INFOINAM" + struct.pack("<I", 6) + b"title\0"
    body = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    body += b"LIST" + struct.pack("<I", len(info)) + info + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    write_tags(path, BARK)
    written = path.read_bytes()
    assert written[8:].startswith(body)
    assert struct.unpack("<I", written[4:8])[0] == len(written) - 8
    assert len(written) % 2 == 0
    assert stored(path) == VALUE
    assert len(soundfile.read(path)[0]) == samples
    write_tags(path, BARK)
    assert path.read_bytes() == written


def test_m4a_with_the_sound_first_still_plays(tmp_path: Path) -> None:
    path = make(tmp_path / "a.m4a", movflags="")
    sound = decode(path)
    write_tags(path, BARK)
    assert stored(path) == VALUE
    np.testing.assert_array_equal(decode(path), sound)


def test_labels_of_one_s_own_can_be_told_apart(tmp_path: Path) -> None:
    path = make(tmp_path / "a.flac")
    assert write_tags(path, [Tag("a=b;c%\n", 1.0), Tag("Fû zz", 0.5)]) == "a%3Db%3Bc%25%0A=1.000;Fû zz=0.500"
    assert stored(path) == "a%3Db%3Bc%25%0A=1.000;Fû zz=0.500"


def test_permissions_stay(tmp_path: Path) -> None:
    path = make(tmp_path / "a.flac")
    path.chmod(0o640)
    write_tags(path, BARK)
    assert stored(path) == VALUE
    assert path.stat().st_mode & 0o777 == 0o640
