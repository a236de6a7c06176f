"""Work on many items at once and give the results in order."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], jobs: int, cancelled: threading.Event
) -> Iterator[Result]:
    """Yield the function's result for each item, in order, as soon as it is there.

    `jobs` threads work at once; `items` is read only as far as needed, in a thread of its own: items that are slow to
    come do not hold up results. When the caller stops early, `cancelled` is set, which `function` may look at.
    """
    # Twice as many as can run: the next ones start while the first in order still takes its time.
    waiting: queue.Queue[Future[Result] | BaseException | None] = queue.Queue(2 * jobs - 1)

    def feed() -> None:
        try:
            for item in items:
                waiting.put(pool.submit(function, item))
                if cancelled.is_set():
                    return
            waiting.put(None)
        except BaseException as error:  # to be raised where the results are read
            waiting.put(error)

    with ThreadPoolExecutor(jobs) as pool:
        threading.Thread(target=feed, daemon=True).start()
        try:
            while (ready := waiting.get()) is not None:
                if isinstance(ready, BaseException):
                    raise ready
                yield ready.result()
        finally:
            cancelled.set()
            pool.shutdown(wait=False, cancel_futures=True)
            with contextlib.suppress(queue.Empty):  # whatever the thread still wants to put now fits
                while True:
                    waiting.get_nowait()


def available_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
