"""Do work in another process: what crashes or hangs there does so alone.

A worker sets a service up, such as a `Tagger`, then calls functions with it for one file at a time. It is a new Python
process, not a fork: its parent may have threads, and need not load what the service needs.

Messages are pickled, in both directions over one socket: the name of the function that sets the service up, with its
arguments, and an answer; from then on a job and its result. Instead of either there may be an exception.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

from audiotagger.errors import WorkerError
from audiotagger.inference.worker_process import File, send

START = """
import gc, sys
gc.disable()  # imports leave no garbage
sys.path[:] = sys.argv[1:]
from audiotagger.inference.worker_process import serve
serve()
"""

ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 27),
}
"""Of workers. A file gets the memory of the one before: new pages for each array would take as long as decoding."""

LOST = (EOFError, OSError, pickle.UnpicklingError)
"""What the parent sees of a worker that has ended, or that takes too long: nothing or half an answer."""

PATIENCE = 5
"""Seconds that a process may take to end once it has closed its socket or has been killed."""

SETUP_TIMEOUT = 600
"""Seconds that loading models may take: a file from elsewhere may hold what takes for ever to compute."""


class Worker:
    """A process that runs `serve`. A context manager, which kills it.

    Parameters
    ----------
    function
        The function that it sets its service up with, as "module:name".
    arguments
        Of that function.

    Raises
    ------
    WorkerError
        The system does not allow another process.
    """

    def __init__(self, function: str, arguments: dict[str, Any]) -> None:
        self._socket, theirs = socket.socketpair()
        try:
            with theirs, _signals_blocked():
                self._process = subprocess.Popen(
                    [sys.executable, "-c", START, *sys.path],
                    stdout=theirs.fileno(),
                    stderr=subprocess.DEVNULL,  # decoders comment on damaged files there
                    close_fds=False,  # a path may be /dev/stdin, or /dev/fd/63 for the shell's <(command)
                    env=os.environ | ENVIRONMENT,
                )
        except OSError as error:
            self._socket.close()
            raise WorkerError(f"cannot start a worker process ({error.strerror}); try --jobs 1") from None
        self._stream = self._socket.makefile("rwb")
        self._ready: list[Any] = []
        """The answer of the function, once it is there."""
        self.is_new = True
        """Whether it has not yet processed a file."""
        with suppress(OSError):  # if it has ended already, there will be no answer
            send(self._stream, (function, arguments))

    def ready(self) -> Any:
        """Return the answer of the function once it is there.

        Raises
        ------
        Exception
            What the function raised.
        WorkerError
            The process did not get that far.
        """
        if not self._ready:
            try:
                self._ready.append(self._answer(SETUP_TIMEOUT))
            except TimeoutError:
                message = f"a worker process was not ready within {SETUP_TIMEOUT} s; check the models"
                raise WorkerError(message) from None
            except LOST:
                raise WorkerError(
                    f"a worker process ended ({self.end()}) while starting; free memory, or check the models"
                ) from None
        (answer,) = self._ready
        if isinstance(answer, Exception):
            raise answer
        return answer

    def call(self, file: File, function: Callable[..., object], options: dict[str, Any], timeout: float) -> Any:
        """Call a function with the service and a file; return its result or its exception. Raises one of `LOST`.

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

    def end(self) -> str:
        """Return how a process ended that has closed its socket: a signal or a status."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        status = self._process.returncode
        return f"status {status}" if status is None or status >= 0 else signal.Signals(-status).name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill the process."""
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):  # while it waits for a dead network drive, it cannot be killed
            self._process.wait(PATIENCE)
        with suppress(OSError):
            self._stream.close()
        self._socket.close()

    def _answer(self, timeout: float) -> Any:
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
