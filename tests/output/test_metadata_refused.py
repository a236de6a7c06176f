"""A file that cannot take labels stays as it is, to the byte, and the error says why."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from audiotagger.errors import ExtraError, MetadataError
from audiotagger.output.metadata import write_tags

pytest.importorskip("mutagen", reason="needs the extra metadata")

from tests.output.test_metadata import BARK, FORMATS, give_fields, make


def fails(path: Path) -> str:
    before = path.read_bytes() if path.is_file() else None
    files = sorted(path.parent.iterdir())
    with pytest.raises(MetadataError) as caught:
        write_tags(path, BARK)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert (path.read_bytes() if path.is_file() else None) == before
    assert sorted(path.parent.iterdir()) == files
    return str(caught.value)


@pytest.mark.parametrize("name", ["a.au", "a.caf", "a.w64", "a.rf64"])
def test_a_format_without_a_field_is_refused(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name)
    assert "ffmpeg -i FILE FILE.flac" in fails(path)
    with pytest.raises(MetadataError):
        write_tags(path, BARK, dry_run=True)


def test_m4a_in_fragments_is_refused(tmp_path: Path) -> None:
    assert "fragmented" in fails(make(tmp_path / "a.m4a", movflags="frag_keyframe+empty_moov"))


def test_what_is_no_audio_is_refused(tmp_path: Path) -> None:
    text, empty, loop, riff = (tmp_path / name for name in ("text.mp3", "empty.flac", "loop.wav", "riff.wav"))
    text.write_text("ID3 is not all it takes")
    empty.touch()
    loop.symlink_to(loop)
    riff.write_bytes(b"RIFF")
    for path in (text, empty, loop, riff, tmp_path / "missing.wav", tmp_path):
        fails(path)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("length", [30, 60, 150, 400])
def test_a_file_that_is_cut_off_is_left_as_it_is(tmp_path: Path, name: str, length: int) -> None:
    path = make(tmp_path / name)
    give_fields(path)
    path.write_bytes(path.read_bytes()[:length])
    fails(path)


def test_an_id3_tag_that_cannot_be_kept_is_left_as_it_is(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp3")
    sound = path.read_bytes()
    size = bytes([0, 0, 0, 20])
    of_2000 = b"ID3\x02\0\0" + size + b"TT2\0\0\x06\0title" + bytes(8)
    odd_name = b"ID3\x03\0\0" + size + b"tcom" + struct.pack(">IH", 2, 0) + b"\x001" + bytes(8)
    with_flags = b"ID3\x04\0\x80" + size + b"TIT2" + struct.pack(">IH", 4, 0) + b"\0\xff\x001" + bytes(6)
    for tag in (of_2000, odd_name, with_flags):
        path.write_bytes(tag + sound)
        assert "ID3v2." in fails(path)


@pytest.mark.parametrize("name", FORMATS)
def test_a_full_disk_leaves_the_file_as_it_is(tmp_path: Path, name: str) -> None:
    """Full for real, as far as the process can tell: the system lets it write no longer file."""
    path = make(tmp_path / name)
    before = path.read_bytes()
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) // 2}, {len(before) // 2}));"
        "from audiotagger.output.metadata import write_tags; from audiotagger.inference.results import Tag;"
        "from audiotagger.errors import MetadataError\n"
        "try: write_tags(sys.argv[1], [Tag('Bark', 0.5)])\n"
        "except MetadataError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, check=True, text=True)
    assert done.stdout.startswith(f"{path}: ")
    assert "room for a copy" in done.stdout
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("file_mode", [0o644, 0o444])
def test_where_nothing_may_be_written_nothing_is(tmp_path: Path, file_mode: int) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    path = make(folder / "a.flac")
    path.chmod(file_mode)
    folder.chmod(0o555 if file_mode == 0o644 else 0o755)
    try:
        assert "writable" in fails(path)
    finally:
        folder.chmod(0o755)


def test_without_mutagen_the_command_that_installs_it_is_named(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mutagen", None)
    with pytest.raises(ExtraError, match=r'pip install "audiotagger-nets\[metadata\]"'):
        write_tags(clip, BARK)
