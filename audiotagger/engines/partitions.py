"""A folder of Parquet files, each with the results for a part of the inputs.

Beside them, _inputs.parquet has the inputs, sorted, with the options: a row group per partition. A resumed job is
compared to it, and workers read their paths from it.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from audiotagger.engines.storage import first_line, is_uri, locate, readable, write_object
from audiotagger.errors import OutputError
from audiotagger.inference.results import Tagging
from audiotagger.output.writers import Show, record

INPUTS = "_inputs.parquet"
"""Readers of Parquet folders leave out what begins with an underscore."""

MOST_FILES = 1000
"""In a partition: what is lost with a worker, and at most a few MB of Parquet."""

ENOUGH = 256
"""Partitions, so that many workers have something to do until the end."""

ATTEMPTS = "_attempts"
"""Folder of marks: who begins with a partition leaves one, so that it is known how often that has been tried."""

OPTIONS = b"audiotagger"
"""Key of the options in the metadata of INPUTS."""


@dataclass(frozen=True)
class Partitions:
    """The partitions of an output folder. Picklable."""

    output: str
    """Absolute path or URI of the folder."""
    files: int
    """Number of inputs."""
    size: int
    """Inputs per partition; the last one may have fewer."""

    @property
    def count(self) -> int:
        """Number of partitions."""
        return -(-self.files // self.size)

    @staticmethod
    def name(index: int) -> str:
        """Return the name of a partition's file."""
        return f"part-{index:06d}.parquet"

    def length(self, index: int) -> int:
        """Return the number of inputs of a partition."""
        return min(self.size, self.files - index * self.size)

    def pending(self) -> list[int]:
        """Return the indices of the partitions that have not been written."""
        from pyarrow.fs import FileSelector

        system, folder = locate(self.output)
        with readable(self.output):
            names = {info.base_name for info in system.get_file_info(FileSelector(folder))}
        return [index for index in range(self.count) if self.name(index) not in names]

    def paths(self, index: int) -> list[str]:
        """Return the inputs of a partition."""
        from pyarrow import parquet

        system, folder = locate(self.output)
        with system.open_input_file(f"{folder}/{INPUTS}") as file:
            column = parquet.ParquetFile(file).read_row_group(index).column("path")
        return [os.fsdecode(name) for name in column.to_pylist()]

    def begin_attempt(self, index: int) -> int:
        """Return how often a partition has been begun, this time included."""
        from pyarrow.fs import FileSelector

        system, folder = locate(self.output)
        marks = f"{folder}/{ATTEMPTS}/{self.name(index)}"
        system.create_dir(marks, recursive=True)
        with system.open_output_stream(f"{marks}/{uuid.uuid4().hex}") as file:
            file.write(b"begun")
        return len(system.get_file_info(FileSelector(marks)))

    def forget_attempts(self) -> None:
        """Let all partitions be tried anew."""
        system, folder = locate(self.output)
        system.delete_dir_contents(f"{folder}/{ATTEMPTS}", missing_dir_ok=True)

    def write(self, index: int, taggings: Iterable[Tagging]) -> None:
        """Write the results of a partition, as a whole."""
        _write_table(results_table(taggings), self.output, self.name(index))


def plan(
    output: str, inputs: Iterable[str], options: Mapping[str, Any], *, resume: bool, files: int | None = None
) -> Partitions:
    """Make an output folder for the results of `inputs`, or find out that it is one.

    Parameters
    ----------
    output
        Path or URI of the folder.
    inputs
        Paths and URIs, in any order; of what is there twice one is left out.
    options
        What the results depend on besides, as JSON has it.
    resume
        Whether there may be results already.
    files
        Files per partition; by default up to `MOST_FILES`, and so few that there are `ENOUGH` partitions.

    Raises
    ------
    OutputError
        The folder cannot be written, has results and is not to be resumed, has those of other inputs or options, or is
        something else.
    """
    import pyarrow
    from pyarrow import compute
    from pyarrow.fs import FileSelector, FileType

    encoded = map(os.fsencode, inputs)
    # In parts: as Python's strings, all names at once would take several times the memory.
    parts = iter(lambda: list(islice(encoded, 100_000)), [])
    kind = pyarrow.large_binary()
    names = compute.unique(pyarrow.chunked_array([pyarrow.array(part, kind) for part in parts], kind))
    names = names.take(compute.sort_indices(names))
    files = files or min(MOST_FILES, -(-len(names) // ENOUGH)) or 1
    wanted = json.loads(json.dumps({**options, "partition_size": files}, default=sorted))
    system, folder = locate(output)
    try:
        if system.get_file_info(folder).type == FileType.File:
            raise OutputError(f"{output}: a file; give a folder with --output")
        there = {info.base_name for info in system.get_file_info(FileSelector(folder, allow_not_found=True))}
        if INPUTS in there:
            if not resume:
                raise OutputError(f"{output}: has results already; add --resume to continue, or remove the folder")
            _compare(output, names, wanted)
        elif there:
            raise OutputError(f"{output}: has other files; give another --output")
        else:
            table = pyarrow.table({"path": names}, metadata={OPTIONS: json.dumps(wanted).encode()})
            system.create_dir(folder, recursive=True)
            _write_table(table, output, INPUTS, row_group_size=files)
    except OSError as error:
        raise OutputError(f"{output}: cannot be written ({first_line(error)}); give another --output") from None
    return Partitions(output if is_uri(output) else str(Path(output).absolute()), len(names), files)


def _write_table(table: Any, output: str, name: str, **options: Any) -> None:
    """Write a Parquet file as a whole, with options of pyarrow."""
    from pyarrow import BufferOutputStream, parquet

    buffer = BufferOutputStream()
    parquet.write_table(table, buffer, **options)
    system, folder = locate(output)
    write_object(system, f"{folder}/{name}", buffer.getvalue())


def _compare(output: str, names: Any, options: Mapping[str, Any]) -> None:
    """Raise OutputError if an output folder is for other inputs or options."""
    from pyarrow import parquet

    system, folder = locate(output)
    with system.open_input_file(f"{folder}/{INPUTS}") as file:
        former = parquet.ParquetFile(file).read()
    stored = json.loads((former.schema.metadata or {}).get(OPTIONS, b"{}"))
    if not former.column("path").combine_chunks().equals(names):
        raise OutputError(f"{output}: has results of other files; give another --output")
    if other := [name for name, value in options.items() if stored.get(name) != value]:
        raise OutputError(f"{output}: has results of another {other[0]}; use the same options or another --output")


def results_table(taggings: Iterable[Tagging]) -> Any:
    """Return results as a pyarrow table: a row per file, with the values of --format json and --segments.

    Bytes of a path that are not valid text are escaped.
    """
    import pyarrow

    text, number = pyarrow.string(), pyarrow.float64()
    message = pyarrow.struct({"kind": text, "message": text})
    schema = pyarrow.schema({
        "path": text,
        "duration": number,
        "tags": pyarrow.list_(pyarrow.struct({"label": text, "score": number})),
        "confident": pyarrow.bool_(),
        "segments": pyarrow.list_(
            pyarrow.struct({"start": number, "end": number, "label": text, "score": number})
        ),
        "error": message,
        "warning": message,
    })  # fmt: skip
    return pyarrow.Table.from_pylist([_valid(record(one, Show(segments=True))) for one in taggings], schema)


def _valid(value: Any) -> Any:
    """Escape what is not valid text in a JSON value."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, Mapping):
        return {key: _valid(inner) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [_valid(inner) for inner in value]
    return value
