"""Tag on a Ray cluster of two nodes, with files here and in a bucket, and lose a node."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.conftest import EXAMPLES, command, started, tone, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray's own warnings

CRASHING, WAITING = 11_002, 11_010
"""Sample rates of files in which soundfile crashes, and waits as long as there is a file."""

LEAN = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
"""The first node without what nobody looks at."""

SOUNDFILE = f"""
import importlib.machinery, importlib.util, os, sys, time

elsewhere = [path for path in sys.path if path != os.path.dirname(__file__)]
spec = importlib.machinery.PathFinder.find_spec("soundfile", elsewhere)
soundfile = sys.modules["soundfile"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(soundfile)
read = soundfile.SoundFile.read
folder = os.path.dirname(__file__)

def changed(self, *args, **kwargs):
    if self.samplerate == {CRASHING}:
        os.abort()
    while self.samplerate == {WAITING} and os.path.exists(folder + "/wait"):
        open(folder + f"/waiting.{{os.getpid()}}", "w").close()
        time.sleep(0.1)
    return read(self, *args, **kwargs)

soundfile.SoundFile.read = changed
"""


@pytest.fixture(scope="module")
def changed_soundfile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has files in which a decoder crashes or waits do so, for the processes started from here."""
    folder = tmp_path_factory.mktemp("soundfile")
    (folder / "soundfile.py").write_text(SOUNDFILE)
    return folder


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The URL of an S3 server on this machine, with an empty bucket "sounds"."""
    pytest.importorskip("moto", reason="needs moto")
    pytest.importorskip("flask_cors", reason="needs flask-cors")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: not socket.socket().connect_ex(("127.0.0.1", port)), process)
            yield url
        finally:
            process.kill()


def start(cluster: Any, node: dict[str, int], tries: int = 3) -> Any:
    """Start two nodes. Ray gives up where that takes more than 15 s, as on a busy machine: then, try again."""
    try:
        nodes = cluster(initialize_head=True, head_node_args={**node, **LEAN})
        nodes.add_node(**node)
    except Exception:
        if tries == 1:
            raise
        return start(cluster, node, tries - 1)
    return nodes


@pytest.fixture(scope="module")
def cluster(changed_soundfile: Path, bucket: str) -> Iterator[Any]:
    """A Ray cluster of two nodes with a core each. The commands of these tests find it, and the bucket's server."""
    pytest.importorskip("ray", reason="needs the extra ray")
    from ray.cluster_utils import Cluster

    root = str(Path(__file__).parent.parent.parent)
    paths = [str(changed_soundfile), root, os.environ.get("PYTHONPATH", "")]
    node = {"num_cpus": 1, "object_store_memory": 100 << 20}
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="ray", dir="/tmp") as folder:
        patch.setenv("RAY_TMPDIR", folder)  # short: it is in the names of sockets
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        patch.setenv("RAY_worker_niceness", "0")  # else 15: on a busy machine, workers would hardly run
        patch.setenv("AWS_ENDPOINT_URL", bucket)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_REGION", "us-east-1")
        started_cluster = start(Cluster, node)
        patch.setenv("RAY_ADDRESS", started_cluster.address)
        yield started_cluster
        started_cluster.shutdown()


def results(folder: str) -> list[dict[str, Any]]:
    """The rows of a folder of Parquet files."""
    from pyarrow import parquet

    rows: list[dict[str, Any]] = parquet.read_table(folder).to_pylist()
    return rows


def local_results(*args: object, cwd: Path) -> list[dict[str, Any]]:
    """What the same command prints without Ray."""
    done = command("tag", *args, "--segments", "--format", "jsonl", cwd=cwd)
    return sorted(map(json.loads, done.stdout.splitlines()), key=lambda row: os.fsencode(row["path"]))


