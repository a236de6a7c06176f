"""Values of options and arguments that a parser lets through: not a number, too long, or two that are the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from typer.testing import Result

from audiotagger import Tagger
from tests.conftest import EXAMPLES, tone

Run = Callable[..., Result]

FLUTE = EXAMPLES / "flute.ogg"


@pytest.mark.parametrize("value", ["nan", "inf"])
@pytest.mark.parametrize(
    "line",
    [
        ["tag", "--timeout"],
        ["tag", "--threshold"],
        ["tag", "--min-score"],
        ["tag", "--window"],
        ["tag", "--hop"],
        ["embed", "x", "-o", "x.npz", "--timeout"],
        ["listen", "--hop"],
        ["serve", "--max-size"],
        ["serve", "--timeout"],
        ["watch", ".", "-o", "x.jsonl", "--settle"],
    ],
    ids=" ".join,
)
def test_numbers_are_finite(run: Run, line: list[str], value: str) -> None:
    done = run(*line, value)
    assert done.exit_code == 2
    assert line[-1] in done.stderr
    assert "Traceback" not in done.output


def test_a_list_of_many_labels_is_longer_than_a_file_name(run: Run) -> None:
    labels = ",".join(Tagger.load().labels[:60])
    assert len(labels) > 255
    for command in ("tag", "show"):
        done = run(command, FLUTE, "--labels", labels)
        assert done.exit_code == 0, done.output
        assert "Flute" in done.stdout


@pytest.mark.parametrize("spelled", ["same.html", "./same.html", "{folder}/same.html"])
def test_a_page_does_not_replace_the_results(run: Run, tmp_path: Path, spelled: str) -> None:
    done = run("tag", FLUTE, "-o", "same.html", "--report", spelled.format(folder=tmp_path), cwd=tmp_path)
    assert done.exit_code == 2
    assert "would replace the results" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_page_that_cannot_be_written_costs_no_earlier_results(run: Run, tmp_path: Path) -> None:
    (tmp_path / "results.csv").write_text("old,results\n")
    done = run("tag", FLUTE, "-o", "results.csv", "--report", "nowhere/page.html", cwd=tmp_path)
    assert done.exit_code == 2
    assert (tmp_path / "results.csv").read_text() == "old,results\n"


@pytest.mark.parametrize(
    "args",
    [
        ["report", "."],
        ["report", ""],
        ["tag", "x.wav", "--format", "audacity", "--by-model"],
        ["tag", "x.wav", "--engine", "ray", "-o", "out", "--embed-audio"],
        ["train", "--model", "mel", "--seed", str(1 << 32)],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line(run: Run, tmp_path: Path, args: list[str]) -> None:
    done = run(*args, cwd=tmp_path)
    assert done.exit_code == 2
    assert "Traceback" not in done.output


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not take such names")
def test_paths_that_are_no_text_are_printed_as_they_are(tmp_path: Path) -> None:
    folder = os.fsdecode(b"m\xe9")
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "r.jsonl").touch()
    for args, printed in (
        (["report", f"{folder}/r.jsonl"], b"m\xe9/r.html\n"),
        (["models", "list", "--models", folder], b""),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "audiotagger", *args],
            capture_output=True,
            check=False,
            cwd=tmp_path,
            env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"},
        )
        assert b"Traceback" not in done.stderr
        assert done.stdout == printed


def test_a_long_name_costs_its_own_label_track(run: Run, tmp_path: Path) -> None:
    for name in ("a", "ж" * 117, "я"):
        soundfile.write(tmp_path / f"{name}.ogg", tone(1.0), 16_000)
    done = run("tag", tmp_path, "--format", "audacity", "-o", tmp_path / "tracks")
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert {path.name for path in (tmp_path / "tracks").iterdir()} == {"a.ogg.txt", "я.ogg.txt"}
