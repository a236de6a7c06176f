"""`audiotagger export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audiotagger.cli.console import counter, errors_to_exit_status, training_extra


def export(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RUN", help="Run folders. [default: the newest of each net in runs]"),
    ] = None,
    to: Annotated[Path, typer.Option(metavar="DIR", help="Folder the models go to.")] = Path("models"),
    quantize: Annotated[
        bool, typer.Option("--quantize", help="Convolutions in 8 bits: smaller and faster. Needs the run's data.")
    ] = False,
) -> None:
    """Convert trained nets to ONNX, once it is certain that they still say the same. Needs the extra "train"."""
    with errors_to_exit_status(), training_extra():
        from audiotagger.export.onnx import export as export_runs
        from audiotagger.training.run_folder import RUNS, newest_finished

        with counter() as count:
            done = export_runs(runs or newest_finished(RUNS), to, in_8_bits=quantize, progress=count)
        for exported in done:
            line = f"{exported.path}\t{exported.run}\tdiffers from Keras by {exported.difference:.1e} at most"
            typer.echo(f"{line}\t{exported.quantized}" if exported.quantized else line)
