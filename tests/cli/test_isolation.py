"""A decoder that crashes, hangs or takes all memory costs its file; nobody leaves processes behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.conftest import noise, started, tone, wait_until

FAULTS = {
    "abort": 11_001,  # the sample rate of the file in which it happens
    "segfault": 11_002,
    "killed": 11_003,
    "exit": 11_004,
    "hang": 11_005,
    "deaf": 11_006,
    "memory": 11_007,
    "bug": 11_008,
}

KILLED_ONCE = 11_009

FAULTY_SOUNDFILE = f"""
import ctypes, importlib.machinery, importlib.util, os, re, signal, sys, time

elsewhere = [path for path in sys.path if path != os.path.dirname(__file__)]
spec = importlib.machinery.PathFinder.find_spec("soundfile", elsewhere)
soundfile = sys.modules["soundfile"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(soundfile)
read = soundfile.SoundFile.read
faults = {{
    "abort": os.abort,
    "segfault": lambda: ctypes.string_at(0),
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda: os._exit(3),
    "hang": lambda: time.sleep(10_000),
    "deaf": lambda: re.match("(a+)+$", "a" * 60 + "b"),  # lets no other thread of Python run
    "memory": lambda: bytearray(1 << 50),
    "bug": lambda: [][0],
}}

def kill_once():
    if not os.path.exists("killed"):
        os.mkdir("killed")
        os.kill(os.getpid(), signal.SIGKILL)


def faulty(self, *args, **kwargs):
    for name, sample_rate in {FAULTS}.items():
        if self.samplerate == sample_rate:
            faults[name]()
    if self.samplerate == {KILLED_ONCE}:
        kill_once()
    return read(self, *args, **kwargs)

soundfile.SoundFile.read = faulty
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run in, where soundfile is faulty: clips a.wav and z.wav, and one for each fault."""
    (tmp_path / "faulty").mkdir()
    (tmp_path / "faulty" / "soundfile.py").write_text(FAULTY_SOUNDFILE)
    paths = [str(tmp_path / "faulty"), str(Path(__file__).parent.parent.parent), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    for name in ("a", "z"):
        soundfile.write(tmp_path / f"{name}.wav", tone(1.0), 16_000)
    for name, sample_rate in FAULTS.items():
        soundfile.write(tmp_path / f"{name}.wav", tone(1.0, sample_rate), sample_rate)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(*args: object, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "audiotagger", *map(str, args)],
        capture_output=True,
        check=False,
        text=True,
        timeout=100,
        **kwargs,
    )


@contextmanager
def started_group(*args: object, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in the background, in a process group of its own, which is killed in the end."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True}
    pipes["bufsize"] = 0  # readline() would read ahead what communicate() then misses
    with started(*args, **pipes, **options) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def processes(group: int) -> list[int]:
    """The living processes of a process group."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,pgid=,stat="], capture_output=True, check=True, text=True)
    rows = [line.split() for line in listed.stdout.splitlines()]
    return [int(pid) for pid, pgid, state in rows if int(pgid) == group and not state.startswith("Z")]


@pytest.mark.parametrize("jobs", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_a_fault_costs_its_file_and_not_the_batch(folder: Path, jobs: int) -> None:
    kinds = dict.fromkeys(FAULTS, "crashed") | {"hang": "timeout", "deaf": "timeout", "bug": "unreadable"}
    kinds["memory"] = "out_of_memory"
    files = [f"{name}.wav" for fault in FAULTS for name in ("a", fault)] + ["z.wav"]
    done = command("tag", *files, "--format", "jsonl", "--jobs", jobs, "--timeout", 5)
    assert done.returncode == 1, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [result["path"] for result in results] == files
    found = {result["path"]: result["error"] and result["error"]["kind"] for result in results}
    assert found == {"a.wav": None, "z.wav": None} | {f"{name}.wav": kind for name, kind in kinds.items()}
    lines = done.stderr.splitlines()
    assert [line.split(": ")[1] for line in lines] == [f"{name}.wav" for name in FAULTS]
    assert "SIGABRT" in lines[0]
    assert "5 s" in lines[list(FAULTS).index("hang")]


def test_embeddings_of_the_other_files_are_written(folder: Path) -> None:
    done = command("embed", "a.wav", "abort.wav", "hang.wav", "z.wav", "--output", "out.npz", "--timeout", 3)
    assert done.returncode == 1
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == ["abort.wav", "hang.wav"]
    with np.load(folder / "out.npz") as arrays:
        assert arrays["path"].tolist() == ["a.wav", "z.wav"]


@pytest.mark.parametrize("line", ["tag half.flac --format csv", "embed half.flac --output out.npz"])
def test_warnings_of_workers_reach_stderr(folder: Path, line: str) -> None:
    soundfile.write(folder / "whole.flac", noise(4.0), 16_000)
    whole = (folder / "whole.flac").read_bytes()
    (folder / "half.flac").write_bytes(whole[: len(whole) // 2])
    done = command(*line.split())
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"audiotagger: half.flac: damaged or cut off; .* could be read\n", done.stderr)
    quiet = command(*line.split(), "--quiet")
    assert (quiet.returncode, quiet.stderr) == (0, "")


def test_models_of_workers_are_named_with_verbose(folder: Path) -> None:
    lines = command("tag", "a.wav", "--verbose").stderr.splitlines()
    assert [line.split(": ")[2].partition(", ")[0] for line in lines] == ["mel model", "wave model"]


def test_a_crash_on_standard_input_is_one_line(folder: Path) -> None:
    with (folder / "abort.wav").open("rb") as file:
        done = command("tag", "a.wav", "-", "z.wav", stdin=file)
    assert done.returncode == 1
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["a.wav", "z.wav"]
    assert done.stderr.startswith("audiotagger: -: ")
    assert done.stderr.count("\n") == 1


def test_what_stdin_brings_too_much_of_is_one_line(folder: Path) -> None:
    def limit() -> None:  # as a full disk does
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    soundfile.write(folder / "long.wav", tone(10.0), 16_000)
    with subprocess.Popen(["cat", "long.wav"], stdout=subprocess.PIPE) as cat:
        done = command("tag", "a.wav", "-", "z.wav", "--format", "jsonl", stdin=cat.stdout, preexec_fn=limit)
        cat.kill()
    results = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = {result["path"]: result["error"] and result["error"]["kind"] for result in results}
    assert kinds == {"a.wav": None, "-": "unreadable", "z.wav": None}
    assert done.returncode == 1
    assert done.stderr == f"audiotagger: {results[1]['error']['message']}\n"
    assert "TMPDIR" in done.stderr


def test_a_pause_on_stdin_is_not_its_end(folder: Path) -> None:
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)  # as other programs leave it
    with os.fdopen(ours) as stdin, started_group("tag", "a.wav", "-", "--jobs", 1, stdin=stdin) as process:
        assert process.stdout
        with os.fdopen(theirs, "wb") as pipe:
            assert process.stdout.readline().startswith(b"a.wav\t")
            wait_until(lambda: os.get_blocking(ours) or process.poll() is not None)
            pipe.write((folder / "a.wav").read_bytes())
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert out.startswith(b"-\t")


def test_a_file_is_tried_again_if_its_worker_had_processed_others(folder: Path) -> None:
    soundfile.write(folder / "once.wav", tone(1.0, KILLED_ONCE), KILLED_ONCE)
    done = command("tag", "a.wav", "once.wav", "z.wav", "--jobs", 1)
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "killed").exists()
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["a.wav", "once.wav", "z.wav"]


