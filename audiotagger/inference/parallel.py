"""Process many items in parallel, with the results in order."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar, cast

from audiotagger.audio.discovery import name_of
from audiotagger.errors import AudioError, AudioTaggerError

if TYPE_CHECKING:
    from audiotagger.audio.types import AudioFile

Item = TypeVar("Item")
Result = TypeVar("Result")

_Outcome = tuple[Result | None, BaseException | None]
"""What a function returned, or what it raised."""


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], jobs: int, cancel: Callable[[], object]
) -> Iterator[Result]:
    """Apply a function to items in parallel threads.

    Parameters
    ----------
    function
        Called with one item at a time in each thread.
    items
        Read in a thread of its own and only as far as needed, so that slow items do not delay results.
    jobs
        Number of threads.
    cancel
        Called at the end, also if the caller stops early: it should make running calls of `function` return soon.

    Yields
    ------
    Result
        The function's result for each item, in order, as soon as it is ready.

    Raises
    ------
    BaseException
        Whatever `function` or `items` raises, in place of the result.
    """
    # Not an executor: concurrent.futures imports logging, which shows in the time that tagging one file takes.
    ended = threading.Event()
    todo: queue.SimpleQueue[tuple[Item, queue.SimpleQueue[_Outcome[Result]]] | None] = queue.SimpleQueue()
    # Twice as many as can run: the next ones start while the first in order is still running.
    waiting: queue.Queue[queue.SimpleQueue[_Outcome[Result]] | BaseException | None] = queue.Queue(2 * jobs - 1)

    def feed() -> None:
        try:
            for item in items:
                outcome = queue.SimpleQueue[_Outcome[Result]]()
                todo.put((item, outcome))
                waiting.put(outcome)
                if ended.is_set():
                    return
            waiting.put(None)
        except BaseException as error:  # to be raised where the results are read
            waiting.put(error)

    def work() -> None:
        while (task := todo.get()) and not ended.is_set():
            item, outcome = task
            try:
                outcome.put((function(item), None))
            except BaseException as error:
                outcome.put((None, error))

    threads = list[threading.Thread]()
    try:
        for _ in range(jobs):
            thread = threading.Thread(target=work, daemon=True)
            thread.start()
            threads.append(thread)
        threading.Thread(target=feed, daemon=True).start()
        while (ready := waiting.get()) is not None:
            if isinstance(ready, BaseException):
                raise ready
            result, error = ready.get()
            if error is not None:
                raise error
            yield cast(Result, result)
    finally:
        ended.set()
        cancel()
        with contextlib.suppress(queue.Empty):  # makes room for what the thread is about to put
            while True:
                waiting.get_nowait()
        for _ in threads:
            todo.put(None)
        for thread in threads:
            thread.join()


def map_files(
    function: Callable[[AudioFile, threading.Event], Result], files: Iterable[AudioFile], jobs: int | None
) -> Iterator[tuple[str, Result | AudioError]]:
    """Apply a function to audio files in parallel threads: an error of one of them is its result.

    Parameters
    ----------
    function
        Called with a file, and an event after which nobody needs the result any more.
    files
        As the items of `ordered_map`.
    jobs
        Number of threads, by default the CPU cores that this process may use.

    Yields
    ------
    tuple
        What messages call the file, and the function's result for it or its error, in order.
    """
    cancelled = threading.Event()

    def process(file: AudioFile) -> tuple[str, Result | AudioError]:
        name = name_of(file)
        try:
            return name, function(file, cancelled)
        except AudioError as error:
            return name, error
        except AudioTaggerError:  # of the models, not of this file
            raise
        except Exception as error:  # a failing disk, a bug in a decoder
            reason = (isinstance(error, OSError) and error.strerror) or repr(error)
            return name, AudioError("unreadable", f"{name}: cannot be read ({reason}); check the file and the disk")

    return ordered_map(process, files, jobs or available_cores(), cancelled.set)


def available_cores() -> int:
    """Return the number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
