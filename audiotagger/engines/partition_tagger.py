"""Tag the files of partitions, on a machine of a cluster."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audiotagger.engines.partitions import Partitions
from audiotagger.engines.storage import fetch, first_line, is_uri
from audiotagger.errors import AudioError
from audiotagger.inference.parallel import ordered_map
from audiotagger.inference.results import Tagging
from audiotagger.inference.workers import WorkerPool

ATTEMPTS = 5
"""How often to begin with a partition: what kills every worker that tags it must not do so for ever."""

FETCHES = 4
"""Files that a worker copies from a bucket at the same time, while it tags those before them."""


@dataclass(frozen=True)
class PartitionReport:
    """What came of a partition."""

    name: str
    """Of its file in the output folder."""
    files: int = 0
    errors: tuple[str, ...] = ()
    """A line for each file that could not be tagged."""
    warnings: tuple[str, ...] = ()
    """A line for each file that was tagged although something is wrong with it."""
    failure: str | None = None
    """Why the partition could not be written; resuming the job tries it again."""


class PartitionTagger:
    """A `Tagger` on a worker of the cluster, in a process of its own: a file that crashes it costs no more than itself.

    Parameters
    ----------
    partitions
        What to tag.
    folder
        That relative paths begin in.
    models
        Contents of model files, by name.
    timeout
        Seconds that a file may take.
    options
        Of `Tagger.load`.
    tag_options
        Of `Tagger.tag`.
    """

    def __init__(
        self,
        partitions: Partitions,
        folder: str,
        models: Mapping[str, bytes],
        timeout: float,
        options: Mapping[str, Any],
        tag_options: Mapping[str, Any],
    ) -> None:
        self._partitions, self._folder, self._tag_options = partitions, folder, tag_options
        self._models = tempfile.TemporaryDirectory(prefix="audiotagger-")
        for name, content in models.items():
            Path(self._models.name, name).write_bytes(content)
        self._pool = WorkerPool(timeout, models=self._models.name, **options)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[bytes]]:
        """Tag the partitions of a batch; return their pickled reports."""
        return {"report": [pickle.dumps(self._tag_partition(int(index))) for index in batch["partition"]]}

    def _tag_partition(self, index: int) -> PartitionReport:
        name = self._partitions.name(index)
        try:
            if self._partitions.begin_attempt(index) > ATTEMPTS:
                return PartitionReport(name, failure=f"its worker was lost {ATTEMPTS} times")
            taggings = list(self._tag(self._partitions.paths(index)))
            self._partitions.write(index, taggings)
        except Exception as error:  # of the output, or a bug: the other partitions are not affected
            return PartitionReport(name, failure=first_line(error))
        errors = tuple(str(one.error) for one in taggings if one.error)
        warnings = tuple(one.warning.message for one in taggings if one.warning)
        return PartitionReport(name, len(taggings), errors, warnings)

    def _tag(self, paths: Iterable[str]) -> Iterator[Tagging]:
        with tempfile.TemporaryDirectory(prefix="audiotagger-") as folder:

            def local(path: str) -> tuple[str, str | AudioError]:
                if not is_uri(path):
                    return path, os.path.join(self._folder, path)  # noqa: PTH118 - Path would rewrite it
                try:
                    return path, str(fetch(path, Path(folder)))
                except AudioError as error:
                    return path, error

            for path, found in ordered_map(local, paths, FETCHES, lambda: None):
                if isinstance(found, AudioError):
                    yield Tagging(path, error=found)
                    continue
                yield _renamed(self._pool.tag_file(found, **self._tag_options), found, path)
                if is_uri(path):
                    Path(found).unlink()


def _renamed(tagging: Tagging, former: str, path: str) -> Tagging:
    """Return a result with another path, also in its messages."""
    error, warning = tagging.error, tagging.warning
    return replace(
        tagging,
        path=path,
        error=error and AudioError(error.kind, str(error).replace(former, path)),
        warning=warning and replace(warning, message=warning.message.replace(former, path)),
    )
