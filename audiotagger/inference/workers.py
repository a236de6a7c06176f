"""Tag files in worker processes: a decoder that crashes or hangs costs its file, not the batch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self

from audiotagger.audio.discovery import name_of
from audiotagger.errors import AudioError, AudioWarning
from audiotagger.inference.parallel import available_cores, ordered_map
from audiotagger.inference.pool import LostFileError, Pool
from audiotagger.inference.results import Tagging
from audiotagger.inference.worker_process import File
from audiotagger.inference.worker_tasks import Loaded, embed, tag

if TYPE_CHECKING:
    from audiotagger.audio.types import Array


class WorkerPool:
    """A `Tagger` in worker processes, one for each file that is processed at the same time.

    This process loads neither models nor decoders. A context manager: no worker outlives it.

    Parameters
    ----------
    timeout
        Seconds that a file may take before its worker is killed.
    started
        Number of workers that load their models at once, while the caller does something else.
    options
        Of `Tagger.load`.
    """

    def __init__(self, timeout: float, *, started: int = 1, **options: Any) -> None:
        self._pool = Pool("audiotagger.inference.worker_tasks:load_tagger", options, timeout)
        self._first, *_ = [self._pool.start() for _ in range(started)]

    def loaded(self) -> Loaded:
        """Return what the first worker has loaded, once it has.

        Raises
        ------
        ModelError, ValueError
            As of `Tagger.load`.
        WorkerError
            The worker did not get that far.
        """
        loaded: Loaded = self._first.ready()
        return loaded

    def tag_files(
        self, files: Iterable[File], *, top_k: int = 3, min_score: float = 0.0, jobs: int | None = None
    ) -> Iterator[Tagging]:
        """Tag files as `Tagger.tag_files` does; the error of a file can also be "crashed" or "timeout"."""
        for path, result in self.map(tag, files, jobs, top_k=top_k, min_score=min_score):
            yield Tagging(path, error=result) if isinstance(result, AudioError) else result

    def tag_file(
        self, file: File, *, labels: Collection[str] | None = None, top_k: int = 3, min_score: float = 0.0
    ) -> Tagging:
        """Tag one file, of several threads at the same time, with the errors of `tag_files`.

        Parameters
        ----------
        file
            A path, or a file of the system that is open for reading bytes.
        labels
            Only these labels, as of `Tagger`.
        top_k, min_score
            As of `Tagger.tag`.

        Raises
        ------
        ValueError
            The models do not know a label.
        WorkerError
            A worker cannot be started.
        """
        result = self._process(file, tag, {"labels": labels, "top_k": top_k, "min_score": min_score})
        if isinstance(result, AudioError):
            return Tagging(name_of(file), error=result)
        tagging: Tagging = result
        return tagging

    def embed_files(
        self, files: Iterable[File], *, jobs: int | None = None, warn: Callable[[AudioWarning], object]
    ) -> Iterator[tuple[str, Array | AudioError]]:
        """Compute embeddings as `Tagger.embed_files` does, with the errors of `tag_files`."""
        for path, result in self.map(embed, files, jobs):
            if isinstance(result, AudioError):
                yield path, result
                continue
            embedding, warnings = result
            for warning in warnings:
                warn(warning)
            yield path, embedding

    def map(
        self, function: Callable[..., object], files: Iterable[File], jobs: int | None = None, **options: Any
    ) -> Iterator[tuple[str, Any]]:
        """Yield each file's path with what `function(tagger, file, **options)` returns in a worker, or its AudioError.

        Raises whatever else the function raises. Closes the pool at the end.
        """

        def process(file: File) -> tuple[str, Any]:
            return name_of(file), self._process(file, function, options)

        return ordered_map(process, files, jobs or available_cores(), self.close)

    def _process(self, file: File, function: Callable[..., object], options: dict[str, Any]) -> Any:
        """Return the result for a file or its AudioError. Raises what else the function does."""
        try:
            result = self._pool.process(file, function, options)
        except LostFileError as error:
            return AudioError(error.kind, f"{name_of(file)}: {error}")
        if isinstance(result, Exception) and not isinstance(result, AudioError):
            raise result
        return result

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill all workers."""
        self._pool.close()
