"""Where results go: standard output, a file that appears as a whole, or a journal that a later run goes on with."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from audiotagger.errors import OutputError


@contextmanager
def open_output(path: Path | None, encoding_errors: str) -> Iterator[TextIO]:
    """Yield the file that results are written to: stdout, or a new one that replaces `path` as a whole at the end.

    It replaces it even when the work was interrupted: what is in it until then is valid and would be lost. Raises
    OutputError if it cannot be written.
    """
    if path is None:
        sys.stdout.reconfigure(encoding="utf-8", errors=encoding_errors)  # type: ignore[union-attr]
        yield sys.stdout
        return
    if path.exists() and not path.is_file():  # a device, a named pipe: nothing to replace
        with path.open("w", encoding="utf-8", errors=encoding_errors) as file:
            yield file
        return
    with replacing(path) as partial, partial.open("w", encoding="utf-8", errors=encoding_errors) as file:
        yield file


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; what is there at the end replaces `path`, unless writing failed.

    Raises OutputError if nothing can be written there.
    """
    path = path.resolve()
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.touch()
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror}; give another --output") from None
    try:
        yield partial
    except OSError:  # the disk is full: what is there may end anywhere
        partial.unlink()
        raise
    finally:
        if partial.exists():
            partial.replace(path)


@contextmanager
def open_journal(path: Path, encoding_errors: str, resume: bool) -> Iterator[tuple[TextIO, set[str]]]:
    """Yield a JSON Lines file to append to, and the paths it holds already.

    A last line that was cut off when an earlier run was killed is removed first. Raises OutputError if the file cannot
    be written, or if it holds something and was not to be resumed.
    """
    try:
        with path.open("r+b" if path.exists() else "w+b") as file:
            held = file.seek(0, os.SEEK_END)
            if held and not resume:
                raise OutputError(f"{path}: holds results already; add --resume to go on with it or remove it")
            file.seek(0)
            whole, done = 0, set()
            for line in file:
                if line.endswith(b"\n"):
                    whole += len(line)
                    done |= _path_in(line)
            file.truncate(whole)
        appending = path.open("a", encoding="utf-8", errors=encoding_errors)
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror}; give another --output") from None
    with appending:
        yield appending, done


def _path_in(line: bytes) -> set[str]:
    try:
        return {json.loads(line)["path"]}
    except (ValueError, KeyError, TypeError):  # not ours; it stays where it is
        return set()
