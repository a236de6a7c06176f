"""`audiotagger data`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from audiotagger.cli.console import byte_counter, counter, errors_to_exit_status, mute_c_libraries
from audiotagger.cli.options import Command, DataArgument

app = typer.Typer(
    help="Validate and download training datasets.", no_args_is_help=True, rich_markup_mode=None, add_completion=False
)


class Published(StrEnum):  # noqa: D101
    fsdkaggle2018 = "fsdkaggle2018"


@app.command(cls=Command)
def validate(data: DataArgument = None) -> None:
    """Check a dataset before training on it.

    It lists unreadable clips, duplicates and labels with too few clips, and summarizes the dataset.

    Exit status: 0 ready for training, perhaps with warnings; 1 training would fail; 2 wrong usage.
    """
    with errors_to_exit_status():
        from audiotagger.datasets import validate as validation
        from audiotagger.datasets.dataset import find_data
        from audiotagger.output.writers import printable

        mute_c_libraries()
        found = find_data(data)
        with counter() as count:
            report = validation.validate(found, count)
        for level, lines in (("error", report.errors), ("warning", report.warnings)):
            for line in lines:
                typer.echo(printable(f"{level}: {line}"))
        if report.clips:
            typer.echo(validation.summarize(found, report.clips))
        if report.errors:
            raise typer.Exit(1)


@app.command(cls=Command)
def download(
    name: Annotated[
        Published, typer.Argument(metavar="NAME", help="fsdkaggle2018: 11,073 clips of 41 labels, about 5 GB.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Destination folder. [default: NAME]")
    ] = None,
) -> None:
    """Download a published dataset, ready for training. Run again to resume. Needs the extra "train".

    AUDIOTAGGER_ZENODO sets the address of a mirror of zenodo.org.
    """
    with errors_to_exit_status():
        from audiotagger.datasets.download import download_dataset

        folder = output or Path(name)
        with byte_counter() as count:
            download_dataset(folder, count)
        typer.echo(folder)
