"""`audiotagger evaluate`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from audiotagger.cli.console import counter, errors_to_exit_status, mute_c_libraries, print_note
from audiotagger.cli.options import DataArgument, ModelsOption


class Split(StrEnum):  # noqa: D101
    test = "test"
    validation = "validation"


class Format(StrEnum):  # noqa: D101
    table = "table"
    json = "json"
    csv = "csv"


def evaluate(
    data: DataArgument = None,
    models: ModelsOption = None,
    split: Annotated[
        Split | None,
        typer.Option(help="Clips to score: validation is what training held out. [default: test, or all without one]"),
    ] = None,
    all_labels: Annotated[
        bool,
        typer.Option("--all-labels", help="Score over all labels that the models know, not only those of the data."),
    ] = False,
    output_format: Annotated[
        Format, typer.Option("--format", "-f", help="Tables to read, or all scores for programs.")
    ] = Format.table,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help='Also plot the confusion matrix. Needs the extra "plot".'),
    ] = None,
) -> None:
    """Evaluate the models and their ensemble on a labelled dataset."""
    with errors_to_exit_status():
        from audiotagger.datasets.dataset import find_data
        from audiotagger.evaluation.evaluator import evaluate as predict
        from audiotagger.evaluation.report import REPORTS
        from audiotagger.evaluation.scores import make_report
        from audiotagger.extras import require_extra
        from audiotagger.inference.tagger import Tagger

        mute_c_libraries()
        if plot:
            require_extra("plot", "--plot")
        found = find_data(data)
        with counter() as count:
            evaluation = predict(Tagger.load(models), found, split, count, all_labels)
        if evaluation.split == "all":
            seen = ", some of which the models were trained on; --split validation scores those held out"
            print_note(f"{found}: no test split; scored all clips{seen if evaluation.seen_in_training else ''}")
        typer.echo(REPORTS[output_format](make_report(evaluation)))
        if plot:
            from audiotagger.evaluation.plots import plot_confusion, save

            save(plot_confusion(evaluation.predictions), plot)
