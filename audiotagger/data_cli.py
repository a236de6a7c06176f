"""The commands around training data, beside those of cli.py and in the same way."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audiotagger.terminal import counter, errors_to_exit_status

app = typer.Typer(help="Check data before training on it, and get some.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def check(
    data: Annotated[
        Path | None,
        typer.Argument(metavar="DATA", help="Labelled clips, as of train. [default: AUDIOTAGGER_DATA, else data]"),
    ] = None,
) -> None:
    """Look for clips that cannot be read, duplicates and labels with too few clips, and show what there is.

    Exit status: 0 a net can be trained, 1 training would fail, 2 wrong usage.
    """
    with errors_to_exit_status():
        from audiotagger.training.check import check as check_data
        from audiotagger.training.check import report
        from audiotagger.training.corpus import find_data
        from audiotagger.writers import printable

        found = find_data(data)
        with counter() as count:
            checked = check_data(found, count)
        for line in report(found, checked).split("\n"):
            typer.echo(printable(line))
        if checked.errors:
            raise typer.Exit(1)
