"""The list of commands, which --help prints without importing them."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from audiotagger.cli import app
from audiotagger.cli.app import SUMMARIES


@pytest.mark.parametrize("name", SUMMARIES)
def test_each_command_begins_its_help_with_its_summary(name: str) -> None:
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    assert command.help.startswith(SUMMARIES[name])


def test_a_wrong_command_is_answered_with_the_nearest_one() -> None:
    done = subprocess.run([sys.executable, "-m", "audiotagger", "tga"], capture_output=True, check=False, text=True)
    assert done.returncode == 2
    assert "Did you mean 'tag'?" in done.stderr


def test_only_the_command_that_is_used_is_imported() -> None:
    script = (
        "import sys; from audiotagger.cli import app; app(sys.argv[1:], standalone_mode=False); print(*sys.modules)"
    )
    for args in (["--help"], ["tag", "--help"]):
        done = subprocess.run([sys.executable, "-c", script, *args], capture_output=True, check=True, text=True)
        imported = {name for name in SUMMARIES if f"audiotagger.cli.{name}" in done.stdout.split()}
        assert imported.isdisjoint({"train", "export", "data", "serve", "listen"})
