"""`audiotagger train`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from audiotagger.cli.console import errors_to_exit_status, stderr_console, training_extra


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
    """Read the value of --epochs: a number of at least 1, None for "auto"."""
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise typer.BadParameter(f"{text!r} is neither auto nor a number of at least 1")
    return int(text)


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
    teacher: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Learn to match this ONNX model instead of the labels (distillation)."),
    ] = None,
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
        from audiotagger.training.trainer import train as train_net

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
