"""What every command shares: one line an error, exit statuses, counters; nothing here knows about audio."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import typer

from audiotagger.errors import AudioTaggerError

if TYPE_CHECKING:
    from rich.console import Console


def print_note(text: str) -> None:
    """Print one line on stderr."""
    from audiotagger.output.writers import printable

    print(f"audiotagger: {printable(text)}", file=sys.stderr)


def print_error(error: Exception) -> None:
    """Print what went wrong, as one line on stderr."""
    print_note(str(error))


@contextmanager
def errors_to_exit_status() -> Iterator[None]:
    """Turn what a user can mend into one line on stderr, and every early end into its exit status."""
    try:
        yield
    except AudioTaggerError as error:
        print_error(error)
        raise typer.Exit(error.exit_status) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except OSError as error:
        # Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # the reader has gone
            raise typer.Exit(141) from None
        print_note(f"{error.filename or 'output'}: {error.strerror or error}")
        raise typer.Exit(1) from None


@contextmanager
def training_extra() -> Iterator[None]:
    """Import TensorFlow without its log messages. Raises ExtraError where the extra "train" is incomplete."""
    from audiotagger.extras import extra_error, require_extra

    require_extra("train", "training")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with _silent_stderr():  # some of its messages heed no setting
            import tensorflow  # noqa: F401
        yield
    except ModuleNotFoundError as error:  # a package of a package, or one that an older installation does not know of
        raise extra_error("train", "training", [str(error.name)]) from None


@contextmanager
def _silent_stderr() -> Iterator[None]:
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def stderr_console() -> Console:
    """Return a console for what is not a result."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


@contextmanager
def byte_counter() -> Iterator[Callable[[str, int, int], None]]:
    """A function to call with a name and (done, total) bytes of it, that shows them on a terminal."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=stderr_console(), transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda name, done, total: progress.update(task, description=name, completed=done, total=total)


@contextmanager
def counter(results: TextIO | None = None, quiet: bool = False) -> Iterator[Any]:
    """A function to call for each file, with (done, total) where known, that counts on a terminal.

    `results` that come meanwhile must go to a file: on the terminal, through a pipe perhaps, the two would mix.
    """
    if quiet or not sys.stderr.isatty() or (results and not stat.S_ISREG(os.fstat(results.fileno()).st_mode)):
        yield lambda *_: None
        return
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # What goes to stdout must go there: rich would show it above the bar, on stderr.
    with Progress(*columns, console=stderr_console(), transient=True, redirect_stdout=False) as progress:
        task = progress.add_task("files", total=None)

        def count(done: int | None = None, total: int | None = None) -> None:
            progress.update(task, advance=None if done else 1, completed=done, total=total)

        yield count
