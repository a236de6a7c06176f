"""`audiotagger train`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from audiotagger.cli.console import errors_to_exit_status, stderr_console, training_extra
from audiotagger.cli.options import DataArgument


class Kind(StrEnum):  # noqa: D101
    mel = "mel"
    wave = "wave"


class Arch(StrEnum):  # noqa: D101
    default = "default"
    baseline = "baseline"


class Init(StrEnum):  # noqa: D101
    scratch = "scratch"
    pretrained = "pretrained"


def epochs_or_auto(text: str) -> int | None:
    """Parse the value of --epochs: a number of at least 1, or None for "auto"."""
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise typer.BadParameter(f"{text!r} is neither auto nor a number of at least 1")
    return int(text)


def train(
    model: Annotated[Kind, typer.Option("--model", "-m", help="Which model to train.")],
    data: DataArgument = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Run folder. [default: a new one in runs]")
    ] = None,
    arch: Annotated[
        Arch, typer.Option(help="Network architecture; baseline is that of 2018, for comparison.")
    ] = Arch.default,
    init: Annotated[
        Init | None,
        typer.Option(
            help="Start from random weights or from the shipped model. [default: pretrained, but scratch for the "
            "labels that it was trained on]"
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume an interrupted run.")] = False,
    epochs: Annotated[
        int | None,
        typer.Option(
            parser=epochs_or_auto,
            metavar="N|auto",
            help="Number of training epochs; auto depends on dataset size and initialization. [default: auto]",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0, max=2**32 - 1, metavar="N", help="Random seed for initialization and sampling. [default: 0]"
        ),
    ] = None,
    teacher: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Learn to match this ONNX model instead of the labels (distillation)."),
    ] = None,
    hold_out: Annotated[bool, typer.Option(help="Hold out clips for validation, or train on all of them.")] = True,
    distributed: Annotated[
        bool, typer.Option("--distributed", help="Train as one worker of the cluster in TF_CONFIG.")
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help='Also log to TensorBoard. Needs the extra "tensorboard".')
    ] = False,
) -> None:
    """Train a model on a labelled dataset. Needs the extra "train"."""
    with errors_to_exit_status(), training_extra():
        from audiotagger.training.trainer import train as train_model

        done = train_model(
            model,
            data,
            stderr_console(),
            arch=arch,
            run=output,
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
