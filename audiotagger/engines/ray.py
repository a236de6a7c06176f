"""Tag files on a Ray cluster: Ray Data hands out partitions of the inputs, workers write the results as Parquet."""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import socket
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from audiotagger.engines.partitions import Partitions, plan
from audiotagger.engines.storage import fetch, first_line, is_uri
from audiotagger.errors import AudioError, AudioTaggerError, EngineError
from audiotagger.extras import require_extra
from audiotagger.inference.parallel import ordered_map
from audiotagger.inference.results import Tagging
from audiotagger.inference.workers import WorkerPool

RETRIES = 5
"""How often a partition is tried again whose worker or node was lost."""

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


@dataclass(frozen=True)
class Job:
    """The partitions to tag. Iterate over it to tag them, and to get a report of each as soon as it has been written.

    The reports are in no particular order. Raises EngineError if there is no cluster, or its workers fail.
    """

    partitions: Partitions
    pending: tuple[int, ...]
    """Indices of those that an earlier job has not written."""
    jobs: int | None
    """Number of files processed in parallel."""
    worker: Mapping[str, Any]
    """Of `PartitionTagger`, what is left."""

    @property
    def files(self) -> int:
        """Number of files in the pending partitions."""
        return sum(self.partitions.length(index) for index in self.pending)

    def __iter__(self) -> Iterator[PartitionReport]:
        if self.pending:
            with _connected():
                yield from _run(self)


def tag_files(
    files: Iterable[str],
    output: str,
    *,
    models: str | os.PathLike[str] | None = None,
    top_k: int = 3,
    min_score: float = 0.0,
    resume: bool = False,
    jobs: int | None = None,
    timeout: float = 3600,
    partition_size: int | None = None,
    **options: Any,
) -> Job:
    """Prepare to tag files on a Ray cluster.

    The cluster is the one at RAY_ADDRESS or that this process is connected to, else one of this machine alone. All of
    its machines need this version of audiotagger, and access to the files and the output by the same names. The models
    are sent to them.

    Parameters
    ----------
    files
        Paths, and URIs such as s3://bucket/name.wav.
    output
        Path or URI of a folder. It gets a Parquet file per partition, with a row per file, sorted by path.
    models
        As of `Tagger.load`.
    top_k, min_score
        As of `Tagger.tag`.
    resume
        Whether `output` may have partitions already. They are left out.
    jobs
        Number of files processed in parallel, by default the CPU cores of the cluster.
    timeout
        Seconds that a file may take.
    partition_size
        Files per partition, by default up to 1000.
    options
        window, hop, threshold and labels, as of `Tagger`.

    Returns
    -------
    Job
        It is done while it is iterated over.

    Raises
    ------
    ExtraError
        Ray is not installed.
    ModelError
        There are no models.
    OutputError
        The output folder cannot be used.
    """
    require_extra("ray", "tagging on a cluster")
    contents = _read_models(models)
    checksum = hashlib.sha256(b"".join(contents[name] for name in sorted(contents))).hexdigest()
    tag_options = {"top_k": top_k, "min_score": min_score}
    partitions = plan(
        output, files, {**options, **tag_options, "models": checksum}, resume=resume, files=partition_size
    )
    worker = {
        "folder": str(Path.cwd()),
        "models": contents,
        "timeout": timeout,
        "options": options,
        "tag_options": tag_options,
    }
    return Job(partitions, tuple(partitions.pending()), jobs, worker)


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
            taggings = list(self._tag(self._partitions.paths(index)))
            self._partitions.write(index, taggings)
        except (EngineError, OSError) as error:
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


def _read_models(folder: str | os.PathLike[str] | None) -> dict[str, bytes]:
    """Return the contents of the model files of a folder, by name."""
    from audiotagger.inference.model import model_files

    return {path.name: path.read_bytes() for path in model_files(folder)}


def _run(job: Job) -> Iterator[PartitionReport]:
    import ray
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # a partition that is lost again and again does not end the job
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    cores = int(ray.cluster_resources().get("CPU", 1))
    # Of a fixed number of workers, those of a lost node would wait for ever for another node to take them.
    workers = ray.data.ActorPoolStrategy(
        min_size=1, initial_size=max(1, min(cores, job.jobs or cores, len(job.pending))), max_size=job.jobs
    )
    rows = [{"partition": index} for index in job.pending]
    data = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
        PartitionTagger,
        fn_constructor_kwargs={"partitions": job.partitions, **job.worker},
        batch_size=1,
        compute=workers,
        num_cpus=1,
        ray_remote_args_fn=lambda: {"max_task_retries": RETRIES},
    )
    missing = {Partitions.name(index) for index in job.pending}
    try:
        for row in data.iter_rows():
            report: PartitionReport = pickle.loads(row["report"])
            missing.discard(report.name)
            yield report
    except AudioTaggerError:
        raise
    except Exception as error:
        raise EngineError(f"the cluster failed ({_cause(error)}); add --resume to continue") from None
    for name in sorted(missing):
        yield PartitionReport(name, failure=f"its worker was lost {RETRIES + 1} times")


def _cause(error: BaseException) -> str:
    """Return the innermost reason that Ray gives for an error."""
    while error.__cause__:
        error = error.__cause__
    return str(error).strip().splitlines()[-1] if str(error).strip() else repr(error)


@contextmanager
def _connected() -> Iterator[None]:
    """Be connected to the cluster: one that the caller is connected to, that at RAY_ADDRESS, or a new one here."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would send them, and print so
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # or it would print on stderr what it recovers from
    import ray

    if ray.is_initialized():
        yield
        return
    address = os.environ.get("RAY_ADDRESS", "")
    failure = (
        "there is no Ray cluster; start one with `ray start --head`, or unset RAY_ADDRESS to use this machine alone"
    )
    if address:
        _reach(address, f"{address}: {failure}")
    try:
        ray.init(log_to_driver=False, logging_level=logging.CRITICAL)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise EngineError(f"{address or 'ray'}: {failure} ({first_line(error)})") from None
    try:
        yield
    finally:
        ray.shutdown()


def _reach(address: str, failure: str) -> None:
    """Raise EngineError unless something answers at an address: Ray itself would try for a minute and print much."""
    url = urlsplit(address if "://" in address else f"ray://{address}")
    try:
        if url.hostname and url.port:
            socket.create_connection((url.hostname, url.port), timeout=10).close()
    except (OSError, ValueError) as error:
        raise EngineError(f"{failure} ({first_line(error)})") from None
