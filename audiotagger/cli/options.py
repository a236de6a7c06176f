"""Options that several commands share, and how they are read."""

from __future__ import annotations

import itertools
import math
import os
import sys
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from audiotagger.cli.console import print_note

if TYPE_CHECKING:
    from audiotagger.audio.discovery import AudioFiles
    from audiotagger.cli.cluster import Skipped
    from audiotagger.inference.workers import WorkerPool


class Command(TyperCommand):
    """A command whose numbers are finite, and whose help leaves out Python's types of arguments, such as list[str]."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        rest: list[str] = super().parse_args(ctx, args)
        for param in self.get_params(ctx):
            value = ctx.params.get(param.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise typer.BadParameter(f"{value} is not a number", ctx, param)
        return rest

    def get_params(self, ctx: Any) -> list[Any]:
        params: list[Any] = super().get_params(ctx)
        for param in params:
            if param.param_type_name == "argument":
                param.display_type_rich = lambda ctx: None
        return params


ModelsOption = Annotated[
    Path | None,
    typer.Option(
        "--models", metavar="DIR", help="Folder of models. [default: AUDIOTAGGER_MODELS, else the shipped models]"
    ),
]
"""Of every command that uses models."""

DataArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="DATA", help="Labelled clips: a folder or a CSV file. [default: AUDIOTAGGER_DATA, else data]"
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
    str | None,
    typer.Option("--files-from", metavar="FILE", help="Read more paths from FILE (- for stdin), one per line."),
]
NullOption = Annotated[
    bool, typer.Option("--null", "-0", help="Paths in --files-from are NUL-separated (find -print0).")
]
AllOption = Annotated[
    bool,
    typer.Option("--all", "-a", help="Try every file in folders. [default: files with an audio or video suffix]"),
]
JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs", "-j", min=1, metavar="N", help="Number of files processed in parallel. [default: CPU cores]"
    ),
]
TimeoutOption = Annotated[
    float,
    typer.Option(min=0.1, max=1_000_000, metavar="SECONDS", help="Time limit per file; one that exceeds it fails."),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors on stderr.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Print more on stderr, such as the models used.")]
WindowOption = Annotated[
    float | None,
    typer.Option(min=0.1, max=60, metavar="SECONDS", help="Window length in seconds. [default: as in training]"),
]
HopOption = Annotated[
    float | None, typer.Option(min=0.01, metavar="SECONDS", help="Hop length in seconds. [default: the window length]")
]
TopKOption = Annotated[
    int, typer.Option("--top-k", "-k", min=1, metavar="N", help="Maximum number of labels per file.")
]
ThresholdOption = Annotated[
    float,
    typer.Option(
        min=0.0,
        max=1.0,
        metavar="SCORE",
        help="Confidence threshold; below it a file is marked as unsure and has no segments.",
    ),
]
LabelsOption = Annotated[
    str | None,
    typer.Option(
        metavar="LIST|FILE",
        help="Only these labels, with scores renormalized: separated by commas, or a text file with one per line.",
    ),
]
SegmentsOption = Annotated[
    bool, typer.Option("--segments", "-s", help="Output time-stamped labels: start, end, label, score.")
]
ByModelOption = Annotated[bool, typer.Option("--by-model", help="Also output the labels of each model.")]


def find_inputs(
    paths: list[str] | None,
    files_from: str | None,
    null: bool,
    every_file: bool,
    skip: Callable[[str], None] | None = None,
) -> AudioFiles:
    """Return the audio files of PATH arguments, followed by those of --files-from. `skip` is called with the others."""
    from audiotagger.audio.discovery import find_audio, read_names

    named = list(paths or ())
    if not named and files_from is None:
        raise typer.BadParameter("no PATH; give files or folders, or a list of them with --files-from")
    if null and files_from is None:
        raise typer.BadParameter("--null needs --files-from")
    if (named.count("-") + (files_from == "-")) > (sys.stdin is not None):
        raise typer.BadParameter("stdin can be read only once" if sys.stdin else "stdin is closed")
    if files_from is None:
        return find_audio(named, every_file=every_file, skip=skip)
    try:
        # Unbuffered: a name is taken as soon as it is there, and a thread that waits for one does not delay the exit.
        names = open(0 if files_from == "-" else files_from, "rb", buffering=0, closefd=files_from != "-")  # noqa: SIM115
    except OSError as error:
        raise typer.BadParameter(f"{files_from}: {error.strerror}") from None
    return find_audio(itertools.chain(named, read_names(names, null)), every_file=every_file, skip=skip)


def input_counter(
    paths: list[str] | None, files_from: str | None, null: bool, every_file: bool, done: Container[object] = ()
) -> Callable[[], int] | None:
    """Return a function that counts the inputs that are not `done`, or None if they can be read only once."""
    if not _can_be_read_again(paths, files_from):
        return None
    return lambda: sum(path not in done for path in find_inputs(paths, files_from, null, every_file))


def workers_to_start(
    paths: list[str] | None, files_from: str | None, null: bool, every_file: bool, jobs: int | None
) -> int:
    """Return how many workers probably have something to do at once: one per job, but not for fewer inputs."""
    from audiotagger.inference.parallel import available_cores

    jobs = jobs or available_cores()
    if not _can_be_read_again(paths, files_from):
        return 1
    if files_from:
        return jobs
    return len(list(itertools.islice(find_inputs(paths, None, null, every_file), jobs))) or 1


def _can_be_read_again(paths: list[str] | None, files_from: str | None) -> bool:
    is_file = files_from is None or (files_from != "-" and Path(files_from).is_file())
    return is_file and "-" not in (paths or ())


def read_labels(text: str | None) -> list[str] | None:
    """Read the value of --labels: comma-separated labels, or a text file with one label per line."""
    if text is None:
        return None
    separator = ","
    if os.path.isfile(text):  # noqa: PTH113 (unlike Path, it takes any text)
        separator = "\n"
        try:
            text = Path(text).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not a text file"
            raise typer.BadParameter(f"{text}: {reason}") from None
    elif text.endswith(".txt"):
        raise typer.BadParameter(f"{text}: no such file; give labels, separated by commas, or a file of them")
    return [label.strip() for label in text.split(separator) if label.strip()]


@contextmanager
def start_workers(
    models: Path | None, timeout: float, verbose: bool, started: int = 1, **options: Any
) -> Iterator[WorkerPool]:
    """Load the models in `started` worker processes, with the options of `Tagger`."""
    from audiotagger.inference.workers import WorkerPool

    with WorkerPool(timeout, started=started, models=models, **options) as workers:
        try:
            loaded = workers.loaded()
        except (OverflowError, ValueError) as error:
            raise typer.BadParameter(str(error)) from None
        if verbose:
            for model in loaded.models.values():
                print_note(model)
        yield workers


def print_skipped(files: AudioFiles | Skipped, quiet: bool) -> None:
    """Print how many files in folders were skipped."""
    if files.skipped and not quiet:
        number = f"{files.skipped} {'file' if files.skipped == 1 else 'files'}"
        print_note(f"skipped {number} without an audio or video suffix; --all tries every file")


def print_skipped_path(path: str) -> None:
    """Print that a file in a folder is skipped."""
    print_note(f"{path}: skipped")
