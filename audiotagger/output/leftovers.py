"""What processes that were killed left behind: half-written copies, which are locked while somebody works on them."""

from __future__ import annotations

import functools
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None  # type: ignore[assignment]

COPY = re.compile(r"\.audiotagger-\w+\.partial")
"""A file beside the audio file that it is to replace."""

FOLDER = re.compile(r"\.(.+)\.\w{8}\.partial")
"""A folder with a file that is to replace the one of the same name beside the folder; that of an export has several."""

JUST_NOW = 60
"""Seconds: what is younger and empty may have been created just now, to be locked next."""


def lock(descriptor: int) -> bool:
    """Lock an open file or folder until it is closed; return False if another process has locked it.

    Not a filelock: that empties the file that it locks.
    """
    try:
        if fcntl:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def in_use(folder: Path) -> Iterator[None]:
    """Lock a folder whose name is like `FOLDER`."""
    if not fcntl:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left in a folder."""
    if not fcntl:
        return
    with suppress(OSError):
        for entry in os.scandir(folder):
            if COPY.fullmatch(entry.name) or (FOLDER.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)):
                with suppress(OSError):
                    _remove(Path(entry.path))


remove_leftovers_once = functools.cache(remove_leftovers)
"""Once per folder: listing one for each of its files would take long."""


def _remove(leftover: Path) -> None:
    descriptor = os.open(leftover, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        if not lock(descriptor):
            return
        status = os.fstat(descriptor)
        if leftover.is_file():
            if status.st_size or time.time() - status.st_ctime > JUST_NOW:
                leftover.unlink()
            return
        held, named = {path.name for path in leftover.iterdir()}, FOLDER.fullmatch(leftover.name)
        ours = named and (held <= {named[1]} or named[1] == "export")
        if ours and (held or time.time() - status.st_ctime > JUST_NOW):
            shutil.rmtree(leftover)
    finally:
        os.close(descriptor)
