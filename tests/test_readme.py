"""README does not lie: its help texts, its outputs, its Python, and that no command is left out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def test_help_texts_are_those_of_the_commands() -> None:
    pytest.importorskip("cogapp", reason="needs the extra dev")
    done = subprocess.run(
        [sys.executable, "-m", "cogapp", "--check", "README.md"], cwd=ROOT, capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, f"{done.stdout}: run `cog -r README.md`"


def test_every_command_is_mentioned() -> None:
    from audiotagger.cli import app

    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    names = [
        " ".join([name, *inner])
        for name, command in commands.items()
        for inner in ([[inner] for inner in getattr(command, "commands", ())] or [[]])
    ]
    described = ["data check", "data fetch", "embed", "evaluate", "export", "models verify", "runs", "tag", "train"]
    assert sorted(names) == described
    for name in names:
        assert f"audiotagger {name}" in README


def test_shown_results_are_what_is_printed() -> None:
    shown = re.search(r"^\$ audiotagger tag examples \|.*\n((?:examples/.*\n)+)", README, re.MULTILINE)
    assert shown
    done = subprocess.run(
        [sys.executable, "-m", "audiotagger", "tag", "examples"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    expected, printed = ([re.split(r"\t| +", line) for line in text.splitlines()] for text in (shown[1], done.stdout))
    assert len(expected) == len(printed)
    for line, real in zip(expected, printed, strict=True):
        assert line[::2] == [real[0], *real[2::2]]
        assert [float(score) for score in line[2::2]] == pytest.approx([float(s) for s in real[2::2]], abs=0.01)


def test_python_runs_as_written() -> None:
    examples = blocks("python")
    assert examples
    for example in examples:
        done = subprocess.run([sys.executable, "-c", example], cwd=ROOT, capture_output=True, check=False, text=True)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", [line for block in blocks("sh pipe") for line in block.splitlines() if line.strip()])
def test_pipes_run_as_written(line: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for tool in ("jq", "parallel"):
        if tool in line and not shutil.which(tool):
            pytest.skip(f"needs {tool}")
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, "PATH": path},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
