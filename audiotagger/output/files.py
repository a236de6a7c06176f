"""Destinations of results: stdout, a file that is replaced as a whole, or a journal that can be resumed."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TextIO, cast

from audiotagger.audio.discovery import AUDIO_SUFFIXES
from audiotagger.errors import OutputError

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]


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
    with replacing(path) as partial, partial.open("w", encoding="utf-8", errors=encoding_errors) as file:
        try:
            yield file
        except BaseException as error:
            interrupted = error
        file.flush()  # raises if the disk is full
    if interrupted:
        raise interrupted


@contextmanager
def open_journal(path: Path, encoding_errors: str, resume: bool) -> Iterator[tuple[TextIO, set[str]]]:
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
    with _open(path, "a", encoding_errors) as appending:
        if not lock(appending):
            raise OutputError(f"{path}: in use by another process; wait for it or give another --output")
        if path.stat().st_size and not resume:
            raise OutputError(f"{path}: has results already; add --resume to continue, or remove the file")
        yield appending, _paths_in(path)


def _standard_stream(path: Path) -> Any:
    name = STANDARD_STREAMS.get(str(path))
    return name and getattr(sys, name)


def lock(file: IO[Any]) -> bool:
    """Lock an open file until it is closed; return False if another process has locked it."""
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _paths_in(journal: Path) -> set[str]:
    complete, paths, line = 0, set(), b"\n"
    with journal.open("r+b") as file:
        for line in file:
            if line.endswith(b"\n"):
                complete += len(line)
                paths |= _path_in(line)
        if not line.endswith(b"\n"):
            if not line.startswith(b'{"path": "'[: len(line)]):
                raise OutputError(f"{journal}: not a journal of audiotagger's; give another --output")
            file.truncate(complete)
    return paths


def _path_in(line: bytes) -> set[str]:
    try:
        return {json.loads(line)["path"]}
    except (ValueError, KeyError, TypeError):  # not a result; it is kept
        return set()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Replace a file as a whole, or not at all if an error occurs.

    Parameters
    ----------
    path
        The file to replace or create; its permissions are kept.

    Yields
    ------
    Path
        Where to write the new content: a temporary file in the same folder.

    Raises
    ------
    OutputError
        The folder cannot be written to.
    """
    path = path.resolve()
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    _open(partial, "w", "strict", shown=path).close()
    try:
        if path.exists():
            shutil.copymode(path, partial)
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _open(path: Path, mode: str, encoding_errors: str, shown: Path | None = None) -> TextIO:
    try:
        return cast("TextIO", path.open(mode, encoding="utf-8", errors=encoding_errors))
    except OSError as error:
        raise OutputError(f"{shown or path}: {error.strerror or error}; give another --output") from None


def _refuse_audio(path: Path) -> None:
    if path.suffix.lower() in AUDIO_SUFFIXES:
        raise OutputError(f"{path}: named like an audio file, which --output would replace; give another --output")
