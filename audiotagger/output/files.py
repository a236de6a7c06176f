"""Destinations of results: stdout, a file that is replaced as a whole, or a journal that can be resumed."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO, cast

from audiotagger.audio.discovery import AUDIO_SUFFIXES
from audiotagger.errors import AudioTaggerError, OutputError
from audiotagger.output.leftovers import in_use, remove_leftovers_once


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Replace a file as a whole: whatever happens, there is the old one or the new one.

    Parameters
    ----------
    path
        The file to replace or to make, in a folder that exists. Of a link, what it points to.
    durable
        Whether the new file must also survive a loss of power.

    Yields
    ------
    A path of the same name in a temporary folder beside it. What is there at the end replaces `path`, unless there was
    an exception.

    Raises
    ------
    OSError
        If nothing can be written there.
    """
    import tempfile  # slow to import, and stdout needs none

    path = path.resolve()
    remove_leftovers_once(path.parent)
    with (
        tempfile.TemporaryDirectory(prefix=f".{path.name}.", suffix=".partial", dir=path.parent) as folder,
        in_use(Path(folder)),
        named(path),
    ):
        partial = Path(folder, path.name)
        yield partial
        if path.exists():
            shutil.copymode(path, partial)
        if durable:
            with partial.open("rb+") as file:
                os.fsync(file.fileno())
        partial.replace(path)


FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""System errors for which there is no room for a file."""


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Have errors of a full disk name the file that the user knows, not a half-written copy of it, or none."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise OSError(error.errno, os.strerror(error.errno), str(path)) from None
        if error.errno is None and " requested and " in str(error):  # of how many numbers NumPy could write
            raise OSError(errno.ENOSPC, "the disk is full, or the file too large", str(path)) from None
        raise


@contextmanager
def locked(path: Path, busy: AudioTaggerError) -> Iterator[None]:
    """Hold the lock file `path`, which is left there. Raises `busy` if another process holds it."""
    from filelock import FileLock, Timeout  # too slow to import for a command that locks nothing

    try:
        path.touch()  # or a folder that cannot be written to would look like a lock that is held
    except PermissionError as error:
        raise type(busy)(f"{path}: {error.strerror}; this lock file must be writable") from None
    try:
        lock = FileLock(path).acquire(timeout=0)
    except Timeout:
        raise busy from None
    with lock:
        yield


@contextmanager
def replacing_output(path: Path) -> Iterator[Path]:
    """As `replacing`, for the --output of a command: raises OutputError if the file cannot be made."""
    with ExitStack() as stack:
        try:
            partial = stack.enter_context(replacing(path))
        except OSError as error:
            raise _unwritable(path, error) from None
        yield partial


def check_output(path: Path) -> None:
    """Raise OutputError if `path` cannot be made or replaced: before the work whose result it is to hold."""
    _refuse_audio(path)
    if path.is_dir():
        raise OutputError(f"{path}: a folder; choose another file")
    if path.exists() and not path.is_file():  # a device or a named pipe
        return
    with suppress(_CheckedError), replacing_output(path):
        raise _CheckedError  # there is nothing to replace it with yet


class _CheckedError(Exception):
    pass


STANDARD_STREAMS = {
    path: name
    for number, name in ((1, "stdout"), (2, "stderr"))
    for path in (f"/dev/{name}", f"/dev/fd/{number}", f"/proc/self/fd/{number}")
}
"""They are not opened by these names: they may be files that others write to, and lead elsewhere by now."""


@contextmanager
def open_output(path: Path | None, encoding_errors: str) -> Iterator[TextIO]:
    """Open the destination of results.

    Parameters
    ----------
    path
        The file to replace at the end, even after an error: results so far are valid. None is stdout; a device or a
        named pipe is written to directly.
    encoding_errors
        How to encode names that are not valid text, as of `open`.

    Yields
    ------
    TextIO
        A file to write to.

    Raises
    ------
    OutputError
        The file cannot be written, or is named like an audio file.
    """
    stream = _standard_stream(path or Path("/dev/stdout"))
    if path is None or stream:
        stream.reconfigure(encoding="utf-8", errors=encoding_errors)
        yield stream
        return
    _refuse_audio(path)
    if path.exists() and not path.is_file():  # a device or a named pipe
        with _open(path, "w", encoding_errors) as file:
            yield file
        return
    interrupted: BaseException | None = None
    with replacing_output(path) as partial, partial.open("w", encoding="utf-8", errors=encoding_errors) as file:
        try:
            yield file
        except BaseException as error:
            if isinstance(error, OutputError) or (isinstance(error, OSError) and error.errno in FULL):
                raise  # another destination cannot be opened; what did not fit is lost, flush would not fail again
            interrupted = error
        file.flush()  # raises if the disk is full
    if interrupted:
        raise interrupted


@contextmanager
def open_journal(
    path: Path, encoding_errors: str, resume: bool, retry: Collection[str] = ()
) -> Iterator[tuple[TextIO, set[str]]]:
    """Open a JSON Lines file to append results to.

    An incomplete last line, of a command that was killed, is removed.

    Parameters
    ----------
    path
        The journal, created if missing.
    encoding_errors
        How to encode names that are not valid text, as of `open`.
    resume
        Whether the journal may have results already.
    retry
        Kinds of errors: a path whose last result has one of them is not among the paths.

    Yields
    ------
    tuple
        The open file, and the paths of the results that it has already.

    Raises
    ------
    OutputError
        The file cannot be written, is in use by another process, is not a journal, is named like an audio file, or has
        results and is not to be resumed.
    """
    if stream := _standard_stream(path):
        stream.reconfigure(encoding="utf-8", errors=encoding_errors)
        yield stream, set()
        return
    _refuse_audio(path)
    if path.exists() and not path.is_file():
        with _open(path, "w", encoding_errors) as file:
            yield file, set()
        return
    busy = OutputError(f"{path}: in use by another process; wait for it or give another --output")
    with named(path), _open(path, "a", encoding_errors) as appending, locked(_lock_of(path), busy):
        if path.stat().st_size and not resume:
            raise OutputError(f"{path}: has results already; add --resume to continue, or remove the file")
        yield appending, _paths_in(path, retry)


def _standard_stream(path: Path) -> Any:
    name = STANDARD_STREAMS.get(str(path))
    return name and getattr(sys, name)


def _paths_in(journal: Path, retry: Collection[str]) -> set[str]:
    complete, paths, line = 0, set[str](), b"\n"
    with journal.open("r+b") as file:
        for line in file:
            if line.endswith(b"\n") or is_complete(line):
                complete += len(line)
                path, error = _result_in(line)
                if path and error in retry:
                    paths.discard(path)
                elif path:
                    paths.add(path)
        if not line.endswith(b"\n") and is_complete(line):  # as editors leave it
            file.write(b"\n")
        elif not line.endswith(b"\n"):
            if not line.startswith(b'{"path": "'[: len(line)]):
                raise OutputError(f"{journal}: not a journal of audiotagger's; give another --output")
            file.truncate(complete)
    return paths


def is_complete(line: bytes) -> bool:
    """Return whether a last line without a line end is whole all the same."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _result_in(line: bytes) -> tuple[str | None, str | None]:
    """Return the path of a result and the kind of its error, if it has any."""
    try:
        result = json.loads(line)
        path, error = result["path"], result.get("error")
        kind = error and error["kind"]
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):  # not a result; it is kept
        return None, None
    return (path, kind) if isinstance(path, str) and isinstance(kind, str | None) else (None, None)


def _lock_of(journal: Path) -> Path:
    journal = journal.resolve()
    return journal.with_name(f".{journal.name}.lock")


def _open(path: Path, mode: str, encoding_errors: str) -> TextIO:
    try:
        return cast("TextIO", path.open(mode, encoding="utf-8", errors=encoding_errors))
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path}: {error.strerror or error}; choose another file")


def _refuse_audio(path: Path) -> None:
    if path.suffix.lower() in AUDIO_SUFFIXES:
        raise OutputError(f"{path}: named like an audio file, which --output would replace; give another --output")
