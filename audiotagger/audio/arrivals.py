"""Find the audio files that appear in a folder, once nothing writes to them any more. Needs the extra "watch"."""

from __future__ import annotations

import os
import queue
import signal
import stat
import threading
import time
from collections.abc import Container, Iterator
from typing import Self

from watchfiles import watch

from audiotagger.audio.discovery import AUDIO_SUFFIXES, find_audio
from audiotagger.errors import WatchError

TICK = 200
"""Milliseconds between two looks at the files that are being written."""

Signature = tuple[int, int, int]
"""Inode, size and time of modification: what changes when somebody writes to a file, or replaces it."""


class Arrivals(Iterator[str]):
    """The audio files of a folder, those that are there and those that will be, without an end.

    A context manager, at whose end the iteration ends too.

    Parameters
    ----------
    folder
        Watched recursively. Paths begin with it, as those that `find_audio` finds.
    settle
        A file is finished if its size and time of modification stay the same for so many seconds and, where the system
        tells (Linux), no process has it open for writing.
    done
        Paths to leave out unless the file changes from now on.

    Yields
    ------
    str
        The path of each finished file; again, if the file is written to later or replaced.

    Raises
    ------
    WatchError
        The folder cannot be watched, or has been removed.
    """

    def __init__(self, folder: str, settle: float, done: Container[str] = ()) -> None:
        self._folder, self._settle, self._done = folder, settle, done
        self._taken: dict[str, Signature] = {}
        self._waiting: dict[str, tuple[Signature, float]] = {}  # and since when it is the same
        self._finished: queue.SimpleQueue[str | BaseException | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def __next__(self) -> str:
        found = self._finished.get()
        if isinstance(found, str):
            return found
        self._finished.put(found)  # it has ended for good
        raise found or StopIteration

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._watch()
            self._finished.put(None)
        except BaseException as error:  # to be raised where the paths are read
            self._finished.put(error)

    def _watch(self) -> None:
        """Watch until the end, or until there is a name that is no text, at which watchfiles fails."""
        watched, scanned = os.path.realpath(self._folder), False
        changes = watch(
            watched,
            watch_filter=None,
            debounce=TICK,
            stop_event=self._stop,
            rust_timeout=TICK,
            yield_on_timeout=True,
            ignore_permission_denied=True,
        )
        try:
            for changed in changes:
                if not scanned:  # only now, so that nothing can appear between the two
                    scanned = True
                    self._look(self._folder)
                    self._done = ()  # what comes from now on is new, whatever its name
                for _, path in changed:
                    relative = os.path.relpath(path, watched)
                    self._look(self._folder if relative == "." else os.path.join(self._folder, relative))
                self._pass_on_finished()
        except (RuntimeError, OSError) as error:
            if "decode path" not in str(error):
                raise WatchError(f"{self._folder}: cannot be watched ({error})") from None
            self._look(self._folder)
            self._pass_on_finished()
            self._stop.wait(TICK / 1000)

    def _look(self, path: str) -> None:
        """Notice a file that is new or has changed, and all that is in a folder, which may have been moved here."""
        if os.path.isdir(path):
            for found in find_audio([path]):
                if isinstance(found, str):
                    self._notice(found)
        elif os.path.splitext(path)[1].lower() in AUDIO_SUFFIXES:
            self._notice(path)

    def _notice(self, path: str) -> None:
        signature = _signature(path)
        if signature is None:
            self._waiting.pop(path, None)
        elif path in self._done and path not in self._taken:
            self._taken[path] = signature
        elif signature not in (self._taken.get(path), self._waiting.get(path, (None,))[0]):
            self._waiting[path] = signature, time.monotonic()

    def _pass_on_finished(self) -> None:
        if not os.path.isdir(self._folder):
            raise WatchError(f"{self._folder}: the folder has been removed; create it and start again")
        for path in list(self._waiting):
            self._notice(path)
            signature, since = self._waiting.get(path, (None, 0.0))
            if signature and time.monotonic() - since >= self._settle and not _is_open_for_writing(path):
                del self._waiting[path]
                self._taken[path] = signature
                self._finished.put(path)


def _signature(path: str) -> Signature | None:
    """Return the signature of a file, None if there is none, such as for a folder or a pipe."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


def _is_open_for_writing(path: str) -> bool:
    """Return whether a process has a file open for writing; False if the system does not tell.

    Linux grants a lease for reading only on a file that nobody has open for writing, to the owner of the file and on
    file systems of this machine.
    """
    try:
        import fcntl

        with open(path, "rb") as file:
            # If somebody opens it meanwhile, Linux sends a signal, by default one that ends the process.
            fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except (ImportError, AttributeError, OSError):
        return False
    return False
