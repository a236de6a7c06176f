"""Write labels to metadata in a worker process: a library that crashes or hangs costs its file, not the batch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from audiotagger.errors import MetadataError, WorkerError
from audiotagger.inference.pool import LostFileError, Pool
from audiotagger.output.leftovers import remove_leftovers
from audiotagger.output.metadata import write_tags

if TYPE_CHECKING:
    from audiotagger.inference.results import Tag


class MetadataWriter:
    """`write_tags` in a worker process, which starts with the first file. A context manager, which ends it.

    Parameters
    ----------
    timeout
        Seconds that a file may take before the worker is killed.
    """

    def __init__(self, timeout: float) -> None:
        self._pool = Pool("audiotagger.output.metadata_writer:nothing", {}, timeout)

    def write(self, path: str, tags: Sequence[Tag], *, dry_run: bool = False) -> str:
        """Store labels as `write_tags` does; raises MetadataError also if the worker crashes or takes too long.

        Then the file is the old one or the new one, as a whole, and no copy of it is left.
        """
        try:
            result = self._pool.process(path, store, {"tags": tuple(tags), "dry_run": dry_run})
        except (LostFileError, WorkerError) as error:
            remove_leftovers(Path(path).parent)
            raise MetadataError(f"{path}: labels not stored: {error}") from None
        except BaseException:  # an interrupt
            self._pool.close()
            remove_leftovers(Path(path).parent)
            raise
        if isinstance(result, Exception):
            raise result
        return str(result)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()


def nothing() -> tuple[None, None]:
    """Set nothing up: the libraries are imported with the first file."""
    return None, None


def store(_: None, path: str, tags: Sequence[Tag], dry_run: bool) -> str:
    """Call `write_tags`."""
    return write_tags(path, tags, dry_run=dry_run)
