"""Two processes on loopback train one model, as one process would."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.conftest import wait_until

pytest.importorskip("tensorflow", reason="needs the extra train")

ARGS = ("train", "--model", "mel", "--epochs", "2")
"""Of the two models, the one whose training amplifies rounding less."""

IMPATIENT = """
import audiotagger.training.distributed
audiotagger.training.distributed.JOIN_TIMEOUT = 3
from audiotagger.cli import app
app()
"""


def start(
    folder: Path,
    *args: str,
    environment: dict[str, str] | None = None,
    program: tuple[str, ...] = ("-m", "audiotagger"),
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *program, *ARGS, *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, **(environment or {})},
    )


def task(cluster: list[str], index: int) -> dict[str, str]:
    """The environment of a worker."""
    return {"TF_CONFIG": json.dumps({"cluster": {"worker": cluster}, "task": {"type": "worker", "index": index}})}


def free_addresses(count: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = [f"127.0.0.1:{server.getsockname()[1]}" for server in sockets]
    for server in sockets:
        server.close()
    return addresses


def start_two(folder: Path, *args: str, of_second: tuple[str, ...] = ()) -> list[subprocess.Popen[str]]:
    cluster = free_addresses(2)
    each = ((), of_second)
    return [start(folder, "--distributed", *args, *each[index], environment=task(cluster, index)) for index in range(2)]


def listens(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0


def losses(run: Path) -> list[float]:
    with (run / "history.csv").open(newline="", encoding="utf-8") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Path:
    """A folder with data/: every third clip is not verified, so the largest loss of a batch counts, too."""
    root = tmp_path_factory.mktemp("distributed")
    data = root / "data"
    data.mkdir()
    for path in corpus.iterdir():
        if path.name != "train.csv":
            (data / path.name).symlink_to(path)
    with (corpus / "train.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (data / "train.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["fname", "label", "manually_verified"])
        table.writerows([row["fname"], row["label"], i % 3 % 2] for i, row in enumerate(rows))
    return root


@pytest.mark.slow
def test_two_workers_get_what_one_process_gets_and_go_on_after_one_was_killed(folder: Path) -> None:
    alone = start(folder, "--output", "alone")
    _, errors = alone.communicate(timeout=600)
    assert alone.returncode == 0, errors

    chief, other = start_two(folder, "--output", "shared")
    wait_until((folder / "shared" / "checkpoint.npz").exists, chief)
    other.send_signal(signal.SIGKILL)
    output, errors = chief.communicate(timeout=600)
    other.communicate()
    assert (chief.returncode, output) == (1, "")
    assert "another worker has ended" in errors.splitlines()[-1]
    assert "Traceback" not in errors

    chief, other = start_two(folder, "--output", "shared", "--resume")
    output, errors = chief.communicate(timeout=600)
    assert chief.returncode == 0, errors
    assert output == "shared\n"
    assert "epoch   1/2" not in errors
    assert "epoch   2/2" in errors
    output, errors = other.communicate(timeout=600)
    assert (other.returncode, output, errors) == (0, "", "")

    # Each worker has dropout, normalization and largest loss of the whole batch: nothing is switched off to compare.
    shared, whole = losses(folder / "shared"), losses(folder / "alone")
    assert shared == pytest.approx(whole, rel=1e-3)  # Keras sums a synchronized variance in another order
    assert (folder / "shared" / "result.json").is_file()


def test_without_workers_it_says_how_to_name_them(
    run: Callable[..., Result], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for config in (None, "worker", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}'):
        if config:
            monkeypatch.setenv("TF_CONFIG", config)
        result = run(*ARGS, "--distributed", folder / "data")
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1
        assert "TF_CONFIG" in result.stderr


def test_a_batch_that_cannot_be_shared_evenly_is_refused(
    run: Callable[..., Result], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CONFIG", task(5 * ["127.0.0.1:1"], 0)["TF_CONFIG"])
    result = run(*ARGS, "--distributed", folder / "data", "--output", tmp_path / "run")
    assert result.exit_code == 1
    assert "5 workers" in result.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_worker_that_does_not_join_is_one_line(folder: Path) -> None:
    def start_alone(index: int) -> subprocess.Popen[str]:
        cluster, impatient = task(free_addresses(2), index), ("-c", IMPATIENT)
        return start(folder, "--distributed", "--output", f"alone-{index}", environment=cluster, program=impatient)

    for alone in (start_alone(0), start_alone(1)):
        output, errors = alone.communicate(timeout=120)
        assert (alone.returncode, output) == (1, "")
        assert "not all 2 workers joined within 3 s" in errors.splitlines()[-1]
        assert "Traceback" not in errors


@pytest.mark.slow
def test_waiting_for_workers_can_be_interrupted(folder: Path) -> None:
    cluster = free_addresses(2)
    waits = start(folder, "--distributed", "--output", "interrupted", environment=task(cluster, 0))
    wait_until(lambda: listens(cluster[0]), waits)
    waits.send_signal(signal.SIGINT)
    _, errors = waits.communicate(timeout=120)
    assert waits.returncode == 130, errors
    assert "Traceback" not in errors


@pytest.mark.slow
def test_workers_that_differ_are_told_in_what(folder: Path) -> None:
    for worker in start_two(folder, "--output", "differ", of_second=("--seed", "5")):
        _, errors = worker.communicate(timeout=120)
        assert worker.returncode == 1
        assert errors.splitlines()[-1] == "audiotagger: the workers differ in seed; start all of them with the same"


@pytest.mark.slow
def test_an_address_in_use_is_one_line(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        cluster = [f"127.0.0.1:{server.getsockname()[1]}", *free_addresses(1)]
        refused = start(folder, "--distributed", "--output", "in-use", environment=task(cluster, 0))
        _, errors = refused.communicate(timeout=120)
    assert refused.returncode == 1
    assert f"cannot listen at {cluster[0]}" in errors.splitlines()[-1]
    assert "Traceback" not in errors
