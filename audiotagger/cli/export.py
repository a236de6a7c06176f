"""`audiotagger export`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from audiotagger.cli.console import counter, errors_to_exit_status, print_note, training_extra


def export(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RUN", help="Run folders. [default: the newest of each model in runs]"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Destination folder. [default: models; exported where that holds the shipped models]",
        ),
    ] = None,
    quantize: Annotated[
        bool,
        typer.Option("--quantize", help="Store convolutions in 8 bits: smaller and faster. Needs the run's data."),
    ] = False,
) -> None:
    """Export trained models to ONNX, checked against Keras.

    Nothing is replaced unless the outputs are the same. Needs the extra "train".
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"  # tf2onnx converts no other
    with errors_to_exit_status(), training_extra():
        from audiotagger.evaluation.metrics import FEW_CLIPS
        from audiotagger.export.onnx import as_table, default_destination
        from audiotagger.export.onnx import export as export_runs
        from audiotagger.training.run_folder import RUNS, newest_finished

        folder = output or default_destination()
        with counter() as count:
            exported = export_runs(runs or newest_finished(RUNS), folder, in_8_bits=quantize, progress=count)
        typer.echo(as_table(exported))
        for one in exported:
            if one.quantized and one.quantized.clips < FEW_CLIPS:
                print_note(f"{one.path}: compared on only {one.quantized.clips} clips; the share is rough")
        print_note(f"use them with `audiotagger tag --models {folder}`")
