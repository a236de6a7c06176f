"""A worker process of `WorkerPool`: it loads the models, then tags or embeds one file at a time.

Messages are pickled, in both directions over one socket: the options of `Tagger.load`, a line about each model, and
from then on a job and its result. Instead of lines or a result there may be an exception.
"""

from __future__ import annotations

import os
import pickle
import queue
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

from audiotagger.errors import AudioError, AudioTaggerError, AudioWarning, WorkerError

if TYPE_CHECKING:
    from io import BufferedRWPair

    import numpy as np
    from numpy.typing import NDArray

    from audiotagger.inference.results import Tagging
    from audiotagger.inference.tagger import Tagger

File = str | BinaryIO

Job = tuple[File, Callable[..., object], dict[str, Any]]
"""A file, what to do with it (`tag` or `embed`), and the other arguments of that."""


def tag(tagger: Tagger, file: File, **options: Any) -> Tagging:
    """Tag a file, with the options of `Tagger.tag`."""
    return tagger.tag(file, **options)


def embed(tagger: Tagger, file: File) -> tuple[NDArray[np.float32], list[AudioWarning]]:
    """Return the embedding of a file, and what is wrong with the file all the same."""
    warnings: list[AudioWarning] = []
    return tagger.embed(file, warn=warnings.append), warnings


def serve() -> None:
    """Run a worker process, whose standard output is a socket, until the other end is closed."""
    channel = socket.socket(fileno=os.dup(1))
    os.dup2(2, 1)  # for decoders that print
    stream = channel.makefile("rwb")
    options = pickle.load(stream)
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(channel, stream, jobs), daemon=True).start()
    try:
        from audiotagger.inference.tagger import Tagger

        tagger = Tagger.load(**options)
    except (AudioTaggerError, ValueError, OverflowError) as error:
        send(stream, error)
    except MemoryError:
        send(stream, WorkerError("cannot load the models: memory ran out; free some, or raise the limit"))
    except Exception as error:  # numpy or onnxruntime cannot be imported
        send(stream, WorkerError(f"cannot load the models ({error.__cause__ or error}); check the installation"))
    else:
        send(stream, [f"{model.path}: {model.kind} model, version {model.version}" for model in tagger.models])
    while True:
        send(stream, _process(tagger, *jobs.get()))


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


def _process(tagger: Tagger, file: File, function: Callable[..., object], options: dict[str, Any]) -> object:
    try:
        return function(tagger, file, **options)
    except AudioTaggerError as error:
        return error
    except MemoryError:
        return AudioError("out_of_memory", f"{name_of(file)}: memory ran out; try --jobs 1")
    except Exception as error:  # a failing disk, a bug in a decoder
        return AudioError("unreadable", f"{name_of(file)}: {error!r}")
    finally:
        if not isinstance(file, str):
            file.close()


def name_of(file: File) -> str:
    """Return what results and messages call a file: its path as given, or "-" for an open file."""
    return file if isinstance(file, str) else "-"
