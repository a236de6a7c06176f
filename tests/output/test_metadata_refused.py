"""A file that cannot take labels stays as it is, to the byte, and the error says why."""

from __future__ import annotations

import os
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


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a.au", "this is Sun AU"),
        ("a.caf", "this is Apple CAF"),
        ("a.w64", "this is Sony Wave64"),
        ("a.wma", "this is ASF"),
        ("a.mka", "this is Matroska"),
        ("a.rf64", "got RF64"),
    ],
)
def test_a_format_that_takes_no_labels_is_refused_and_named(tmp_path: Path, name: str, reason: str) -> None:
    path = make(tmp_path / name)
    assert reason in fails(path)
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


def test_text_that_mutagen_would_mend_is_left_as_it_is(tmp_path: Path) -> None:
    path = make(tmp_path / "a.flac")
    give_fields(path)
    path.write_bytes(path.read_bytes().replace("Tïtle".encode(), b"T\xff\xfetle"))
    assert "its metadata would change" in fails(path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    target = make(tmp_path / "a.flac")
    link = tmp_path / "link.flac"
    link.symlink_to(target.name)
    before = target.read_bytes(), target.stat().st_ino, target.stat().st_ctime_ns
    assert f"symbolic link; name the file that it leads to: {target.resolve()}" in fails(link)
    assert link.is_symlink()
    assert (target.read_bytes(), target.stat().st_ino, target.stat().st_ctime_ns) == before


def test_a_named_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert "not a regular file" in fails(tmp_path / "pipe.wav")


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


@pytest.mark.parametrize("package", ["mutagen", "av"])
def test_without_the_extra_the_command_that_installs_it_is_named(
    clip: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ExtraError, match=rf"needs {package}: pip install .*\[metadata\]"):
        write_tags(clip, BARK)
