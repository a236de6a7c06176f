"""`audiotagger data`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from audiotagger.cli.console import byte_counter, counter, errors_to_exit_status, mute_c_libraries

app = typer.Typer(help="Check data before training on it, and get some.", no_args_is_help=True, rich_markup_mode=None)


class Published(StrEnum):  # noqa: D101
    fsdkaggle2018 = "fsdkaggle2018"


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
        from audiotagger.datasets.dataset import find_data
        from audiotagger.datasets.validate import check as check_data
        from audiotagger.datasets.validate import report
        from audiotagger.output.writers import printable

        mute_c_libraries()
        found = find_data(data)
        with counter() as count:
            checked = check_data(found, count)
        for line in report(found, checked).split("\n"):
            typer.echo(printable(line))
        if checked.errors:
            raise typer.Exit(1)


@app.command()
def fetch(
    name: Annotated[
        Published, typer.Argument(metavar="NAME", help="fsdkaggle2018: 11,073 sounds with 41 labels, about 5 GB.")
    ],
    to: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder it goes to. [default: one of its name]")
    ] = None,
) -> None:
    """Get published data, ready to train on. Broken off, it goes on with the same command. Needs the extra "train".

    AUDIOTAGGER_ZENODO may be the address of a mirror of zenodo.org.
    """
    with errors_to_exit_status():
        from audiotagger.datasets.download import fetch as fetch_data

        folder = to or Path(name)
        with byte_counter() as count:
            fetch_data(folder, count)
        typer.echo(folder)
