"""`audiotagger evaluate`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from audiotagger.cli.console import counter, errors_to_exit_status, mute_c_libraries, print_note
from audiotagger.cli.options import DataArgument, ModelsOption
from audiotagger.cli.report import check_page


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
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write a page for the browser: charts, and the worst clips to listen to."
        ),
    ] = None,
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
        from audiotagger.output.files import check_output, open_output

        mute_c_libraries()
        if report:
            check_page(report)
            check_output(report)
        if plot:
            require_extra("plot", "--plot")
            from audiotagger.evaluation.plots import check_plot

            check_plot(plot)
        found = find_data(data)
        with counter() as count:
            tagger = Tagger.load(models)
            evaluation = predict(tagger, found, split, count, all_labels)
        if evaluation.split == "all":
            seen = ", some of which the models were trained on; --split validation scores those held out"
            print_note(f"{found}: no test split; scored all clips{seen if evaluation.seen_in_training else ''}")
        scores = make_report(evaluation)
        typer.echo(REPORTS[output_format](scores))
        if report:
            from audiotagger.evaluation.page import write_page

            title = f"Evaluation on {found.name} ({evaluation.split})"
            clips = evaluation.clips
            with open_output(report, "strict") as file:
                folder = report.resolve().parent
                write_page(file, folder, title, evaluation.predictions, scores.models, clips, tagger.sample_rate)
        if plot:
            from audiotagger.evaluation.plots import plot_confusion, save

            save(plot_confusion(evaluation.predictions), plot)
