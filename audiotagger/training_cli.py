"""The commands around training, beside those of cli.py and in the same way."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from audiotagger.terminal import ModelsOption, counter, errors_to_exit_status, stderr_console, training_extra

app = typer.Typer()


class Kind(StrEnum):  # noqa: D101
    mel = "mel"
    wave = "wave"


class Arch(StrEnum):  # noqa: D101
    default = "default"
    baseline = "baseline"


class Split(StrEnum):  # noqa: D101
    test = "test"
    validation = "validation"


class Format(StrEnum):  # noqa: D101
    table = "table"
    json = "json"
    csv = "csv"


class Init(StrEnum):  # noqa: D101
    scratch = "scratch"
    pretrained = "pretrained"


def epochs_or_auto(text: str) -> int | None:
    """Read the value of --epochs: a number of at least 1, None for "auto"."""
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise typer.BadParameter(f"{text!r} is neither auto nor a number of at least 1")
    return int(text)


@app.command()
def train(
    model: Annotated[Kind, typer.Option("--model", "-m", help="Which net to train.")],
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="Labelled clips: a folder or a CSV file. [default: AUDIOTAGGER_DATA, else data]"
        ),
    ] = None,
    arch: Annotated[
        Arch, typer.Option(help="This project's net, or the 2018 baseline's for comparison.")
    ] = Arch.default,
    init: Annotated[
        Init | None,
        typer.Option(
            help="Begin with random weights, or with those of the shipped net. [default: pretrained, but scratch for "
            "the labels that it knows]"
        ),
    ] = None,
    run: Annotated[Path | None, typer.Option(metavar="DIR", help="Run folder. [default: a new one under runs]")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    epochs: Annotated[
        int | None,
        typer.Option(
            parser=epochs_or_auto,
            metavar="N|auto",
            envvar="AUDIOTAGGER_EPOCHS",
            help="Times through the clips; auto goes by how many there are and how the net begins. [default: auto]",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of weights and batches. [default: 0]")] = None,
    teacher: Annotated[bool, typer.Option(help="Learn from the data's teacher.npz too, if there is one.")] = True,
    hold_out: Annotated[
        bool, typer.Option(help="Keep clips apart for validation, or train on all once a recipe is chosen.")
    ] = True,
    distributed: Annotated[
        bool, typer.Option("--distributed", help="Be one of the machines that TF_CONFIG names, which train together.")
    ] = False,
    tensorboard: Annotated[
        bool,
        typer.Option("--tensorboard", help='Also write the curves for TensorBoard. Needs the extra "tensorboard".'),
    ] = False,
) -> None:
    """Train a net on labelled clips. Needs the extra "train"."""
    with errors_to_exit_status(), training_extra():
        from audiotagger.training.train import train as train_net

        done = train_net(
            model,
            data,
            stderr_console(),
            arch=arch,
            run=run,
            resume=resume,
            epochs=epochs,
            seed=seed,
            teacher=teacher,
            fold=0 if hold_out else None,
            init=init,
            distributed=distributed,
            tensorboard=tensorboard,
        )
        if done:
            typer.echo(done)


@app.command()
def runs(
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="Folder of runs. [default: runs]")] = None,
) -> None:
    """List training runs, the newest last: how far they are, and their validation scores."""
    with errors_to_exit_status():
        from audiotagger.training.listing import as_table, as_text, list_runs
        from audiotagger.training.runs import RUNS

        show = as_table if sys.stdout.isatty() else as_text
        typer.echo(show(list_runs(folder or RUNS)), nl=False)


@app.command()
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
        from audiotagger.training.export import export as export_runs
        from audiotagger.training.runs import RUNS, newest_finished

        with counter() as count:
            done = export_runs(runs or newest_finished(RUNS), to, in_8_bits=quantize, progress=count)
        for exported in done:
            line = f"{exported.path}\t{exported.run}\tdiffers from Keras by {exported.difference:.1e} at most"
            typer.echo(f"{line}\t{exported.quantized}" if exported.quantized else line)


@app.command()
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
        from audiotagger.tagger import Tagger
        from audiotagger.training.corpus import find_data
        from audiotagger.training.evaluate import evaluate as score
        from audiotagger.training.figures import figures
        from audiotagger.training.report import REPORTS

        tagger = Tagger.load(models)
        with counter() as count:
            results = score(tagger, find_data(data), split, count)
        typer.echo(REPORTS[output_format](figures(results)))
        if plot:
            with training_extra():
                from audiotagger.training.plots import confusion, save

                save(confusion(results), plot)
