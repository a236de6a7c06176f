"""`audiotagger watch`: files that appear in a folder are tagged once they are written, whatever happens meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import EXAMPLES, command, started, wait_until, write_long

pytest.importorskip("watchfiles", reason="needs the extra watch")

FLUTE, HI_HAT, VIOLIN = EXAMPLES / "flute.ogg", EXAMPLES / "hi-hat.wav", EXAMPLES / "violin.opus"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, in which `rec` is to be watched."""
    (tmp_path / "rec").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def watching(*args: object, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Watch `rec` in the background; what it prints on stderr is in err.txt."""
    with (
        Path("err.txt").open("wb") as err,
        started(
            "watch", "rec", "--output", "out.jsonl", "--settle", 0.3, "--jobs", 1, *args, stderr=err, **options
        ) as process,
    ):
        wait_until(lambda: b"watching rec" in Path("err.txt").read_bytes(), process)
        yield process


def results() -> list[dict[str, Any]]:
    lines = Path("out.jsonl").read_text("utf-8").splitlines(keepends=True) if Path("out.jsonl").exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def paths() -> list[str]:
    return [result["path"] for result in results()]


def wait_for(number: int, process: subprocess.Popen[bytes]) -> None:
    wait_until(lambda: len(results()) >= number, process)
    assert process.poll() is None, Path("err.txt").read_text()


def stop(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> int:
    process.send_signal(number)
    return process.wait(timeout=60)


def test_files_are_tagged_as_by_tag(folder: Path) -> None:
    shutil.copy(FLUTE, "rec")
    with watching("--segments", "--top-k", 2) as process:
        wait_for(1, process)
        Path("rec/deep/er").mkdir(parents=True)
        shutil.copy(HI_HAT, "rec/deep/er")
        shutil.copy(HI_HAT, "rec/deep/notes.txt")
        wait_for(2, process)
        shutil.copytree("rec/deep", "elsewhere")
        Path("elsewhere").rename("rec/moved")  # with its files
        wait_for(3, process)
        shutil.copy(VIOLIN, "violin.part")
        Path("violin.part").rename("rec/violin.opus")
        wait_for(4, process)
        assert stop(process) == 0
    assert paths() == ["rec/flute.ogg", "rec/deep/er/hi-hat.wav", "rec/moved/er/hi-hat.wav", "rec/violin.opus"]
    tagged = command("tag", *paths(), "--format", "jsonl", "--segments", "--top-k", 2, cwd=folder)
    assert tagged.stdout == Path("out.jsonl").read_text("utf-8")
    assert Path("err.txt").read_text() == "audiotagger: watching rec\n"


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux tells who writes to a file")
def test_a_file_is_not_tagged_while_it_is_written(folder: Path) -> None:
    sound = FLUTE.read_bytes()
    with watching() as process:
        with Path("rec/slow.ogg").open("wb") as slow:
            slow.write(sound[: len(sound) // 2])
            slow.flush()
            shutil.copy(HI_HAT, "rec/quick.wav")  # which settles later
            wait_for(1, process)
            assert paths() == ["rec/quick.wav"]
            slow.write(sound[len(sound) // 2 :])
        wait_for(2, process)
        stop(process)
    assert results()[1] == {**results()[1], "path": "rec/slow.ogg", "duration": 4.015, "warning": None}


def test_a_file_that_changes_later_is_tagged_again(folder: Path) -> None:
    shutil.copy(FLUTE, "rec/take.wav")
    with watching() as process:
        wait_for(1, process)
        shutil.copy(HI_HAT, "rec/take.wav")
        wait_for(2, process)
        stop(process)
    assert [result["tags"][0]["label"] for result in results()] == ["Flute", "Hi-hat"]


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGKILL]
)
def test_it_continues_where_it_stopped(folder: Path, number: signal.Signals) -> None:
    shutil.copy(FLUTE, "rec/a.ogg")
    write_long(Path("rec/b.wav"), minutes=120)  # so that it is stopped while it tags
    with watching() as process:
        wait_for(1, process)
        assert stop(process, number) == {signal.SIGINT: 130, signal.SIGTERM: 0, signal.SIGKILL: -9}[number]
    assert paths() == ["rec/a.ogg"]
    assert b"Traceback" not in Path("err.txt").read_bytes()
    shutil.copy(HI_HAT, "rec/b.wav")
    shutil.copy(VIOLIN, "rec/c.opus")
    with watching() as process:
        wait_for(3, process)
        stop(process)
    assert paths() == ["rec/a.ogg", "rec/b.wav", "rec/c.opus"]
    assert "out.jsonl: files already in it: 1" in Path("err.txt").read_text()


def test_the_journal_is_that_of_tag(folder: Path) -> None:
    shutil.copy(FLUTE, "rec")
    assert command("tag", "rec", "--output", "out.jsonl", cwd=folder).returncode == 0
    with watching() as process:
        shutil.copy(HI_HAT, "rec")
        wait_for(2, process)
        refused = command("watch", "rec", "--output", "out.jsonl", cwd=folder)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
        assert "in use" in refused.stderr
        stop(process)
    assert paths() == ["rec/flute.ogg", "rec/hi-hat.wav"]


def test_failures_are_in_the_journal_and_those_that_may_have_passed_are_retried(folder: Path) -> None:
    Path("rec/bad.wav").write_bytes(b"RIFF" + bytes(100))
    Path("rec/late.wav").write_bytes(b"RIFF" + bytes(100))
    late = {"path": "rec/late.wav", "error": {"kind": "timeout", "message": "late"}}
    Path("out.jsonl").write_text(json.dumps(late) + "\n")
    with watching("--retry-failed") as process:
        wait_for(3, process)
        shutil.copy(FLUTE, "rec/z.ogg")  # the next one is tagged all the same
        wait_for(4, process)
        stop(process)
    assert paths() == ["rec/late.wav", "rec/bad.wav", "rec/late.wav", "rec/z.ogg"]
    lines = Path("err.txt").read_text().splitlines()[1:]
    assert [line.split(": ")[1] for line in lines] == ["rec/bad.wav", "rec/late.wav"]


def test_files_that_are_removed_are_left_out(folder: Path) -> None:
    write_long(Path("rec/a.wav"), minutes=20)  # while it is tagged, the other one goes
    shutil.copy(HI_HAT, "rec/b.wav")
    with watching() as process:
        Path("rec/b.wav").unlink()
        shutil.copy(FLUTE, "rec/c.ogg")
        wait_for(2, process)
        stop(process)
    assert paths() == ["rec/a.wav", "rec/c.ogg"]
    assert Path("err.txt").read_text().count("\n") == 1


def test_names_that_are_no_text_are_tagged(folder: Path) -> None:
    with watching() as process:
        shutil.copy(HI_HAT, "rec/caf\udce9.wav")
        wait_for(1, process)
        shutil.copy(FLUTE, "rec")
        wait_for(2, process)
        stop(process)
    assert paths() == ["rec/caf\udce9.wav", "rec/flute.ogg"]


def test_a_folder_that_is_removed_ends_it_with_one_line(folder: Path) -> None:
    with watching() as process:
        Path("rec").rmdir()
        assert process.wait(timeout=60) == 1
    assert Path("err.txt").read_text().splitlines()[1:] == [
        "audiotagger: rec: the folder has been removed; create it and start again"
    ]


@pytest.mark.slow
def test_network_drives_are_polled(folder: Path) -> None:
    with watching(env={**os.environ, "WATCHFILES_FORCE_POLLING": "1"}) as process:
        shutil.copy(FLUTE, "rec")
        wait_for(1, process)
        stop(process)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["none", "-o", "out.jsonl"], "none: No such file or directory; give a folder"),
        (["rec", "-o", "out.csv"], "must end in .jsonl"),
        (["rec", "-o", "out.jsonl", "--labels", "Flut"], "unknown label"),
    ],
)
def test_wrong_usage(folder: Path, args: list[str], message: str) -> None:
    done = command("watch", *args, cwd=folder)
    assert done.returncode == 2
    assert message in done.stderr
    assert not Path("out.jsonl").exists()


def test_a_name_that_comes_again_is_tagged_again(folder: Path) -> None:
    shutil.copy(FLUTE, "rec/take.ogg")
    with watching() as process:
        wait_for(1, process)
        assert stop(process) == 0
    Path("rec/take.ogg").unlink()
    with watching() as process:
        shutil.copy(HI_HAT, "rec")
        wait_for(2, process)
        shutil.copy(VIOLIN, "rec/take.ogg")
        wait_for(3, process)
        assert stop(process) == 0
    assert [result["tags"][0]["label"] for result in results()] == ["Flute", "Hi-hat", "Violin_or_fiddle"]
