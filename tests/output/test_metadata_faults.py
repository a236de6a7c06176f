"""Whatever goes wrong while labels are written costs at most one file its labels."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.testing import Result

from audiotagger.errors import MetadataError
from audiotagger.output.metadata import write_tags
from tests.output.kinds_of_files import podcast
from tests.output.kinds_of_mp4 import phone_m4a
from tests.output.test_metadata import BARK, FORMATS, give_fields, make, stored

av = pytest.importorskip("av", reason="needs the extra metadata")

Run = Callable[..., Result]


def packets(path: Path) -> list[Any]:
    """What FFmpeg finds of the sound, as far as it gets."""
    found: list[Any] = []
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            for packet in container.demux():
                found.append((packet.stream_index, packet.pts, packet.dts, bytes(packet)))
    except av.FFmpegError as error:
        found.append(error.errno)
    return found


def damage(data: bytes, random: Random) -> bytes:
    """Cut off, or with a few bits flipped, bytes lost or added, or a number that lies; mostly where the headers are."""
    broken = bytearray(data)
    at = random.randrange(min(len(data), random.choice([200, 3000, len(data)])))
    match random.choice(["cut", "flip", "lose", "add", "lie"]):
        case "cut":
            del broken[at:]
        case "flip":
            broken[at] ^= 1 << random.randrange(8)
        case "lose":
            del broken[at : at + random.randrange(1, 300)]
        case "add":
            broken[at:at] = random.randbytes(random.randrange(1, 300))
        case "lie":
            broken[at : at + 4] = random.choice([b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff", b"\0\0\0\1"])
    return bytes(broken)


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_is_never_made_worse(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name)
    give_fields(path)
    whole, random = path.read_bytes(), Random(name)
    for _ in range(25):
        path.write_bytes(damage(whole, random))
        data, before = path.read_bytes(), packets(path)
        try:
            write_tags(path, BARK)
        except MetadataError:
            assert path.read_bytes() == data
        else:
            assert packets(path) == before
        assert list(tmp_path.iterdir()) == [path]


def test_one_bad_file_does_not_end_a_batch_and_the_journal_says_so(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    good = [podcast(folder / "a"), make(folder / "z.flac")]
    bad = [phone_m4a(folder / "b"), make(folder / "c.au"), make(folder / "d.mka")]
    before = [path.read_bytes() for path in bad]
    journal = tmp_path / "journal.jsonl"
    done = run("tag", folder, "--write", "--threshold", 0, "--output", journal)
    assert done.exit_code == 1, done.output
    assert done.stderr.count("\n") == 3
    records = {record["path"]: record for record in map(json.loads, journal.read_text().splitlines())}
    for path in good:
        assert stored(path)
        assert records[str(path)]["error"] is None
    for path in bad:
        assert records[str(path)]["error"]["kind"] == "not_written"
        assert records[str(path)]["error"]["message"] in done.stderr
        assert records[str(path)]["tags"]
    assert [path.read_bytes() for path in bad] == before


def test_labels_are_stored_from_a_score_on(run: Run, tmp_path: Path) -> None:
    path = make(tmp_path / "a.flac")
    untouched = path.stat().st_ino, path.stat().st_ctime_ns
    assert run("tag", path, "--write", "--threshold", 0, "--min-score", 1).exit_code == 0
    assert (path.stat().st_ino, path.stat().st_ctime_ns) == untouched
    done = run("tag", path, "--write", "--threshold", 0, "--top-k", 92, "--format", "json")
    assert done.exit_code == 0, done.output
    tags = json.loads(done.stdout)[0]["tags"]
    assert tags[-1]["score"] < 0.05 < tags[0]["score"]
    likely = [tag["label"] for tag in tags if tag["score"] >= 0.05]
    assert [part.partition("=")[0] for part in str(stored(path)).split(";")] == likely
    run("tag", path, "--write", "--threshold", 0, "--top-k", 92, "--min-score", 0)
    assert str(stored(path)).count("=") == len(tags)


def test_no_link_leads_out_of_the_folder(run: Run, tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir()
    folder.mkdir()
    path = make(outside / "a.flac")
    before = path.read_bytes(), path.stat().st_ino, path.stat().st_ctime_ns
    (folder / "link.flac").symlink_to(path)
    (folder / "linked").symlink_to(outside)
    inside = make(folder / "z.flac")
    done = run("tag", folder, "--write", "--threshold", 0)
    assert done.exit_code == 1
    assert done.stderr.count("labels not stored") == 2
    assert done.stdout.count("\n") == 3
    assert (path.read_bytes(), path.stat().st_ino, path.stat().st_ctime_ns) == before
    assert (folder / "link.flac").is_symlink()
    assert stored(inside)
    assert run("tag", folder / "linked", "--write", "--threshold", 0).exit_code == 0  # it was meant
    assert stored(path)


def test_a_kill_leaves_the_old_file_or_the_new_one_and_the_next_run_cleans_up(tmp_path: Path) -> None:
    path = make(tmp_path / "a.flac")
    sound, random = packets(path), Random(0)
    script = (
        "import itertools, sys; from audiotagger.inference.results import Tag\n"
        "from audiotagger.output.metadata import write_tags\n"
        "for i in itertools.count(): write_tags(sys.argv[1], [Tag(f'Bark{i}', 0.5)]); print(flush=True)"
    )
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE) as process:
            assert process.stdout
            for _ in range(random.randrange(1, 4)):
                assert process.stdout.readline()
            process.kill()  # somewhere in the middle of the next one
        assert str(stored(path)).startswith("Bark")
        assert packets(path) == sound
    killed, running = tmp_path / ".audiotagger-killed.partial", tmp_path / ".audiotagger-running.partial"
    killed.write_bytes(b"half a file")
    with running.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(b"half a file")
        file.flush()
        write_tags(path, BARK)
    # One that was killed before it wrote anything stays for a minute: another process may have just created it.
    assert sorted(path for path in tmp_path.iterdir() if path.stat().st_size) == [running, path]


def test_several_processes_write_to_one_file_at_once(tmp_path: Path) -> None:
    path = make(tmp_path / "a.ogg")
    sound = packets(path)
    script = (
        "import sys; from audiotagger.errors import MetadataError\n"
        "from audiotagger.output.metadata import write_tags; from audiotagger.inference.results import Tag\n"
        "for i in range(3):\n"
        "  try: write_tags(sys.argv[1], [Tag(f'Bark{i}', float(sys.argv[2]) / 10)])\n"
        "  except MetadataError as error: print(error)"
    )
    commands = [[sys.executable, "-c", script, str(path), str(i)] for i in range(4)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    for process in processes:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        assert all("has changed it meanwhile" in line for line in output.splitlines()), output
    assert str(stored(path)).startswith("Bark2")
    assert packets(path) == sound
    assert list(tmp_path.iterdir()) == [path]