def test_rows_are_those_of_the_local_run_and_finished_partitions_stay(cluster: Any, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    for path in EXAMPLES.glob("*.*[a-z3]"):
        (clips / path.name).write_bytes(path.read_bytes())
    (clips / "broken.wav").write_text("no audio")
    whole = (EXAMPLES / "acoustic_guitar.flac").read_bytes()
    (clips / "half.flac").write_bytes(whole[: len(whole) // 2])
    soundfile.write(clips / "crashing.wav", tone(1.0, CRASHING), CRASHING)
    options = ["clips", "missing.wav", "--top-k", 2, "--threshold", 0.4]
    arguments = ["tag", *options, "--engine", "ray", "--output", "out", "--partition-size", 3]
    done = command(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    failed = re.findall(r"^audiotagger: (\S+): (?!.*could be read)", done.stderr, re.MULTILINE)
    assert sorted(failed) == ["clips/broken.wav", "clips/crashing.wav", "missing.wav"]
    assert all(line.startswith("audiotagger: ") for line in done.stderr.splitlines()), done.stderr
    assert results(str(tmp_path / "out")) == local_results(*options, cwd=tmp_path)
    again = command(*arguments, cwd=tmp_path)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    parts = sorted((tmp_path / "out").glob("part-*"))
    assert len(parts) == 4
    first, second = parts[:2]
    expected = first.read_bytes()
    first.unlink()
    second.write_bytes(b"finished")
    resumed = command(*arguments, "--resume", cwd=tmp_path)
    assert "out: 3 of 4 partitions already in it" in resumed.stderr
    assert (first.read_bytes(), second.read_bytes()) == (expected, b"finished")


def test_inputs_and_output_in_a_bucket(cluster: Any, tmp_path: Path) -> None:
    from pyarrow import fs

    system, _ = fs.FileSystem.from_uri("s3://sounds/?allow_bucket_creation=true")
    system.create_dir("sounds")
    local = sorted(EXAMPLES.glob("[fghtv]*.[fmow]*"))
    uris = [f"s3://sounds/in put/{path.name}" for path in local]
    (tmp_path / "list.csv").write_text("\n".join(["path", *uris, "s3://sounds/missing.wav"]) + "\n")
    for path in local:
        with system.open_output_stream(f"sounds/in put/{path.name}") as file:
            file.write(path.read_bytes())
    options = ["--files-from", "list.csv", "--engine", "ray", "--partition-size", 4]
    done = command("tag", *options, "--output", "s3://sounds/out", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert done.stderr == "audiotagger: s3://sounds/missing.wav: no such file\n"
    expected = local_results(*local, cwd=tmp_path)
    for row, uri in zip(expected, uris, strict=True):
        row["path"] = uri
    assert results("s3://sounds/out")[:-1] == expected
    listed = command("tag", "s3://sounds/in put", "--engine", "ray", "--output", "s3://sounds/out", cwd=tmp_path)
    assert (
        listed.stderr
        == "audiotagger: s3://sounds/out: has results already; add --resume to continue, or remove the folder\n"
    )
    unknown = command("tag", "s3://nobody/in", "--engine", "ray", "--output", "out", cwd=tmp_path)
    assert (unknown.returncode, unknown.stderr.count("\n")) == (2, 1)
    assert "s3://nobody/in: " in unknown.stderr


def test_every_file_is_tagged_once_though_a_node_is_killed(
    cluster: Any, changed_soundfile: Path, tmp_path: Path
) -> None:
    for index in range(24):
        rate = WAITING if index >= 6 else 16_000
        soundfile.write(tmp_path / f"{index:02}.wav", tone(1.0, rate, 200 + 20 * index), rate)
    expected = local_results(".", cwd=tmp_path)
    assert len(expected) == 24
    (changed_soundfile / "wait").touch()
    arguments = ["tag", ".", "--engine", "ray", "--output", tmp_path / "out", "--partition-size", 2]
    with started(*arguments, cwd=tmp_path, stderr=subprocess.PIPE) as process:
        # Both nodes are in the middle of a partition.
        wait_until(lambda: len(list(changed_soundfile.glob("waiting.*"))) == 2, process)
        (node,) = cluster.worker_nodes
        cluster.remove_node(node, allow_graceful=False)
        (changed_soundfile / "wait").unlink()
        _, errors = process.communicate(timeout=500)
    assert (process.returncode, errors.decode()) == (0, "")
    assert results(str(tmp_path / "out")) == expected


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--output", "out"], "127.0.0.1:1: there is no Ray cluster"),
        ([], "--engine ray needs --output"),
        (["--output", "out", "--format", "csv"], "--format is not available with --engine ray"),
        (["--output", "out", "--hop", "100"], "--hop must be greater than 0"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_done(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], message: str
) -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    done = command("tag", clip, "--engine", "ray", *args, cwd=tmp_path)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
