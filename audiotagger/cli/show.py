"""`audiotagger show`."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from audiotagger.cli.console import errors_to_exit_status, print_note
from audiotagger.cli.options import (
    LabelsOption,
    ModelsOption,
    QuietOption,
    ThresholdOption,
    TimeoutOption,
    TopKOption,
    WindowOption,
    find_inputs,
    read_labels,
    start_workers,
)


def show(
    path: Annotated[str, typer.Argument(metavar="FILE", help="Audio file, or - for audio on stdin.")],
    png: Annotated[
        Path | None, typer.Option("--png", metavar="FILE", help="Write a picture to FILE instead (extra plot).")
    ] = None,
    top_k: TopKOption = 3,
    threshold: ThresholdOption = 0.5,
    labels: LabelsOption = None,
    window: WindowOption = None,
    hop: Annotated[
        float, typer.Option(min=0.01, metavar="SECONDS", help="Time from one score in the time line to the next.")
    ] = 1.0,
    models: ModelsOption = None,
    timeout: TimeoutOption = 3600,
    quiet: QuietOption = False,
) -> None:
    """Show the labels and the spectrogram of a file.

    A time line below the spectrogram shows when each label applies.

    Exit status: 0 the file was tagged, 1 it could not be, 2 wrong usage, 130 interrupted.
    """
    with errors_to_exit_status():
        from audiotagger.extras import require_extra

        if os.path.isdir(path):  # noqa: PTH112 (unlike Path, it takes any text)
            raise typer.BadParameter(f"{path}: a folder; give a file")
        if png:
            if png.suffix.lower() != ".png":
                raise typer.BadParameter(f"{png}: --png must end in .png")
            require_extra("plot", "--png")
        from rich.console import Console

        from audiotagger.errors import AudioError
        from audiotagger.output.writers import TableWriter
        from audiotagger.report.terminal import TerminalPicture
        from audiotagger.report.view import view

        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        console = Console(highlight=False, soft_wrap=True)
        terminal = TerminalPicture(console)
        size = {"columns": 512, "bands": 64} if png else {"columns": terminal.columns, "bands": terminal.bands}
        options: dict[str, Any] = {"window": window, "hop": hop, "threshold": threshold, "labels": read_labels(labels)}
        with start_workers(models, timeout, False, **options) as workers:
            file = next(find_inputs([path], None, False, True))
            (_, result), *_ = workers.map(view, [file], 1, top_k=top_k, **size)
        if isinstance(result, AudioError):
            raise result
        tagging, picture = result
        if tagging.warning and not quiet:
            print_note(tagging.warning.message)
        if png:
            from audiotagger.report.figure import plot_view, save

            save(plot_view(tagging, picture), png)
            return
        with TableWriter(sys.stdout) as table:
            table.write(tagging)
        for line in terminal.lines(picture, tagging.duration or 0.0):
            console.print(line)
