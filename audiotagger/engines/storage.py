"""Files and folders by path or by URI: on this machine, a shared drive or in a bucket."""

from __future__ import annotations

import functools
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from audiotagger.audio.discovery import AUDIO_SUFFIXES
from audiotagger.errors import AudioError, EngineError

OBJECT_STORES = frozenset({"abfs", "gcs", "s3"})
"""Types of file systems in which a file appears as a whole once it is closed, and that cannot rename."""


def is_uri(path: str) -> bool:
    """Return whether a path is a URI, such as s3://bucket/folder."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", path) is not None


def locate(path: str) -> tuple[Any, str]:
    """Return the pyarrow file system that a path or a URI is in, and its path there.

    pyarrow's own file systems are used where there is one, else those of fsspec. Nothing in a URI is escaped: what
    follows the bucket is the name of the object.

    Raises
    ------
    EngineError
        There is no such file system, or it lacks a package or credentials.
    """
    if not is_uri(path):
        from pyarrow.fs import LocalFileSystem

        return LocalFileSystem(), path
    scheme, _, rest = path.partition("://")
    authority, _, key = rest.partition("/")
    system, base = _file_system(scheme, authority)
    return system, f"{base.rstrip('/')}/{key}".rstrip("/")


@functools.lru_cache
def _file_system(scheme: str, authority: str) -> tuple[Any, str]:
    from pyarrow import ArrowInvalid
    from pyarrow.fs import FileSystem, FSSpecHandler, PyFileSystem

    root = f"{scheme}://{authority}/"
    try:
        try:
            system, base = FileSystem.from_uri(root)
        except ArrowInvalid:  # a scheme that pyarrow does not know
            import fsspec

            other, base = fsspec.core.url_to_fs(root)
            system = PyFileSystem(FSSpecHandler(other))
    except (ImportError, OSError, ValueError) as error:
        raise EngineError(f"{root}: cannot be opened ({first_line(error)}); check the address") from None
    return system, base


def find_objects(uri: str, every_file: bool, skip: Callable[[str], None]) -> Iterator[str]:
    """Yield the URIs of the audio files that a URI means: an object, or those under a folder or bucket.

    Parameters
    ----------
    uri
        Without wildcards.
    every_file
        Take files in folders whatever they are called.
    skip
        Called with each file that is left out.

    Raises
    ------
    EngineError
        There is nothing, or it cannot be read.
    """
    from pyarrow.fs import FileSelector, FileType

    system, path = locate(uri)
    with readable(uri):
        kind = system.get_file_info(path).type
        if kind == FileType.NotFound:
            raise EngineError(f"{uri}: no such file or folder; check the name")
        found = system.get_file_info(FileSelector(path, recursive=True)) if kind == FileType.Directory else None
    if found is None:
        yield uri
        return
    prefix = uri.rstrip("/").removesuffix(path)
    empty = True
    for info in found:
        if info.type != FileType.File:
            continue
        if every_file or f".{info.extension.lower()}" in AUDIO_SUFFIXES:
            empty = False
            yield prefix + info.path
        else:
            skip(prefix + info.path)
    if empty:
        raise EngineError(f"{uri}: no audio files in it; --all tries every file")


def read_list(source: str) -> Iterator[str]:
    """Yield the column `path` of a Parquet or CSV file, given by path or URI, in parts of bounded size.

    Raises
    ------
    EngineError
        It cannot be read, or has no such column.
    """
    import pyarrow
    from pyarrow import csv, parquet

    system, path = locate(source)
    column = {"column_types": {"path": pyarrow.large_string()}, "include_columns": ["path"]}
    try:
        with readable(source), system.open_input_file(path) as file:
            batches = (
                parquet.ParquetFile(file).iter_batches(columns=["path"])
                if source.endswith(".parquet")
                else csv.open_csv(file, convert_options=csv.ConvertOptions(**column))
            )
            for batch in batches:
                yield from (name for name in batch.column("path").to_pylist() if name)
    except (KeyError, pyarrow.ArrowException) as error:
        raise EngineError(f"{source}: has no column `path` that can be read ({first_line(error)})") from None


def fetch(uri: str, folder: Path) -> Path:
    """Copy a file from a bucket into `folder`, under a name of its own.

    Raises
    ------
    AudioError
        There is no such file, or it cannot be read.
    """
    copy = folder / uuid.uuid4().hex
    try:
        system, path = locate(uri)
        with system.open_input_stream(path) as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
    except FileNotFoundError:
        raise AudioError("not_found", f"{uri}: no such file") from None
    except (EngineError, OSError) as error:
        raise AudioError("unreadable", f"{uri}: cannot be read ({first_line(error)})") from None
    return copy


def write_object(system: Any, path: str, content: Any) -> None:
    """Write a file as a whole: whatever happens, there is the old one, the new one or none.

    Parameters
    ----------
    system
        A pyarrow file system.
    path
        In a folder that exists.
    content
        Bytes or a buffer.
    """
    if system.type_name in OBJECT_STORES:
        with system.open_output_stream(path) as file:
            file.write(content)
        return
    folder, _, name = path.rpartition("/")
    # Of a name of its own: a worker that was given up may still write the same file.
    partial = f"{folder}/.{name}.{uuid.uuid4().hex}.partial"
    with system.open_output_stream(partial) as file:
        file.write(content)
    system.move(partial, path)


@contextmanager
def readable(source: str) -> Iterator[None]:
    """Turn errors of a file system into an EngineError about `source`."""
    try:
        yield
    except OSError as error:
        raise EngineError(f"{source}: cannot be read ({first_line(error)}); check it and the credentials") from None


def first_line(error: Exception) -> str:
    """Return what an error says, without what follows in further lines."""
    return (getattr(error, "strerror", None) or str(error) or repr(error)).strip().splitlines()[0]
