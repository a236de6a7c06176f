"""Tag files on a Ray cluster: Ray Data hands out partitions of the inputs, workers write the results as Parquet."""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from audiotagger.engines.partition_tagger import PartitionReport, PartitionTagger
from audiotagger.engines.partitions import Partitions, plan
from audiotagger.engines.storage import first_line
from audiotagger.errors import EngineError
from audiotagger.extras import require_extra, silent_stderr


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
            self.partitions.forget_attempts()
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


def _read_models(folder: str | os.PathLike[str] | None) -> dict[str, bytes]:
    """Return the contents of the model files of a folder, by name."""
    from audiotagger.inference.model import model_files

    return {path.name: path.read_bytes() for path in model_files(folder)}


def _run(job: Job) -> Iterator[PartitionReport]:
    import ray
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    for handler in logging.getLogger("ray.data").handlers:
        if isinstance(handler, logging.StreamHandler):  # the terminal; Ray's log files still have all of it
            handler.setLevel(logging.CRITICAL)
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
    )  # what is lost with a worker or a node is tried again, without end: `PartitionTagger` counts
    try:
        for row in data.iter_rows():
            yield pickle.loads(row["report"])
    except Exception as error:  # of Ray
        raise EngineError(f"the cluster failed ({_cause(error)}); add --resume to continue") from None
    job.partitions.forget_attempts()


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
    with silent_stderr():
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
        with silent_stderr():
            ray.init(log_to_driver=False, logging_level=logging.CRITICAL)
    except Exception as error:  # of many kinds, also plain ones
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
