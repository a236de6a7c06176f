"""Where results go: standard output, a file that appears as a whole, or a journal that a later run goes on with."""

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


@contextmanager
def open_output(path: Path | None, encoding_errors: str) -> Iterator[TextIO]:
    """Yield the file that results are written to: stdout, or a new one that replaces `path` as a whole at the end.

    It replaces it even when the work was interrupted: what is in it until then is valid and would be lost. Raises
    OutputError if nothing can be written there.
    """
    if path is None or path == Path("/dev/stdout"):  # which may be a file that others have written to
        sys.stdout.reconfigure(encoding="utf-8", errors=encoding_errors)  # type: ignore[union-attr]
        yield sys.stdout
        return
    _refuse_audio(path)
    if path.exists() and not path.is_file():  # a device, a named pipe: nothing to replace
        with _open(path, "w", encoding_errors) as file:
            yield file
        return
    interrupted: BaseException | None = None
    with replacing(path) as partial, partial.open("w", encoding="utf-8", errors=encoding_errors) as file:
        try:
            yield file
        except BaseException as error:
            interrupted = error
        file.flush()  # a full disk shows here
    if interrupted:
        raise interrupted


@contextmanager
def open_journal(path: Path, encoding_errors: str, resume: bool) -> Iterator[tuple[TextIO, set[str]]]:
    """Yield a JSON Lines file to append to, and the paths it holds already.

    A last line that was cut off when an earlier run was killed is removed first. Raises OutputError if the file cannot
    be written, if another run writes to it, if it is no journal, or if it holds something and was not to be resumed.
    """
    _refuse_audio(path)
    if path.exists() and not path.is_file():
        with _open(path, "w", encoding_errors) as file:
            yield file, set()
        return
    with _open(path, "a", encoding_errors) as appending:
        if not lock(appending):
            raise OutputError(f"{path}: another run writes to it; wait for it, or give another --output")
        if path.stat().st_size and not resume:
            raise OutputError(f"{path}: holds results already; add --resume to go on with it or remove it")
        yield appending, _held_by(path)


def lock(file: IO[Any]) -> bool:
    """Keep other processes from locking this open file until it is closed. False if one of them has."""
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _held_by(journal: Path) -> set[str]:
    whole, held, line = 0, set(), b"\n"
    with journal.open("r+b") as file:
        for line in file:
            if line.endswith(b"\n"):
                whole += len(line)
                held |= _path_in(line)
        if not line.endswith(b"\n"):
            if not line.startswith(b'{"path": "'[: len(line)]):
                raise OutputError(f"{journal}: ends in something that is no result; is it a journal of audiotagger's?")
            file.truncate(whole)
    return held


def _path_in(line: bytes) -> set[str]:
    try:
        return {json.loads(line)["path"]}
    except (ValueError, KeyError, TypeError):  # not ours; it stays where it is
        return set()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; what is there at the end replaces `path`, unless something went wrong.

    Raises OutputError if nothing can be written there.
    """
    path = path.resolve()
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    _open(partial, "w", "strict", called=path).close()
    try:
        if path.exists():
            shutil.copymode(path, partial)
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _open(path: Path, mode: str, encoding_errors: str, called: Path | None = None) -> TextIO:
    try:
        return cast("TextIO", path.open(mode, encoding="utf-8", errors=encoding_errors))
    except OSError as error:
        raise OutputError(f"{called or path}: {error.strerror or error}; give another --output") from None


def _refuse_audio(path: Path) -> None:
    if path.suffix.lower() in AUDIO_SUFFIXES:
        raise OutputError(f"{path}: is called as audio is; name the file for the results after --output")
