"""`audiotagger evaluate`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from audiotagger.cli.console import counter, errors_to_exit_status, mute_c_libraries, training_extra
from audiotagger.cli.options import ModelsOption


class Split(StrEnum):  # noqa: D101
    test = "test"
    validation = "validation"


class Format(StrEnum):  # noqa: D101
    table = "table"
    json = "json"
    csv = "csv"


def evaluate(
    data: Annotated[
        Path | None,
        typer.Argument(metavar="DATA", help="Labelled clips, as of train. [default: AUDIOTAGGER_DATA, else data]"),
    ] = None,
    models: ModelsOption = None,
    split: Annotated[Split, typer.Option(help="The test clips, or those that training holds out.")] = Split.test,
    output_format: Annotated[
        Format, typer.Option("--format", "-f", help="A table to read, or all figures for programs.")
    ] = Format.table,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help='Also draw which labels are confused. Needs the extra "train".')
    ] = None,
) -> None:
    """Score the nets and their average on labelled clips."""
    with errors_to_exit_status():
        from audiotagger.datasets.dataset import find_data
        from audiotagger.evaluation.evaluator import evaluate as score
        from audiotagger.evaluation.report import REPORTS
        from audiotagger.evaluation.scores import figures
        from audiotagger.inference.tagger import Tagger

        mute_c_libraries()
        tagger = Tagger.load(models)
        with counter() as count:
            results = score(tagger, find_data(data), split, count)
        typer.echo(REPORTS[output_format](figures(results)))
        if plot:
            with training_extra():
                from audiotagger.evaluation.plots import confusion, save

                save(confusion(results), plot)
