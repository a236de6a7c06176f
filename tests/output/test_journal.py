"""Journals as other programs leave them."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.report.conftest import records

Run = Callable[..., Result]


@pytest.mark.parametrize(
    "line",
    ['{"path": ["a"], "error": null}', '{"path": "a", "error": {"kind": ["x"]}}', "[" * 100_000, "42", "{}", "text"],
    ids=["path", "kind", "nested", "number", "empty", "text"],
)
def test_a_line_that_is_no_result_is_kept_when_resuming(run: Run, clip: Path, line: str) -> None:
    journal = clip.with_name("results.jsonl")
    journal.write_text(f"{line}\n")
    done = run("tag", clip, "-o", journal, "--resume")
    assert done.exit_code == 0, done.output
    first, second = journal.read_text().splitlines()
    assert first == line
    assert json.loads(second)["path"] == str(clip)


def test_a_last_line_without_an_end_counts_if_it_is_whole(run: Run, clip: Path, tmp_path: Path) -> None:
    assert run("tag", clip, "none.wav", "-o", "r.jsonl", cwd=tmp_path).exit_code == 1
    journal = tmp_path / "r.jsonl"
    whole = journal.read_text()
    for text, number in ((whole.removesuffix("\n"), 2), (whole[:-9], 1)):
        journal.write_text(text)
        assert run("report", journal).exit_code == 0
        assert len(records(journal.with_suffix(".html"))) == number


def test_a_pipe_is_no_journal(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "r.jsonl")
    writer = threading.Thread(target=lambda: (tmp_path / "r.jsonl").open("wb").close(), daemon=True)
    writer.start()
    done = run("report", tmp_path / "r.jsonl")
    assert done.exit_code == 2
    assert "not a regular file" in done.stderr
    assert not (tmp_path / "r.html").exists()


def test_resuming_keeps_a_last_line_without_an_end(run: Run, clip: Path, tmp_path: Path) -> None:
    assert run("tag", clip, "none.wav", "-o", "r.jsonl", cwd=tmp_path).exit_code == 1
    journal = tmp_path / "r.jsonl"
    before = journal.read_text()
    journal.write_text(before.removesuffix("\n"))
    assert run("tag", clip, "none.wav", "-o", "r.jsonl", "--resume", cwd=tmp_path).exit_code == 0
    assert journal.read_text() == before
    journal.write_text(before[:-9])  # of a command that was killed
    assert run("tag", clip, "none.wav", "-o", "r.jsonl", "--resume", cwd=tmp_path).exit_code == 1
    assert journal.read_text() == before


def test_a_page_says_what_it_lacks(run: Run, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    assert run("tag", clip.name, "-o", "r.jsonl", cwd=tmp_path).exit_code == 0
    done = run("report", tmp_path / "r.jsonl", cwd=tmp_path / "elsewhere")
    assert done.exit_code == 0
    assert "1 of 1 files are not there" in done.stderr
    (tmp_path / "r.jsonl").write_text((tmp_path / "r.jsonl").read_text().replace('"label": "', '"label": "My '))
    done = run("report", tmp_path / "r.jsonl", cwd=tmp_path)
    assert done.exit_code == 2
    assert "the models do not know My " in done.stderr
