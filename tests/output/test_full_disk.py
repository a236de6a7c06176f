"""On a full disk a command ends with one line that names the file, and what was there before is still there."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import command, noise, tone
from tests.output.test_metadata import stored

writes_npz = pytest.mark.skipif(
    tuple(map(int, np.__version__.split(".")[:2])) < (2, 2), reason="older versions of numpy comment on a full disk"
)

SMALL = 16 << 10
"""Bytes that fit."""


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    for i in range(30):
        soundfile.write(folder / f"{i:02}.wav", tone(0.2, hertz=200.0 + 20 * i), 16_000)
    return folder


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of `SMALL` bytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path, left: int) -> None:
    """Leave so many bytes, in pages of 4 KiB."""
    with (folder / "filler").open("wb") as file:
        free = os.statvfs(folder)
        file.write(bytes(free.f_bavail * free.f_frsize - left))


def assert_one_line(done: subprocess.CompletedProcess[str], path: Path, status: int = 1) -> None:
    assert done.returncode == status
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"audiotagger: {path}: No space left on device; ")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("tag --output", "out.json"),
        ("tag --by-model --top-k 92 --output", "out.csv"),
        ("tag --by-model --top-k 92 --output", "out.txt"),
        pytest.param("embed --output", "out.npz", marks=writes_npz),
        ("embed --output", "out.parquet"),
    ],
)
def test_the_former_file_stays(clips: Path, disk: Path, line: str, name: str) -> None:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow", reason="needs the extra parquet")
    (disk / name).write_text("of yesterday")
    fill(disk, 4096)
    assert_one_line(command(*line.split(), disk / name, clips, cwd=disk), disk / name)
    assert (disk / name).read_text() == "of yesterday"
    assert sorted(path.name for path in disk.iterdir()) == ["filler", name]


def test_a_journal_keeps_what_is_in_it_and_is_resumed(clips: Path, disk: Path) -> None:
    journal = disk / "out.jsonl"
    fill(disk, 4096)
    args = ("tag", clips, "--top-k", 92, "--output", journal, "--resume")
    assert_one_line(command(*args, cwd=disk), journal)
    *whole, _ = journal.read_text().split("\n")
    found = [json.loads(line)["path"] for line in whole]
    assert found == sorted(map(str, clips.iterdir()))[: len(found)]
    assert len(found) < 30
    (disk / "filler").unlink()
    subprocess.run(["mount", "-o", "remount,size=1m", str(disk)], check=True)
    assert command(*args, cwd=disk).returncode == 0
    assert [json.loads(line)["path"] for line in journal.read_text().splitlines()] == sorted(map(str, clips.iterdir()))


def test_labels_are_not_stored_and_the_audio_stays(disk: Path) -> None:
    pytest.importorskip("mutagen", reason="needs the extra metadata")
    pytest.importorskip("av", reason="needs the extra metadata")
    path = disk / "a.wav"
    soundfile.write(path, noise(0.2), 16_000)
    before = path.read_bytes()
    fill(disk, 4096)
    done = command("tag", path, "--write", "--threshold", 0, cwd=disk)
    assert_one_line(
        subprocess.CompletedProcess("", done.returncode, "", done.stderr.replace("labels not stored: ", "")), path
    )
    assert path.read_bytes() == before
    assert stored(path) is None
    assert sorted(each.name for each in disk.iterdir()) == ["a.wav", "filler"]


def test_label_tracks(clips: Path, disk: Path) -> None:
    (disk / "labels").mkdir()
    fill(disk, 4096)
    done = command("tag", clips, "--format", "audacity", "--output", disk / "labels", "--threshold", 0, cwd=disk)
    written = sorted((disk / "labels").iterdir())
    assert_one_line(done, disk / "labels" / f"{len(written):02}.wav.txt")
    assert written
    assert all(path.read_text().count("\t") == 2 for path in written)


def test_a_plot(disk: Path, clips: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    (clips.parent / "data" / "Flute").mkdir(parents=True)
    clips.rename(clips.parent / "data" / "Flute" / "clips")
    (disk / "plot.png").write_text("of yesterday")
    fill(disk, 4096)
    done = command("evaluate", clips.parent / "data", "--plot", disk / "plot.png", cwd=disk)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"audiotagger: {disk / 'plot.png'}: No space left on device; ")
    assert (disk / "plot.png").read_text() == "of yesterday"


@writes_npz
def test_what_numpy_cannot_write_names_the_file(clips: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "out.npz", path=["of yesterday"])
    before = (tmp_path / "out.npz").read_bytes()
    done = command("embed", clips, "--output", "out.npz", cwd=tmp_path, largest_file=2048)
    assert done.returncode == 1
    assert done.stderr.startswith("audiotagger: out.npz: ") or f"{tmp_path / 'out.npz'}: " in done.stderr
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "out.npz").read_bytes() == before
