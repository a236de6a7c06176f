"""Workers that take turns: one that crashes or hangs costs its file, and another takes its place."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from audiotagger.errors import WorkerError
from audiotagger.inference.isolation import LOST, Worker
from audiotagger.inference.worker_process import File


class LostFileError(Exception):
    """A file could not be processed, because its worker could not. `kind` is as that of an `AudioError`."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class Pool:
    """Workers that have all set up the same service, started as they are needed.

    A context manager: no worker outlives it. It may be used from several threads.

    Parameters
    ----------
    function, arguments
        As of `Worker`.
    timeout
        Seconds that a file may take before its worker is killed.
    """

    def __init__(self, function: str, arguments: dict[str, Any], timeout: float) -> None:
        self._function, self._arguments, self._timeout = function, arguments, timeout
        self._lock, self._closed = threading.Lock(), False
        self._workers: set[Worker] = set()
        self._idle: queue.LifoQueue[Worker] = queue.LifoQueue()

    def process(self, file: File, function: Callable[..., object], options: dict[str, Any]) -> Any:
        """Call a function with the service and a file, in a worker that is idle or new.

        Returns
        -------
        Any
            What it returns, or the exception that it, or setting up the service, raises.

        Raises
        ------
        LostFileError
            The worker ended or took too long.
        WorkerError
            The system does not allow another process.
        """
        return self._process(self._take(), file, function, options)

    def start(self) -> Worker:
        """Start a worker, which is idle then. Raises WorkerError if the system does not allow that."""
        worker = self._start()
        self._idle.put(worker)
        return worker

    def _process(self, worker: Worker, file: File, function: Callable[..., object], options: dict[str, Any]) -> Any:
        try:
            worker.ready()
            result = worker.call(file, function, options, self._timeout)
        except WorkerError as error:
            self._discard(worker)
            raise LostFileError("crashed", str(error)) from None
        except TimeoutError:
            self._discard(worker)
            reason = f"not finished within {self._timeout:g} s; leave it out or increase --timeout"
            raise LostFileError("timeout", reason) from None
        except LOST:
            reason = f"its worker process ended ({worker.end()}); it is damaged, or memory ran out"
            self._discard(worker)
            if worker.is_new or not isinstance(file, str):
                raise LostFileError("crashed", reason) from None
            # Perhaps through no fault of the file: killed from outside, or by what an earlier file left in memory.
            return self._process(self._start(), file, function, options)
        worker.is_new = False
        self._idle.put(worker)
        return result

    def _take(self) -> Worker:
        """Return an idle worker, or a new one if there is none."""
        with suppress(queue.Empty):
            while not (worker := self._idle.get_nowait()).is_alive():
                self._discard(worker)
            return worker
        return self._start()

    def _start(self) -> Worker:
        with self._lock:
            if self._closed:
                raise WorkerError("the pool of workers is closed")
            worker = Worker(self._function, self._arguments)
            self._workers.add(worker)
            return worker

    def _discard(self, worker: Worker) -> None:
        with self._lock:
            self._workers.discard(worker)
        worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill all workers."""
        with self._lock:
            self._closed = True
            for worker in self._workers:
                worker.close()
