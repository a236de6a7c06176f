"""Options that several commands share, and what they mean."""

from __future__ import annotations

import itertools
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiotagger.cli.console import print_note

if TYPE_CHECKING:
    from audiotagger.audio.discovery import AudioFiles
    from audiotagger.inference.tagger import Tagger

ModelsOption = Annotated[
    Path | None,
    typer.Option(
        "--models", metavar="DIR", help="Folder of models. [default: AUDIOTAGGER_MODELS, else the shipped ones]"
    ),
]
"""Of every command that uses models."""

DataArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="[DATA]", help="Labelled clips: a folder or a CSV file. [default: AUDIOTAGGER_DATA, else data]"
    ),
]
"""Of every command that reads a dataset."""


class ListFormat(StrEnum):  # noqa: D101
    table = "table"
    json = "json"


ListFormatOption = Annotated[ListFormat, typer.Option("--format", "-f", help="A table to read, or JSON for programs.")]
"""Of commands that list something."""

PathsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH", help="Audio files, folders (recursive), globs, or - for audio on stdin."),
]
FilesFromOption = Annotated[
    str | None, typer.Option("--files-from", metavar="FILE", help="Take more paths from FILE, one a line; - for stdin.")
]
NullOption = Annotated[bool, typer.Option("--null", "-0", help="They end in NUL, as those of find -print0 do.")]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, help="Files worked on at once. [default: the cores at hand]")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Nothing on stderr but errors.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="More on stderr, such as which nets are used.")]
WindowOption = Annotated[
    float | None, typer.Option(min=0.1, max=60, help="Seconds heard at once. [default: what the nets were trained for]")
]
HopOption = Annotated[float | None, typer.Option(min=0.01, help="Seconds from window to window. [default: a window]")]


def inputs(paths: list[str] | None, files_from: str | None, null: bool) -> AudioFiles:
    """The files that a command's PATHs mean, then those that a list of files names."""
    from audiotagger.audio.discovery import find_audio, read_names

    named = list(paths or ())
    if not named and files_from is None:
        raise typer.BadParameter("no PATH; name files or folders, or a list of them with --files-from")
    if null and files_from is None:
        raise typer.BadParameter("--null says how the names in --files-from end")
    if (named.count("-") + (files_from == "-")) > (sys.stdin is not None):
        raise typer.BadParameter("there is only one standard input, or none at all")
    if files_from is None:
        return find_audio(named)
    try:
        # Unbuffered: a name is taken when it is there, and a thread that waits for one does not hold up the exit.
        names = open(0 if files_from == "-" else files_from, "rb", buffering=0, closefd=files_from != "-")  # noqa: SIM115
    except OSError as error:
        raise typer.BadParameter(f"{files_from}: {error.strerror}") from None
    return find_audio(itertools.chain(named, read_names(names, null)))


def load(models: Path | None, verbose: bool, **options: Any) -> Tagger:
    """The tagger that a command's options ask for."""
    from audiotagger.inference.tagger import Tagger

    try:
        tagger = Tagger.load(models, **options)
    except (OverflowError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    if verbose:
        for model in tagger.models:
            print_note(f"{model.path}: {model.kind} net of {model.version}")
    return tagger


def tell_skipped(files: AudioFiles, quiet: bool) -> None:
    """Say how many files of folders were left out."""
    if files.skipped and not quiet:
        print_note(f"skipped {files.skipped} {'file that holds' if files.skipped == 1 else 'files that hold'} no audio")