def test_a_worker_killed_between_two_files_is_replaced(folder: Path) -> None:
    with started_group("tag", "--files-from", "-", "--jobs", 1, stdin=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"a.wav\n")
        process.stdin.flush()
        assert process.stdout.readline().startswith(b"a.wav\t")
        (worker,) = (pid for pid in processes(process.pid) if pid != process.pid)
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: processes(process.pid) == [process.pid])
        out, err = process.communicate(b"z.wav\n", timeout=60)
        assert (process.returncode, err) == (0, b"")
        assert out.startswith(b"z.wav\t")


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow)],
)
def test_a_signal_to_all_ends_all(folder: Path, number: int, status: int) -> None:
    args = ("tag", "a.wav", "hang.wav", "deaf.wav", "z.wav", "--jobs", 3, "--output", "out.json")
    with started_group(*args) as process:
        wait_until(lambda: len(processes(process.pid)) == 4)
        wait_until(lambda: any(b"a.wav" in path.read_bytes() for path in folder.glob(".out*/out.json")))
        os.killpg(process.pid, number)
        _, err = process.communicate(timeout=60)
        assert process.returncode == status
        assert err == b"audiotagger: interrupted; results so far are in out.json\n"
        assert processes(process.pid) == []
    assert [result["path"] for result in json.loads((folder / "out.json").read_text())] == ["a.wav"]
    assert list(folder.glob(".*")) == []


def test_workers_do_not_survive_their_parent(folder: Path) -> None:
    with started_group("tag", "a.wav", "hang.wav", "--jobs", 2) as process:
        assert process.stdout
        assert process.stdout.readline().startswith(b"a.wav\t")
        assert len(processes(process.pid)) == 3
        process.kill()
        wait_until(lambda: processes(process.pid) == [])


@pytest.mark.parametrize(
    "megabytes", [100, 400, *(pytest.param(limit, marks=pytest.mark.slow) for limit in (250, 600))]
)
def test_too_little_memory_is_one_line(folder: Path, megabytes: int) -> None:
    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    done = command("tag", "a.wav", "--jobs", 1, preexec_fn=limit)
    assert "Traceback" not in done.stderr
    assert done.stdout.count("\n") + done.stderr.count("\n") == 1
    assert done.returncode == (0 if done.stdout else 1)


def test_files_deleted_meanwhile_are_one_line_each(folder: Path) -> None:
    minute = folder / "minute.wav"  # long enough for most clips to be deleted before their turn
    soundfile.write(minute, tone(60), 16_000)
    clips = [folder / f"{i}.wav" for i in range(60)]
    for path in clips:
        path.hardlink_to(minute)
    with started_group("tag", *clips, "--jobs", 2) as process:
        assert process.stdout
        first = process.stdout.readline()
        for path in clips:
            path.unlink()
        out, err = process.communicate(timeout=60)
    lines = err.decode().splitlines()
    assert process.returncode == 1
    assert len((first + out).splitlines()) + len(lines) == 60
    assert all("no such file" in line for line in lines)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files in /proc")
def test_many_files_leave_no_descriptors_and_no_processes(folder: Path) -> None:
    with started_group("tag", "--files-from", "-", "--jobs", 2, stdin=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        family, opened = [], []
        for _ in range(3):
            for name in ("a.wav", "z.wav", "none.wav") * 30 + ("a.wav",):
                process.stdin.write(f"{name}\n".encode())
            process.stdin.flush()
            for _ in range(61):
                process.stdout.readline()
            family.append(set(processes(process.pid)))
            opened.append([len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in sorted(family[-1])])
        process.communicate(timeout=60)
    assert family[1] == family[2]
    assert opened[1] == opened[2]
