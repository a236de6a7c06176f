"""`audiotagger runs`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from audiotagger.cli.console import errors_to_exit_status


def runs(
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="Folder of runs. [default: runs]")] = None,
) -> None:
    """List training runs, the newest last: how far they are, and their validation scores."""
    with errors_to_exit_status():
        from audiotagger.training.run_folder import RUNS, as_table, as_text, list_runs

        show = as_table if sys.stdout.isatty() else as_text
        typer.echo(show(list_runs(folder or RUNS)), nl=False)
