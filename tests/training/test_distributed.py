"""Two processes on loopback train one net, as one process would."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import Result

pytest.importorskip("tensorflow", reason="needs the extra train")

from audiotagger.errors import RunError
from audiotagger.training.rendezvous import meet

ARGS = ("train", "--model", "wave", "--epochs", "3")


def start(folder: Path, *args: str, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "audiotagger", *ARGS, *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "AUDIOTAGGER_CACHE": str(folder / "cache"), **(environment or {})},
    )


def free_addresses(count: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = [f"127.0.0.1:{server.getsockname()[1]}" for server in sockets]
    for server in sockets:
        server.close()
    return addresses


def start_two(folder: Path, *args: str) -> list[subprocess.Popen[str]]:
    cluster = {"worker": free_addresses(2)}
    configs = [{"cluster": cluster, "task": {"type": "worker", "index": index}} for index in range(2)]
    return [start(folder, "--distributed", *args, environment={"TF_CONFIG": json.dumps(config)}) for config in configs]


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


def test_two_workers_get_what_one_process_gets_and_go_on_after_one_was_killed(folder: Path) -> None:
    alone = start(folder, "--output", "alone")
    _, errors = alone.communicate(timeout=600)
    assert alone.returncode == 0, errors

    chief, other = start_two(folder, "--output", "shared")
    while not (folder / "shared" / "checkpoint.npz").exists() and chief.poll() is None:
        time.sleep(0.05)
    other.send_signal(signal.SIGKILL)
    output, errors = chief.communicate(timeout=600)
    other.communicate()
    assert (chief.returncode, output) == (1, "")
    assert "another worker has gone" in errors.splitlines()[-1]
    assert "Traceback" not in errors

    chief, other = start_two(folder, "--output", "shared", "--resume")
    output, errors = chief.communicate(timeout=600)
    assert chief.returncode == 0, errors
    assert output == "shared\n"
    assert "epoch   1/3" not in errors
    assert "epoch   3/3" in errors
    output, errors = other.communicate(timeout=600)
    assert (other.returncode, output, errors) == (0, "", "")

    # Each worker has dropout, normalization and largest loss of the whole batch: nothing is switched off to compare.
    shared, whole = losses(folder / "shared"), losses(folder / "alone")
    assert shared[0] == pytest.approx(whole[0], rel=1e-4)
    # Keras sums a synchronized variance in another way: digits that maxima and the optimizer make larger, step by step.
    assert shared == pytest.approx(whole, rel=5e-3)
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
    config = {"cluster": {"worker": 5 * ["127.0.0.1:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    result = run(*ARGS, "--distributed", folder / "data", "--output", tmp_path / "run")
    assert result.exit_code == 1
    assert "5 workers" in result.stderr
    assert not (tmp_path / "run").exists()


def meet_in_threads(plans: list[dict[str, object]], missing: int = 0, seconds: float = 30) -> list[RunError | None]:
    addresses = free_addresses(len(plans) + missing)

    def one(index: int) -> RunError | None:
        try:
            meet(addresses, index, plans[index], seconds, lambda _: None)
        except RunError as error:
            return error
        return None

    with ThreadPoolExecutor() as pool:
        return list(pool.map(one, range(len(plans))))


def test_workers_with_the_same_plan_meet() -> None:
    assert meet_in_threads(3 * [{"seed": 0, "labels": ("noise", "tone")}]) == [None, None, None]


def test_workers_with_another_plan_are_told_what_differs() -> None:
    errors = meet_in_threads([{"seed": 0, "step": 4}, {"seed": 0, "step": 7}, {"seed": 0, "step": 4}])
    assert all("another step than worker 0" in str(error) for error in errors)


def test_a_worker_that_does_not_come_is_named() -> None:
    errors = meet_in_threads([{"seed": 0}, {"seed": 0}], missing=1, seconds=1)
    assert "worker 2 (127.0.0.1:" in str(errors[0])
    assert "start all workers" in str(errors[0])
    assert "worker 0 (127.0.0.1:" in str(errors[1])


def test_a_worker_that_went_before_all_were_there_may_come_again() -> None:
    addresses = free_addresses(3)
    host, port = addresses[0].split(":")
    plan = {"seed": 0}
    with ThreadPoolExecutor() as pool:
        chief = pool.submit(meet, addresses, 0, plan, 30, lambda _: None)
        gone: socket.socket | None = None
        while gone is None:
            try:
                gone = socket.create_connection((host, int(port)))
            except ConnectionRefusedError:
                time.sleep(0.05)
        gone.sendall(json.dumps({"index": 1, "plan": plan}).encode() + b"\n")
        gone.close()
        others = [pool.submit(meet, addresses, index, plan, 30, lambda _: None) for index in (2, 1)]
        assert [done.result() for done in (chief, *others)] == [None, None, None]
