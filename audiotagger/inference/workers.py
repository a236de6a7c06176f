"""Tag files in worker processes: a decoder that crashes or hangs costs its file, not the batch."""

from __future__ import annotations

import os
import pickle
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

from audiotagger.errors import AudioError, AudioWarning, WorkerError
from audiotagger.inference.parallel import available_cores, ordered_map
from audiotagger.inference.results import Tagging
from audiotagger.inference.worker import File, embed, name_of, send, tag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

START = "import sys; sys.path[:] = sys.argv[1:]; from audiotagger.inference.worker import serve; serve()"

LOST = (EOFError, OSError, pickle.UnpicklingError)
"""What the parent sees of a worker that has ended: nothing or half an answer."""


PATIENCE = 5
"""Seconds that a process may take to end once it has closed its socket or has been killed."""


class WorkerPool:
    """A `Tagger` in worker processes, one for each file that is processed at the same time.

    They are new Python processes, not forks, so that the parent loads neither models nor decoders, and a worker can be
    replaced whatever threads the parent has. A context manager: no worker outlives it.

    Parameters
    ----------
    timeout
        Seconds that a file may take before its worker is killed.
    options
        Of `Tagger.load`.
    """

    def __init__(self, timeout: float, **options: Any) -> None:
        self._timeout, self._options = timeout, options
        self._lock, self._closed = threading.Lock(), False
        self._workers: set[Worker] = set()
        self._idle: queue.LifoQueue[Worker] = queue.LifoQueue()
        self._first = self._start()  # loads the models while the caller does something else
        self._idle.put(self._first)

    def models(self) -> Sequence[str]:
        """Return a line about each model, once the first worker has loaded them.

        Raises
        ------
        ModelError, ValueError
            As of `Tagger.load`.
        WorkerError
            The worker did not get that far.
        """
        try:
            return self._first.models()
        except LOST:
            end = self._discard(self._first)
            raise WorkerError(
                f"a worker process ended while loading the models ({end}); is there memory left?"
            ) from None

    def tag_files(
        self, files: Iterable[File], *, top_k: int = 3, min_score: float = 0.0, jobs: int | None = None
    ) -> Iterator[Tagging]:
        """Tag files as `Tagger.tag_files` does; the error of a file can also be "crashed" or "timeout"."""
        for path, result in self._map(tag, files, jobs, top_k=top_k, min_score=min_score):
            yield Tagging(path, error=result) if isinstance(result, AudioError) else result

    def embed_files(
        self, files: Iterable[File], *, jobs: int | None = None, warn: Callable[[AudioWarning], object]
    ) -> Iterator[tuple[str, NDArray[np.float32] | AudioError]]:
        """Compute embeddings as `Tagger.embed_files` does, with the errors of `tag_files`."""
        for path, result in self._map(embed, files, jobs):
            if isinstance(result, AudioError):
                yield path, result
                continue
            embedding, warnings = result
            for warning in warnings:
                warn(warning)
            yield path, embedding

    def _map(
        self, function: Callable[..., object], files: Iterable[File], jobs: int | None, **options: Any
    ) -> Iterator[tuple[str, Any]]:
        def process(file: File) -> tuple[str, Any]:
            path = name_of(file)
            worker = self._take()
            try:
                worker.models()
                result = worker.call(file, function, options, self._timeout)
            except TimeoutError:
                self._discard(worker, patience=0)
                message = f"not finished within {self._timeout:g} s; leave it out or increase --timeout"
                return path, AudioError("timeout", f"{path}: {message}")
            except LOST:
                message = f"its worker process ended ({self._discard(worker)}); it is damaged, or memory ran out"
                return path, AudioError("crashed", f"{path}: {message}")
            self._idle.put(worker)
            if isinstance(result, Exception) and not isinstance(result, AudioError):
                raise result
            return path, result

        return ordered_map(process, files, jobs or available_cores(), self.close)

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
            worker = Worker(self._options)
            self._workers.add(worker)
            return worker

    def _discard(self, worker: Worker, patience: float = PATIENCE) -> str:
        with self._lock:
            self._workers.discard(worker)
        return worker.close(patience)

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


class Worker:
    """A process that runs `serve`.

    Parameters
    ----------
    options
        Of `Tagger.load`.

    Raises
    ------
    WorkerError
        The system does not allow another process.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self._socket, theirs = socket.socketpair()
        try:
            with theirs, _signals_blocked():
                self._process = subprocess.Popen(
                    [sys.executable, "-c", START, *sys.path],
                    stdout=theirs.fileno(),
                    stderr=subprocess.DEVNULL,  # decoders comment on damaged files there
                    close_fds=False,  # a path may be /dev/stdin, or /dev/fd/63 for the shell's <(command)
                    env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
                )
        except OSError as error:
            self._socket.close()
            raise WorkerError(f"cannot start a worker process ({error.strerror}); try --jobs 1") from None
        self._stream = self._socket.makefile("rwb")
        self._models: Sequence[str] | None = None
        with suppress(OSError):  # if it has ended already, there will be no answer
            send(self._stream, options)

    def models(self) -> Sequence[str]:
        """Return a line about each model, once they are loaded; raise what `Tagger.load` raised, or one of `LOST`."""
        if self._models is None:
            answer = self._answer(None)
            if isinstance(answer, Exception):
                raise answer
            self._models = answer
        return self._models

    def call(self, file: File, function: Callable[..., object], options: dict[str, Any], timeout: float) -> Any:
        """Call `tag` or `embed`; return its result or its exception. Raises one of `LOST`, such as TimeoutError.

        Of an open file, the worker gets the descriptor. It is sent nothing else before it has answered, so that it does
        not read ahead what comes with a descriptor.
        """
        descriptors = [] if isinstance(file, str) else [file.fileno()]
        socket.send_fds(self._socket, [b"."], descriptors)
        send(self._stream, (None if descriptors else file, function, options))
        return self._answer(timeout)

    def is_alive(self) -> bool:
        """Return whether the process runs."""
        return self._process.poll() is None

    def close(self, patience: float = 0) -> str:
        """Kill the process unless it ends within `patience` seconds; return how it ended, a signal or a status."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):  # while it waits for a dead network drive, it cannot be killed
            self._process.wait(PATIENCE)
        with suppress(OSError):
            self._stream.close()
        self._socket.close()
        status = self._process.returncode
        return f"status {status}" if status is None or status >= 0 else signal.Signals(-status).name

    def _answer(self, timeout: float | None) -> Any:
        self._socket.settimeout(timeout)
        try:
            return pickle.load(self._stream)
        finally:
            self._socket.settimeout(None)


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Let the workers started meanwhile ignore what their process group is sent, to which the parent responds."""
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
