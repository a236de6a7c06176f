"""The command line. A command is imported when it is used, and imports what it needs when it runs: --help is quick.

For the same reason modules of commands do without `from __future__ import annotations`: Typer would have to compile the
annotations of the command each time.
"""

import importlib
import io
import sys
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from audiotagger import __version__
from audiotagger.cli.console import errors_to_exit_status, print_note
from audiotagger.cli.options import Command

SUMMARIES = {
    "tag": "Tag audio files with their most probable labels.",
    "show": "Show the labels and the spectrogram of a file.",
    "report": "Write results of `audiotagger tag` as a page for the browser.",
    "embed": "Compute an embedding vector per file, for search and clustering.",
    "watch": "Tag the files of a folder, and new ones as they arrive.",
    "listen": "Tag what a microphone records.",
    "serve": "Tag audio over HTTP.",
    "train": "Train a model on a labelled dataset.",
    "runs": "List training runs with their progress and validation scores.",
    "export": "Export trained models to ONNX, checked against Keras.",
    "evaluate": "Evaluate the models and their ensemble on a labelled dataset.",
    "models": "List and verify models.",
    "data": "Validate and download training datasets.",
}
"""By name of each command, which is in the module of this name: the first line of its help."""


class LazyCommands(Mapping[str, Any]):
    """The commands by name. The module of one is imported on access: `app` if it is a group, else its function."""

    def __getitem__(self, name: str) -> Any:
        if name not in SUMMARIES:
            raise KeyError(name)
        module = importlib.import_module(f"audiotagger.cli.{name}")
        group = getattr(module, "app", None) or typer.Typer(add_completion=False, rich_markup_mode=None)
        if not hasattr(module, "app"):
            group.command(cls=Command)(getattr(module, name))
        return typer.main.get_command(group)

    def __iter__(self) -> Iterator[str]:
        return iter(SUMMARIES)

    def __len__(self) -> int:
        return len(SUMMARIES)


class CommandGroup(TyperGroup):
    """The group of all commands, which lists them without importing them."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: Any = LazyCommands()

    def list_commands(self, ctx: Any) -> list[str]:
        return list(SUMMARIES)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


app = typer.Typer(
    name="audiotagger",
    cls=CommandGroup,
    help="Tag audio files with sound labels.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(requested: bool) -> None:
    if not requested:
        return
    typer.echo(f"audiotagger {__version__}")
    with errors_to_exit_status():
        from audiotagger.inference.tagger import Tagger

        for model in Tagger.load().models:
            typer.echo(f"{model.name} {model.version}")
    raise typer.Exit()


@app.callback()
def main(  # noqa: D103 (its docstring would be shown as help)
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the versions of program and models."),
    ] = False,
) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")  # names that are no text come out as the bytes they are
    if sys.stdout is None or sys.stderr is None:  # closed by the caller: results or errors would be lost
        if sys.stderr:
            print_note("stdout is closed; redirect it to a file or to /dev/null")
        raise typer.Exit(2)
