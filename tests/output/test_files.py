"""Where results of `audiotagger tag` go, which files it takes from lists, and what is left of it when it is stopped."""

from __future__ import annotations

import functools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
from jsonschema import Draft202012Validator
from typer.testing import Result

import audiotagger
from tests.conftest import EXAMPLES, started, tone, wait_until, write_long

Run = Callable[..., Result]

COMMAND = [sys.executable, "-m", "audiotagger"]


def command(*args: object, **kwargs: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *map(str, args)],
        capture_output=True,
        check=False,
        timeout=60,
        **{"stdin": subprocess.DEVNULL, **kwargs},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten short clips and a broken one."""
    (tmp_path / "clips").mkdir()
    for i in range(10):
        soundfile.write(tmp_path / "clips" / f"{i}.wav", tone(0.2, hertz=200.0 + 50 * i), 16_000)
    (tmp_path / "clips" / "bad.wav").write_bytes(b"RIFF\0\0\0\0WAVEnothing")
    return tmp_path / "clips"


def paths_in(journal: Path) -> list[str]:
    return [Path(json.loads(line)["path"]).name for line in journal.read_text().splitlines()]


def test_results_validate_against_the_schema(run: Run, folder: Path) -> None:
    schema = json.loads((Path(audiotagger.__file__).parent / "schema.json").read_text())
    validator = Draft202012Validator(schema)
    Draft202012Validator.check_schema(schema)
    for options in ([], ["--by-model"], ["--segments"], ["--by-model", "--segments", "--hop", 0.5, "--threshold", 0.1]):
        printed = run("tag", folder / "bad.wav", EXAMPLES, "--format", "jsonl", *options).stdout
        for line in printed.splitlines():
            validator.validate(json.loads(line))
        assert ("by_model" in line) == ("--by-model" in options)
        assert ("segments" in line) == ("--segments" in options)


@pytest.mark.parametrize("name", ["out.json", "out.csv", "out.txt"])
def test_a_file_appears_as_a_whole_with_what_stdout_would_show(
    run: Run, folder: Path, tmp_path: Path, name: str
) -> None:
    output_format = {"txt": "text"}.get(name.partition(".")[2], name.partition(".")[2])
    shown = run("tag", folder, "--format", output_format)
    (tmp_path / name).write_text("of yesterday")
    done = run("tag", folder, "--output", tmp_path / name)
    assert done.exit_code == shown.exit_code == 1
    assert done.stdout == ""
    assert (tmp_path / name).read_text() == shown.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips", name]


def test_a_file_that_cannot_be_written_is_one_line(run: Run, folder: Path, tmp_path: Path) -> None:
    for name in ("out.json", "out.jsonl"):
        done = run("tag", folder, "--output", tmp_path / "missing" / name)
        assert done.exit_code == 2
        assert done.stderr.count("\n") == 1
        assert "choose another file" in done.stderr


def test_a_journal_is_not_overwritten(run: Run, folder: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    assert run("tag", folder / "1.wav", "--output", journal).exit_code == 0
    before = journal.read_bytes()
    refused = run("tag", folder, "--output", journal)
    assert refused.exit_code == 2
    assert "--resume" in refused.stderr
    assert journal.read_bytes() == before


def test_resuming_leaves_out_what_the_journal_holds(run: Run, folder: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    run("tag", folder / "3.wav", folder / "bad.wav", "--output", journal)
    with journal.open("ab") as file:
        file.write(b'{"path": "' + os.fsencode(folder / "4.wav"))  # killed in the middle of a line
    done = run("tag", folder, "--output", journal, "--resume")
    assert done.exit_code == 0, done.stderr
    assert sorted(paths_in(journal)) == sorted(path.name for path in folder.iterdir())
    assert run("tag", folder, "--resume").exit_code == 2
    assert run("tag", folder, "--output", tmp_path / "x.json", "--resume").exit_code == 2


def test_only_failures_that_may_have_passed_are_retried(run: Run, folder: Path, tmp_path: Path) -> None:
    journal, late = tmp_path / "journal.jsonl", folder / "late.wav"
    args = ("tag", folder / "3.wav", folder / "bad.wav", late, "--output", journal)
    assert run(*args).exit_code == 1
    retried = run(*args, "--resume", "--retry-failed")
    assert retried.exit_code == 1
    assert paths_in(journal) == ["3.wav", "bad.wav", "late.wav", "late.wav"]
    late.write_bytes((folder / "4.wav").read_bytes())
    assert run(*args, "--resume").exit_code == 0
    assert paths_in(journal)[4:] == []
    assert run(*args, "--resume", "--retry-failed").exit_code == 0
    assert paths_in(journal)[4:] == ["late.wav"]
    assert json.loads(journal.read_text().splitlines()[-1])["error"] is None
    assert run(*args, "--resume", "--retry-failed").exit_code == 0
    assert paths_in(journal)[5:] == []
    assert run(*args, "--retry-failed").exit_code == 2


@pytest.mark.parametrize("rounds", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_a_journal_survives_being_killed_at_any_moment(tmp_path: Path, rounds: int) -> None:
    rng = random.Random(0)
    names = [f"{i:03}.wav" for i in range(100 * rounds)]
    for i, name in enumerate(names):
        soundfile.write(tmp_path / name, tone(0.2, hertz=200.0 + i), 16_000)
    journal = tmp_path / "journal.jsonl"
    args = ("tag", tmp_path, "--output", journal, "--resume")

    def holds(size: int) -> bool:
        return journal.exists() and journal.stat().st_size >= size

    size = 0
    for number in [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL] * rounds:
        enough = size + rng.randrange(1, 1500)  # so many bytes more: several lines, or part of one
        with started(*args) as process:
            wait_until(functools.partial(holds, enough), process)
            process.send_signal(number)
            process.wait(timeout=60)
        size = journal.stat().st_size
    assert command(*args).returncode == 0
    assert sorted(paths_in(journal)) == names


def test_two_runs_do_not_share_a_journal(tmp_path: Path, folder: Path) -> None:
    write_long(tmp_path / "long.wav", minutes=60)
    journal = tmp_path / "journal.jsonl"
    with started("tag", folder / "1.wav", tmp_path / "long.wav", "--output", journal) as process:
        wait_until(lambda: journal.exists() and bool(journal.stat().st_size), process)
        before = journal.read_bytes()
        second = command("tag", EXAMPLES, "--output", journal, "--resume")
    assert second.returncode == 2
    assert b"in use by another process" in second.stderr
    assert journal.read_bytes() == before


def test_what_is_no_journal_is_left_alone(run: Run, folder: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.jsonl"
    notes.write_bytes(b"precious last line")
    refused = run("tag", folder, "--output", notes, "--resume")
    assert refused.exit_code == 2
    assert notes.read_bytes() == b"precious last line"
    sound = (folder / "1.wav").read_bytes()
    forgotten = run("tag", "--output", *sorted(folder.glob("[0-9].wav")))
    assert forgotten.exit_code == 2
    assert "--output" in forgotten.stderr
    assert (folder / "1.wav").read_bytes() == sound


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="needs /dev/stdout")
def test_devices_are_written_to(tmp_path: Path, folder: Path) -> None:
    for output_format in ("json", "jsonl", "text"):
        into_nothing = command("tag", folder / "1.wav", "--format", output_format, "--output", "/dev/null")
        assert (into_nothing.returncode, into_nothing.stdout, into_nothing.stderr) == (0, b"", b"")
    assert Path("/dev/null").is_char_device()
    with (tmp_path / "log").open("wb") as log:
        log.write(b"kept\n")
        log.flush()
        subprocess.run(
            [*COMMAND, "tag", folder / "1.wav", "--output", "/dev/stdout"], stdout=log, check=True, timeout=60
        )
    assert (tmp_path / "log").read_text().startswith("kept\n" + str(folder))


def test_an_interrupt_leaves_a_valid_file(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "first.wav", tone(0.2), 16_000)
    write_long(tmp_path / "long.wav", minutes=120)
    output = tmp_path / "out.json"

    def partial() -> str:
        return "".join(path.read_text() for path in tmp_path.glob(".out.json.*.partial/*"))

    with started("tag", "first.wav", "long.wav", "--output", output, cwd=tmp_path, stderr=subprocess.PIPE) as process:
        wait_until(lambda: "first.wav" in partial(), process)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == f"audiotagger: interrupted; results so far are in {output}\n".encode()
    assert [one["path"] for one in json.loads(output.read_text())] == ["first.wav"]


def test_what_killed_runs_left_is_removed_and_nothing_else(tmp_path: Path, clip: Path) -> None:
    output = tmp_path / "out.json"
    write_long(tmp_path / "long.wav", minutes=120)

    def unfinished() -> list[Path]:
        return sorted(path.parent for path in tmp_path.glob(".out.json.*.partial/out.json") if path.stat().st_size)

    def begin() -> Any:
        return started("tag", clip, "long.wav", "--output", output, cwd=tmp_path)

    with begin() as process:
        wait_until(lambda: bool(unfinished()), process)
        process.kill()
    (killed,) = unfinished()
    kept = [tmp_path / ".others.partial", tmp_path / ".a.json.abcdefgh.partial", tmp_path / ".b.json.abcdefgh.partial"]
    kept[0].write_bytes(b"not of ours")
    for folder in kept[1:]:
        folder.mkdir()
    (kept[1] / "notes.txt").write_bytes(b"not of ours")
    with begin() as process:
        wait_until(lambda: bool(set(unfinished()) - {killed}), process)
        assert not killed.exists()
        (running,) = unfinished()
        assert command("tag", clip, "--output", tmp_path / "other.json").returncode == 0
        assert running.exists()
    assert command("tag", clip, "--output", output).returncode == 0
    assert sorted(tmp_path.glob(".*")) == sorted(kept)


def test_the_number_of_jobs_changes_no_byte(run: Run, folder: Path) -> None:
    one, many = (run("tag", folder, EXAMPLES, "--format", "json", "--jobs", jobs).stdout for jobs in (1, 7))
    assert one == many


def test_files_come_from_lists(run: Run, folder: Path, tmp_path: Path) -> None:
    odd = folder / "two\nlines \udcff.wav"
    (folder / "5.wav").rename(odd)
    lines, nulls = tmp_path / "lines.txt", tmp_path / "nulls"
    lines.write_bytes(f"{folder / '1.wav'}\r\n\r\n{folder / '2.wav'}\r\n".encode())
    nulls.write_bytes(b"".join(os.fsencode(path) + b"\0" for path in (odd, folder / "6.wav")))
    printed = run("tag", folder / "0.wav", "--files-from", lines, "--format", "jsonl").stdout
    assert [Path(json.loads(line)["path"]).name for line in printed.splitlines()] == ["0.wav", "1.wav", "2.wav"]
    with nulls.open("rb") as stdin:
        done = command("tag", "--files-from", "-", "-0", "--format", "jsonl", stdin=stdin)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["path"] for line in done.stdout.splitlines()] == [str(odd), str(folder / "6.wav")]
    missing = run("tag", "--files-from", tmp_path / "nothing.txt")
    assert missing.exit_code == 2
    assert "nothing.txt" in missing.stderr
    for wrong in (["tag"], ["tag", folder, "-0"], ["tag", "-", "--files-from", "-"]):
        assert run(*wrong).exit_code == 2


def test_a_name_is_tagged_before_the_next_one_is_there(folder: Path) -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with started("tag", "--files-from", "-", cwd=folder, **pipes) as process:
        assert process.stdin
        assert process.stdout
        for name in ("1.wav", "2.wav"):
            process.stdin.write(f"{name}\n".encode())
            process.stdin.flush()
            assert process.stdout.readline().startswith(name.encode())
        process.stdin.close()
        assert process.wait(timeout=20) == 0


def test_labels_are_stored_in_the_files_on_request(run: Run, tmp_path: Path) -> None:
    mutagen = pytest.importorskip("mutagen", reason="needs the extra metadata")
    for name in ("flute.ogg", "trumpet.mp3"):
        shutil.copy(EXAMPLES / name, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    rehearsed = run("tag", tmp_path, "--write", "--dry-run")
    assert rehearsed.exit_code == 0, rehearsed.stderr
    assert rehearsed.stderr.count("would write") == 2
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    done = run("tag", tmp_path, "--write", "--top-k", 1)
    assert (done.exit_code, done.stderr) == (0, "")
    ((label, score),) = (field.split("=") for field in mutagen.File(tmp_path / "flute.ogg")["AUDIOTAGGER"])
    assert done.stdout.startswith(f"{tmp_path / 'flute.ogg'}\t{label}\t{score}")
    soundfile.write(tmp_path / "old.au", tone(1.0), 16_000)
    failed = run("tag", tmp_path, "--write")
    assert failed.exit_code == 1
    assert "old.au" in failed.stderr
    assert failed.stdout.count("\n") == 3
    assert run("tag", tmp_path, "--dry-run").exit_code == 2
    journal = tmp_path / "journal.jsonl"
    assert run("tag", tmp_path, "--write", "--dry-run", "--output", journal).exit_code == 2
    assert run("tag", tmp_path, "--write", "--output", journal).exit_code == 1
    assert sorted(paths_in(journal)) == ["flute.ogg", "old.au", "trumpet.mp3"]
