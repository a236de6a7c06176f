"""The terminal: one line per error, exit statuses, progress."""

from __future__ import annotations

import errno
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import typer

from audiotagger.errors import AudioTaggerError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


def print_note(text: str) -> None:
    """Print one line on stderr."""
    from audiotagger.output.writers import printable

    sys.stderr.write(f"audiotagger: {printable(text)}\n")  # at once: other threads may print too


def print_error(error: Exception) -> None:
    """Print an error as one line on stderr."""
    print_note(str(error))


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP: to be treated as Ctrl-C, but for the exit status."""


def _terminate(number: int, _: object) -> None:
    raise Terminated(number)


@contextmanager
def _terminations_as_interrupts() -> Iterator[None]:
    """Let SIGTERM and SIGHUP, unless they are ignored, end a command as Ctrl-C does: nothing is left half done."""
    numbers = [signal.Signals[name] for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is threading.main_thread():
        default = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    else:
        default = []  # only the main thread receives signals
    for number in default:
        signal.signal(number, _terminate)
    try:
        yield
    finally:
        for number in default:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def _interrupts_as_such() -> Iterator[None]:
    """Raise an interrupt again that C code, such as a module that was being imported, has made another exception of."""
    try:
        yield
    except (AudioTaggerError, OSError):
        raise
    except Exception as error:
        cause = error.__cause__ or error.__context__
        while cause:
            if isinstance(cause, KeyboardInterrupt):
                raise cause from None
            cause = cause.__cause__ or cause.__context__
        raise


@contextmanager
def errors_to_exit_status() -> Iterator[None]:
    """Turn errors into one line on stderr and an exit status; SIGTERM and SIGHUP end the command as Ctrl-C does."""
    try:
        with _terminations_as_interrupts(), _interrupts_as_such():
            yield
    except AudioTaggerError as error:
        print_error(error)
        raise typer.Exit(error.exit_status) from None
    except KeyboardInterrupt as interrupt:
        number = interrupt.args[0] if isinstance(interrupt, Terminated) else signal.SIGINT
        raise typer.Exit(128 + number) from None
    except MemoryError:
        print_note("memory ran out; free some or raise the limit")
        raise typer.Exit(1) from None
    except OSError as error:
        # Or Python would report the error once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # the reader has closed it
            raise typer.Exit(141) from None
        remedy = "; make room and try again" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else ""
        print_note(f"{error.filename or 'output'}: {error.strerror or error}{remedy}")
        raise typer.Exit(1) from None


@contextmanager
def training_extra() -> Iterator[None]:
    """Import Keras and its backend without their log messages.

    Raises ExtraError where the extra "train" or the backend is missing. With another backend in KERAS_BACKEND,
    TensorFlow may be.
    """
    from importlib.util import find_spec

    from audiotagger.errors import ExtraError
    from audiotagger.extras import extra_error, missing_packages, silent_stderr

    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if backend not in ("tensorflow", "torch", "jax"):
        raise ExtraError(f"KERAS_BACKEND is {backend}; training needs tensorflow, torch or jax")
    if backend != "tensorflow" and find_spec(backend) is None:
        raise ExtraError(f"KERAS_BACKEND is {backend}, which is not installed; install it or unset KERAS_BACKEND")
    replaceable = set() if backend == "tensorflow" else {"tensorflow", "tf2onnx"}
    if missing := [package for package in missing_packages("train") if package not in replaceable]:
        raise extra_error("train", "training", missing)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with silent_stderr():  # some of TensorFlow's messages heed no setting
            import keras  # noqa: F401
        yield
    except ModuleNotFoundError as error:  # a package of a package, or one that an older installation does not know of
        raise extra_error("train", "training", [str(error.name)]) from None


def mute_c_libraries() -> None:
    """Keep what C libraries print from stdout and stderr, until the process ends.

    libmpg123 comments on damaged MP3 files on stderr, libsndfile on damaged SDS files on stdout, without naming the
    file, and neither has a setting against it. From now on file descriptors 1 and 2 lead nowhere, and `sys.stdout` and
    `sys.stderr` to where they led: no other thread loses a line, as it could if a descriptor were redirected during
    each call.
    """
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        try:
            if stream.fileno() != number:
                continue
        except (AttributeError, OSError):  # closed, or no file of the system
            continue
        stream.flush()
        buffering = 1 if stream.line_buffering else -1
        kept = os.fdopen(os.dup(number), "w", buffering, encoding=stream.encoding, errors=stream.errors)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)
        setattr(sys, name, kept)


def stderr_console() -> Console:
    """Return a console that prints on stderr, and leaves it to the terminal to wrap long lines."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


@contextmanager
def byte_counter() -> Iterator[Callable[[str, int, int], None]]:
    """Show the progress of a download on a terminal; call the result with a name and its (done, total) bytes."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=stderr_console(), transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda name, done, total: progress.update(task, description=name, completed=done, total=total)


class Counter:
    """A progress bar on stderr; without `progress`, nothing is shown.

    Call it for each finished file, or with the numbers of finished and of all files.
    """

    def __init__(self, progress: Progress | None = None, hide: bool = False) -> None:
        self._progress, self._hide = progress, hide
        if progress:
            self._task = progress.add_task("files", total=None)

    def __call__(self, done: int | None = None, total: int | None = None) -> None:
        if self._progress:
            self._progress.update(self._task, advance=1 if done is None else None, completed=done, total=total)

    def expect(self, total: Callable[[], int]) -> None:
        """Find out the number of all files in a thread, while the first ones are processed."""
        if self._progress:
            update, task = self._progress.update, self._task
            threading.Thread(target=lambda: update(task, total=total()), daemon=True).start()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Take the bar off a terminal that it shares with results, while one is printed."""
        if self._progress and self._hide:
            self._progress.stop()
        yield
        if self._progress and self._hide:
            self._progress.start()


@contextmanager
def counter(results: TextIO | None = None, quiet: bool = False) -> Iterator[Counter]:
    """Count finished files on a terminal, with the time left once their number is known.

    Parameters
    ----------
    results
        Where results go meanwhile. Through a pipe, they may reach the terminal at any time and would mix with the bar,
        so it is not shown.
    quiet
        Show nothing.
    """
    mode = os.fstat(results.fileno()).st_mode if results and sys.stderr.isatty() else stat.S_IFREG
    if quiet or not sys.stderr.isatty() or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        yield Counter()
        return
    from rich import progress as bars
    from rich.text import Text

    class TimeLeft(bars.TimeRemainingColumn):
        def render(self, task: bars.Task) -> Text:
            return Text.assemble("(", super().render(task), " left)") if task.time_remaining else Text()

    columns = (
        bars.SpinnerColumn(),
        bars.BarColumn(20),
        bars.MofNCompleteColumn(),
        bars.TimeElapsedColumn(),
        TimeLeft(),
    )
    # redirect_stdout would send results to stderr.
    with bars.Progress(*columns, console=stderr_console(), transient=True, redirect_stdout=False) as progress:
        yield Counter(progress, hide=results is not None and results.isatty())
