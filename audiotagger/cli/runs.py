"""`audiotagger runs`."""

from pathlib import Path
from typing import Annotated

import typer

from audiotagger.cli.console import errors_to_exit_status, print_note
from audiotagger.cli.options import ListFormat, ListFormatOption


def runs(
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="Folder of runs. [default: runs]")] = None,
    output_format: ListFormatOption = ListFormat.table,
) -> None:
    """List training runs with their progress and validation scores.

    The newest is the last.
    """
    with errors_to_exit_status():
        from audiotagger.training.run_folder import RUNS
        from audiotagger.training.run_list import as_json, as_table, list_runs

        found = list_runs(folder or RUNS)
        if output_format is ListFormat.json:
            typer.echo(as_json(found))
            return
        typer.echo(as_table(found))
        for run in found:
            if run.error:
                print_note(run.error)
