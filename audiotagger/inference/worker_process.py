"""What runs in a worker process: set a service up, then call functions with it for one file at a time."""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import queue
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

from audiotagger.audio.discovery import name_of
from audiotagger.errors import AudioError, AudioTaggerError, WorkerError

if TYPE_CHECKING:
    from io import BufferedRWPair

File = str | BinaryIO

Job = tuple[File, Callable[..., object], dict[str, Any]]
"""A file, the function to call with the service and the file, and its other arguments."""


def serve() -> None:
    """Run a worker process, whose standard output is a socket, until the other end is closed."""
    channel = socket.socket(fileno=os.dup(1))
    os.dup2(2, 1)  # for decoders that print
    stream = channel.makefile("rwb")
    function, arguments = pickle.load(stream)
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(channel, stream, jobs), daemon=True).start()
    try:
        module, _, name = function.partition(":")
        service, answer = getattr(importlib.import_module(module), name)(**arguments)
    except (AudioTaggerError, ValueError, OverflowError) as error:
        send(stream, error)
    except MemoryError:
        send(stream, WorkerError("cannot load the models: memory ran out; free some or raise the limit"))
    except Exception as error:  # numpy or onnxruntime cannot be imported
        send(stream, WorkerError(f"cannot load the models ({error.__cause__ or error}); check the installation"))
    else:
        send(stream, answer)
    gc.enable()
    while True:
        send(stream, _process(service, *jobs.get()))


def send(stream: BufferedRWPair, message: object) -> None:
    """Send a message to the other end of a socket."""
    pickle.dump(message, stream)
    stream.flush()


def _receive(channel: socket.socket, stream: BufferedRWPair, jobs: queue.SimpleQueue[Job]) -> None:
    """Pass jobs on, and end the process when the parent has ended, whatever a decoder does meanwhile."""
    try:
        while True:
            begin, descriptors, *_ = socket.recv_fds(channel, 1, 1)
            if not begin:
                break
            file, function, options = pickle.load(stream)
            jobs.put((os.fdopen(descriptors[0], "rb") if file is None else file, function, options))
    finally:
        os._exit(0)


def _process(service: object, file: File, function: Callable[..., object], options: dict[str, Any]) -> object:
    try:
        return function(service, file, **options)
    except AudioTaggerError as error:
        return error
    except MemoryError:
        return AudioError("out_of_memory", f"{name_of(file)}: memory ran out; try --jobs 1")
    except Exception as error:  # a failing disk, a bug in a decoder
        return AudioError("unreadable", f"{name_of(file)}: {error!r}")
    finally:
        if not isinstance(file, str):
            file.close()
