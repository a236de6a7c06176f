"""Fetch from a server of our own, with small archives of the same layout."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import soundfile
from typer.testing import Result

from audiotagger.datasets.dataset import read_dataset
from audiotagger.datasets.download import unpack
from audiotagger.errors import FetchError
from tests.conftest import noise

pytest.importorskip("pooch", reason="needs the extra train")

Run = Callable[..., Result]


@dataclass
class Zenodo:
    """What the server has, what it was asked for, and where it misbehaves."""

    files: dict[str, bytes]
    address: str = ""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    checksums: dict[str, str] = field(default_factory=dict)
    breaks_after: int | None = None
    ranges: bool = True

    def record(self) -> bytes:
        return json.dumps(
            {
                "files": [
                    {
                        "key": name,
                        "size": len(content),
                        "checksum": self.checksums.get(name) or f"md5:{hashlib.md5(content).hexdigest()}",
                    }
                    for name, content in self.files.items()
                ]
            }
        ).encode()

    def asked_for(self, name: str) -> list[str | None]:
        return [asked_range for asked, asked_range in self.asked if asked == name]


def archive(folder: str, files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(f"{folder}/{name}", content)
    return packed.getvalue()


def wav(seed: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, noise(1.0, 44_100, seed), 44_100, format="WAV")
    return file.getvalue()


def table(columns: list[str], *rows: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([columns, *rows])
    return text.getvalue().encode()


@pytest.fixture
def zenodo(monkeypatch: pytest.MonkeyPatch) -> Iterator[Zenodo]:
    train = table(
        ["fname", "label", "manually_verified", "freesound_id", "license"],
        *([f"{i}.wav", ("Bark", "Meow")[i % 2], str(i % 3 % 2), str(i), "CC0"] for i in range(6)),
    )
    test = table(["fname", "label", "usage", "freesound_id", "license"], ["9.wav", "Bark", "Private", "9", "CC0"])
    top = "FSDKaggle2018."
    lists = {"train_post_competition.csv": train, "test_post_competition_scoring_clips.csv": test}
    has = Zenodo(
        {
            f"{top}audio_train.zip": archive(f"{top}audio_train", {f"{i}.wav": wav(i) for i in range(6)}),
            f"{top}audio_test.zip": archive(f"{top}audio_test", {"9.wav": wav(9)}),
            f"{top}meta.zip": archive(f"{top}meta", lists),
            f"{top}doc.zip": b"not asked for",
        }
    )

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.partition("?")[0].rpartition("/")[2]
            asked_range = self.headers.get("Range")
            has.asked.append((name, asked_range))
            if self.path == "/api/records/2552860":
                content = has.record()
            elif self.path == f"/records/2552860/files/{name}?download=1" and name in has.files:
                content = has.files[name]
            else:
                self.send_error(404)
                return
            if asked_range and has.ranges:
                content = content[int(asked_range.removeprefix("bytes=").removesuffix("-")) :]
                self.send_response(206)
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            breaks_after = has.breaks_after if name.endswith(".zip") else None
            self.wfile.write(content[:breaks_after])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    has.address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("AUDIOTAGGER_ZENODO", has.address)
    yield has
    server.shutdown()
    thread.join()
    server.server_close()


TRAIN = "FSDKaggle2018.audio_train.zip"


def refused(result: Result) -> str:
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr


def test_what_is_downloaded_can_be_trained_on(zenodo: Zenodo, tmp_path: Path, run: Run) -> None:
    data = tmp_path / "new" / "data"
    result = run("data", "download", "fsdkaggle2018", "--output", data)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{data}\n"
    assert sorted(path.name for path in data.iterdir()) == [
        "FSDKaggle2018.audio_test",
        "FSDKaggle2018.audio_train",
        "FSDKaggle2018.meta",
    ]
    found = read_dataset(data)
    assert (found.labels, len(found.train), len(found.test)) == (("Bark", "Meow"), 6, 1)
    assert [clip.verified for clip in found.train] == [False, True, False] * 2
    assert run("data", "validate", data).exit_code == 0
    assert len(zenodo.asked) == 4
    assert run("data", "download", "fsdkaggle2018", "--output", data).exit_code == 0
    assert len(zenodo.asked) == 4


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_connection_is_taken_up_again(zenodo: Zenodo, tmp_path: Path, run: Run, ranges: bool) -> None:
    zenodo.breaks_after, zenodo.ranges = 200_000, ranges
    assert "to resume" in refused(run("data", "download", "fsdkaggle2018", "--output", tmp_path))
    have = (tmp_path / TRAIN).stat().st_size
    assert 0 < have < len(zenodo.files[TRAIN])
    assert (tmp_path / TRAIN).read_bytes() == zenodo.files[TRAIN][:have]
    zenodo.breaks_after = None
    result = run("data", "download", "fsdkaggle2018", "--output", tmp_path)
    assert result.exit_code == 0, result.output
    assert zenodo.asked_for(TRAIN) == [None, f"bytes={have}-"]
    assert len(zenodo.asked_for("FSDKaggle2018.meta.zip")) == 1
    assert len(read_dataset(tmp_path).train) == 6


def test_a_complete_archive_is_only_unpacked(zenodo: Zenodo, tmp_path: Path, run: Run) -> None:
    (tmp_path / TRAIN).write_bytes(zenodo.files[TRAIN])
    assert run("data", "download", "fsdkaggle2018", "--output", tmp_path).exit_code == 0
    assert zenodo.asked_for(TRAIN) == []
    assert len(read_dataset(tmp_path).train) == 6


@pytest.mark.parametrize("how", ["checksum", "longer", "another"])
def test_what_was_not_published_is_removed(zenodo: Zenodo, tmp_path: Path, run: Run, how: str) -> None:
    whole = zenodo.files[TRAIN]
    if how == "checksum":
        zenodo.checksums[TRAIN] = f"md5:{'0' * 32}"
    else:
        (tmp_path / TRAIN).write_bytes(whole + b"more" if how == "longer" else b"?" + whole[1:])
    assert "checksum mismatch" in refused(run("data", "download", "fsdkaggle2018", "--output", tmp_path))
    assert not (tmp_path / TRAIN).exists()
    assert not (tmp_path / "FSDKaggle2018.audio_train").exists()
    zenodo.checksums.clear()
    assert run("data", "download", "fsdkaggle2018", "--output", tmp_path).exit_code == 0


def test_a_server_that_is_none_of_zenodos_is_named(
    zenodo: Zenodo, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    del zenodo.files[TRAIN]
    assert TRAIN in refused(run("data", "download", "fsdkaggle2018", "--output", tmp_path))
    for address in (f"{zenodo.address}/nowhere", "http://127.0.0.1:1"):
        monkeypatch.setenv("AUDIOTAGGER_ZENODO", address)
        assert address in refused(run("data", "download", "fsdkaggle2018", "--output", tmp_path))


@pytest.mark.parametrize("name", ["/etc/x.wav", "f/../../x.wav", "..\\x.wav", "C:\\x.wav", "\\\\host\\x.wav"])
def test_names_that_lead_elsewhere_stay_inside(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "into"
    folder.mkdir()
    with zipfile.ZipFile(folder / "f.zip", "w") as file:
        file.writestr("f/good.wav", b"good")
        file.writestr(name, b"bad")
    unpack(folder / "f.zip", "f")
    assert (folder / "f" / "good.wav").read_bytes() == b"good"
    assert [*tmp_path.iterdir()] == [folder]
    assert sorted(path.name for path in folder.iterdir()) == ["f", "f.zip"]


def test_what_is_no_whole_archive_is_refused(tmp_path: Path) -> None:
    def refuse(path: Path, why: str) -> None:
        with pytest.raises(FetchError, match=why):
            unpack(path, "f")
        assert sorted(found.suffix for found in tmp_path.iterdir()) == [".zip"]

    path = tmp_path / "f.zip"
    path.write_bytes(archive("g", {"a.wav": wav(0)}))
    refuse(path, "no folder f")
    whole = archive("f", {"a.wav": wav(0), "b.wav": wav(1)})
    path.write_bytes(whole[:100] + bytes(100) + whole[200:])
    refuse(path, "cannot be unpacked")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("f/a.wav", b"a file")
        file.writestr("f/..", b"a file where a folder is")
    refuse(path, "cannot be unpacked")
    path.write_bytes(whole[:-50])
    refuse(path, "cannot be unpacked")
    path.write_bytes(whole)
    unpack(path, "f")
    assert (tmp_path / "f" / "b.wav").read_bytes() == wav(1)


def test_a_link_in_an_archive_is_unpacked_as_a_file(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("f/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as file:
        file.writestr(link, "/etc/passwd")
    unpack(tmp_path / "f.zip", "f")
    assert not (tmp_path / "f" / "link").is_symlink()
