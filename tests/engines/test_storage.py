"""Inputs and outputs by path and URI, without a cluster."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from audiotagger.errors import EngineError, OutputError

pyarrow = pytest.importorskip("pyarrow", reason="needs the extra ray")
from audiotagger.engines.partitions import plan  # noqa: E402
from audiotagger.engines.storage import fetch, find_objects, locate, read_list, write_object  # noqa: E402

NAMES = ("a b/ü#1.wav", "a b/c/2?.MP3", "a b/notes.txt")
"""Some would be escaped in other URIs."""


@pytest.fixture(scope="module")
def google() -> Iterator[str]:
    """The URL of a Google Cloud Storage server on this machine, with an empty bucket "sounds"."""
    emulator = pytest.importorskip("gcp_storage_emulator.server", reason="needs gcp-storage-emulator")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = emulator.create_server("127.0.0.1", port, in_memory=True, default_bucket="sounds")
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture(params=["pyarrow", "fsspec", "google"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URI of a folder with `NAMES`, each file holding its name: of file systems of pyarrow, and of fsspec."""
    if request.param == "google":
        monkeypatch.setenv("CLOUD_STORAGE_EMULATOR_ENDPOINT", request.getfixturevalue("google"))
        uri = f"gs://anonymous@sounds/{tmp_path.name}"
        for name in NAMES:
            write_object(*locate(f"{uri}/{name}"), name.encode())
        return uri
    if request.param == "pyarrow":
        for name in NAMES:
            path = tmp_path / "bucket" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(name.encode())
        return f"file://{tmp_path}/bucket"
    fsspec = pytest.importorskip("fsspec", reason="needs the extra ray")
    memory = fsspec.filesystem("memory")
    for name in NAMES:
        memory.pipe_file(f"/{tmp_path.name}/bucket/{name}", name.encode())
    return f"memory://{tmp_path.name}/bucket"


def test_audio_files_under_a_uri_are_found_and_fetched(bucket: str, tmp_path: Path) -> None:
    skipped: list[str] = []
    found = sorted(find_objects(f"{bucket}/a b", False, skipped.append))
    assert found == [f"{bucket}/a b/c/2?.MP3", f"{bucket}/a b/ü#1.wav"]
    assert skipped == [f"{bucket}/a b/notes.txt"]
    assert [fetch(uri, tmp_path).read_bytes() for uri in found] == [b"a b/c/2?.MP3", "a b/ü#1.wav".encode()]
    assert len(list(find_objects(bucket, True, skipped.append))) == 3
    assert list(find_objects(f"{bucket}/a b/notes.txt", False, skipped.append)) == [f"{bucket}/a b/notes.txt"]


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("file:///nowhere/to/be/found", "no such file or folder"),
        ("nonsense://bucket/folder", "cannot be opened"),
    ],
)
def test_a_uri_that_cannot_be_read_is_one_line(uri: str, message: str) -> None:
    with pytest.raises(EngineError, match=message) as raised:
        list(find_objects(uri, False, print))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_lists_are_tables_with_a_column_path(tmp_path: Path, suffix: str) -> None:
    from pyarrow import csv, parquet

    names = ["s3://bucket/a.wav", "b, c.wav", "007"]
    table = pyarrow.table({"id": [1, 2, 3], "path": names})
    source = tmp_path / f"list.{suffix}"
    (csv.write_csv if suffix == "csv" else parquet.write_table)(table, str(source))
    assert list(read_list(str(source))) == names
    assert list(read_list(f"file://{source}")) == names


@pytest.mark.parametrize("name", ["other.csv", "other.parquet", "missing.csv", "broken.parquet"])
def test_another_table_is_one_line(tmp_path: Path, name: str) -> None:
    from pyarrow import parquet

    (tmp_path / "other.csv").write_text("file\na.wav\n")
    (tmp_path / "broken.parquet").write_text("nothing\n")
    parquet.write_table(pyarrow.table({"file": ["a.wav"]}), tmp_path / "other.parquet")
    with pytest.raises(EngineError, match=f"{name}: ") as raised:
        list(read_list(str(tmp_path / name)))
    assert "\n" not in str(raised.value)


def test_partitions_depend_on_nothing_but_the_names(tmp_path: Path) -> None:
    names = [f"{index}.wav" for index in range(10)] + ["\udcff.wav"]
    first = plan(str(tmp_path / "out"), [*names, "3.wav"], {}, resume=False, files=4)
    again = plan(str(tmp_path / "out"), reversed(names), {}, resume=True, files=4)
    assert first == again
    assert sorted(path for index in range(first.count) for path in first.paths(index)) == sorted(names)
    assert [first.length(index) for index in first.pending()] == [4, 4, 3]
    first.write(1, [])
    assert again.pending() == [0, 2]


def test_attempts_are_counted_until_they_are_forgotten(tmp_path: Path) -> None:
    partitions = plan(str(tmp_path / "out"), ["a.wav", "b.wav"], {}, resume=False, files=1)
    assert [partitions.begin_attempt(index) for index in (0, 0, 1, 0)] == [1, 2, 1, 3]
    partitions.forget_attempts()
    assert partitions.begin_attempt(0) == 1
    assert partitions.pending() == [0, 1]


@pytest.mark.parametrize("count", [0, 1, 255, 1000, 300_000])
def test_partitions_are_many_and_not_large(tmp_path: Path, count: int) -> None:
    partitions = plan(str(tmp_path / "out"), map(str, range(count)), {}, resume=False)
    assert partitions.size <= 1000
    assert partitions.count >= min(count, 200)


def test_an_output_of_something_else_is_refused(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    plan(out, ["a.wav"], {"top_k": 3, "labels": None}, resume=True)
    for inputs, options, resume, message in (
        (["a.wav"], {"top_k": 3, "labels": None}, False, "has results already; add --resume"),
        (["b.wav"], {"top_k": 3, "labels": None}, True, "has results of other files"),
        (["a.wav"], {"top_k": 5, "labels": None}, True, "has results of another top_k"),
    ):
        with pytest.raises(OutputError, match=message):
            plan(out, inputs, options, resume=resume)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "notes.txt").touch()
    with pytest.raises(OutputError, match="docs: has other files"):
        plan(str(tmp_path / "docs"), ["a.wav"], {}, resume=True)
    with pytest.raises(OutputError, match=r"notes\.txt: a file"):
        plan(str(tmp_path / "docs" / "notes.txt"), ["a.wav"], {}, resume=True)
