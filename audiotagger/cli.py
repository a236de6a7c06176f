"""The command line: parse, call, choose a writer, exit status. Imports happen inside the command that needs them."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from audiotagger import __version__
from audiotagger.terminal import complain, counter, errors_to_exit_status, stderr_console, training_extra

app = typer.Typer(
    name="audiotagger",
    help="Listen to audio files and say what they hold.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Format(StrEnum):  # noqa: D101 (what typer takes as choices)
    text = "text"
    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"


class Kind(StrEnum):  # noqa: D101
    mel = "mel"
    wave = "wave"


class Init(StrEnum):  # noqa: D101
    scratch = "scratch"
    pretrained = "pretrained"


class Split(StrEnum):  # noqa: D101
    test = "test"
    validation = "validation"


class Arch(StrEnum):  # noqa: D101
    default = "default"
    baseline = "baseline"


ModelsOption = Annotated[
    Path | None,
    typer.Option(
        "--models", metavar="DIR", help="Folder of models. [default: AUDIOTAGGER_MODELS, else the shipped ones]"
    ),
]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"audiotagger {__version__}")
        raise typer.Exit()


@app.callback()
def main(  # noqa: D103 (its docstring would be shown as help)
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    if sys.stdout is None or sys.stderr is None:
        raise SystemExit(2)  # closed by the caller: there is nowhere to put anything


@app.command()
def tag(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH", help="Audio files, folders (recursive), globs, or - for audio on stdin."),
    ],
    top_k: Annotated[int, typer.Option("--top-k", "-k", min=1, help="At most this many labels per file.")] = 3,
    min_score: Annotated[float, typer.Option(min=0.0, max=1.0, help="Leave out labels below this probability.")] = 0.0,
    output_format: Annotated[
        Format | None, typer.Option("--format", "-f", help="[default: table on a terminal, text in a pipe]")
    ] = None,
    by_model: Annotated[bool, typer.Option("--by-model", help="Also show each net's own labels.")] = False,
    models: ModelsOption = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Files worked on at once. [default: the cores at hand]")
    ] = None,
) -> None:
    """Say what audio files hold: the labels with the highest mean probability of the nets.

    Results go to stdout in the order of the input, everything else to stderr. Exit status: 0 all files were tagged,
    1 at least one could not be, 2 wrong usage, 130 interrupted.
    """
    with errors_to_exit_status():
        from audiotagger.files import find_audio
        from audiotagger.tagger import Tagger
        from audiotagger.writers import WRITERS

        if paths.count("-") > (sys.stdin is not None):
            raise typer.BadParameter("there is only one standard input, or none at all")
        tagger = Tagger.load(models)
        chosen = output_format or (Format.table if sys.stdout.isatty() else Format.text)
        # Names that are no valid text come out as the bytes they are, in JSON as the escapes that read back the same.
        unencodable = "backslashreplace" if chosen in (Format.json, Format.jsonl) else "surrogateescape"
        sys.stdout.reconfigure(encoding="utf-8", errors=unencodable)  # type: ignore[union-attr]
        failed = False
        with counter() as count, WRITERS[chosen](sys.stdout, by_model) as writer:
            for tagging in tagger.tag_files(find_audio(paths), top_k=top_k, min_score=min_score, jobs=jobs):
                writer.write(tagging)
                count()
                if tagging.error:
                    failed = True
                    complain(tagging.error)
    if failed:
        raise typer.Exit(1)


@app.command()
def train(
    model: Annotated[Kind, typer.Option("--model", "-m", help="Which net to train.")],
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder with train.csv and audio_train/. [default: AUDIOTAGGER_DATA, else data]"
        ),
    ] = None,
    arch: Annotated[
        Arch, typer.Option(help="This project's net, or the 2018 baseline's for comparison.")
    ] = Arch.default,
    init: Annotated[
        Init, typer.Option(help="Begin with random weights, or with those of the shipped net.")
    ] = Init.scratch,
    run: Annotated[Path | None, typer.Option(metavar="DIR", help="Run folder. [default: a new one under runs]")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    epochs: Annotated[int | None, typer.Option(min=1, help="[default: the recipe's]")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of weights and batches. [default: 0]")] = None,
    teacher: Annotated[bool, typer.Option(help="Learn from the data's teacher.npz too, if there is one.")] = True,
    hold_out: Annotated[
        bool, typer.Option(help="Keep clips apart for validation, or train on all once a recipe is chosen.")
    ] = True,
) -> None:
    """Train a net on labelled clips. Needs the extra "train"."""
    with errors_to_exit_status(), training_extra():
        from audiotagger.model import shipped_models
        from audiotagger.training.fit import train as train_net

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
            init=shipped_models() / f"{model}.keras" if init is Init.pretrained else None,
        )
        typer.echo(done)


@app.command()
def export(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RUN", help="Run folders. [default: the newest of each net in runs]"),
    ] = None,
    to: Annotated[Path, typer.Option(metavar="DIR", help="Folder the models go to.")] = Path("models"),
) -> None:
    """Convert trained nets to ONNX, once it is certain that they still say the same. Needs the extra "train"."""
    with errors_to_exit_status(), training_extra():
        from audiotagger.training.export import export as export_runs
        from audiotagger.training.export import newest_runs
        from audiotagger.training.fit import RUNS

        for exported in export_runs(runs or newest_runs(RUNS), to):
            typer.echo(f"{exported.path}\t{exported.run}\tdiffers from Keras by {exported.difference:.1e} at most")


@app.command()
def evaluate(
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="DATA", help="Folder with test.csv and audio_test/. [default: AUDIOTAGGER_DATA, else data]"
        ),
    ] = None,
    models: ModelsOption = None,
    split: Annotated[
        Split, typer.Option(help="The test clips, or those of train.csv that training holds out.")
    ] = Split.test,
) -> None:
    """Score the nets and their average on labelled clips that they were not trained on."""
    with errors_to_exit_status():
        from audiotagger.tagger import Tagger
        from audiotagger.training.corpus import TEST_DATA, find_data
        from audiotagger.training.evaluate import evaluate as score
        from audiotagger.training.evaluate import report

        tagger = Tagger.load(models)
        with counter(results_come_last=True) as count:
            results = score(tagger, find_data(data, TEST_DATA), split, count)
        typer.echo(report(results))


@app.command("models")
def list_models(models: ModelsOption = None) -> None:
    """Show which models are installed."""
    with errors_to_exit_status():
        from audiotagger.tagger import Tagger

        for model in Tagger.load(models).models:
            typer.echo(
                f"{model.name}\t{model.kind}\t{len(model.labels)} labels\t{model.sample_rate} Hz\t"
                f"version {model.version}\tvalidation MAP@3 {model.scores['map3']:.3f}\t"
                f"sha256 {model.sha256()}\t{model.path}"
            )
