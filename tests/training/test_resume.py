"""A run that was killed, interrupted or stopped by a full disk can be resumed with the same result."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import Result

from tests.conftest import command, rows

pytest.importorskip("tensorflow", reason="needs the extra train")

ARGS = ("train", "--model", "mel", "--epochs", "4", "--output")


def stop_after_first_epoch(folder: Path, how: signal.Signals, *args: str) -> tuple[int, str]:
    """The exit status and stderr of a command whose last argument is its run folder."""
    process = subprocess.Popen(
        [sys.executable, "-m", "audiotagger", *args],
        cwd=folder,
        env={**os.environ, "AUDIOTAGGER_CACHE": str(folder / "cache")},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 300
    # It is written right after the checkpoint.
    while not (folder / args[-1] / "history.csv").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(how)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Path:
    """A folder with data/, a run "killed" after its first epoch, and one with the same options that is "whole"."""
    root = tmp_path_factory.mktemp("workshop")
    (root / "data").symlink_to(corpus)
    stop_after_first_epoch(root, signal.SIGKILL, *ARGS, "killed")
    done = command(*ARGS, "whole", *(["--tensorboard"] if find_spec("tensorboard") else []), cwd=root)
    assert done.returncode == 0, done.stderr
    return root


def assert_same_history(run: Path, whole: Path) -> None:
    for row, expected in zip(rows(run / "history.csv"), rows(whole / "history.csv"), strict=True):
        for name in ("epoch", "loss", "val_map3", "val_macro_map3", "val_top1"):
            assert float(row[name]) == pytest.approx(float(expected[name]), rel=1e-3), name


def test_a_killed_run_can_be_resumed(workshop: Path) -> None:
    run = shutil.copytree(workshop / "killed", workshop / "goes-on")
    done_epochs = len(rows(run / "history.csv"))
    resumed = command(*ARGS, "goes-on", "--resume", cwd=workshop)
    assert resumed.returncode == 0, resumed.stderr
    epochs = [line.split()[1] for line in resumed.stderr.splitlines() if line.startswith("epoch")]
    assert epochs == [f"{epoch}/4" for epoch in range(done_epochs + 1, 5)]
    assert_same_history(run, workshop / "whole")


def test_a_full_disk_loses_no_finished_epoch(workshop: Path) -> None:
    run = shutil.copytree(workshop / "killed", workshop / "full")
    checkpoint = (run / "checkpoint.npz").read_bytes()
    refused = command(*ARGS, "full", "--resume", cwd=workshop, largest_file=len(checkpoint) // 2)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith("audiotagger: full/checkpoint.npz: ")
    assert "make room" in refused.stderr.splitlines()[-1]
    assert "--resume" in refused.stderr.splitlines()[-1]
    assert (run / "checkpoint.npz").read_bytes() == checkpoint
    assert not [*run.glob("*partial*")]
    resumed = command(*ARGS, "full", "--resume", cwd=workshop)
    assert resumed.returncode == 0, resumed.stderr
    assert_same_history(run, workshop / "whole")


def test_a_run_stopped_after_its_last_epoch_is_finished(workshop: Path) -> None:
    run = shutil.copytree(workshop / "whole", workshop / "nearly")
    expected = json.loads((run / "result.json").read_text())["validation"]
    for name in ("result.json", "model.keras", "report.csv"):
        (run / name).unlink()
    lines = (run / "history.csv").read_text().splitlines(keepends=True)
    (run / "history.csv").write_text("".join(lines[:-1]))  # killed between a checkpoint and this
    (run / ".model.keras.0.partial").mkdir()
    (run / ".model.keras.0.partial" / "model.keras").write_bytes(b"half")
    done = command(*ARGS, "nearly", "--resume", cwd=workshop)
    assert done.returncode == 0, done.stderr
    assert "epoch " not in done.stderr
    assert (run / "history.csv").read_text() == "".join(lines)
    assert json.loads((run / "result.json").read_text())["validation"] == pytest.approx(expected)
    assert (run / "model.keras").is_file()
    assert not [*run.glob("*partial*")]


def test_an_interrupted_run_prints_how_to_resume_it(workshop: Path) -> None:
    args = ("train", "--model", "wave", "--epochs", "50", "--output", "interrupted")
    status, errors = stop_after_first_epoch(workshop, signal.SIGINT, *args)
    assert status == 130, errors
    assert errors.splitlines()[-1].endswith("--resume")


def test_a_run_cannot_be_resumed_with_other_options(
    run: Callable[..., Result], workshop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from audiotagger.training.run_folder import locked

    monkeypatch.chdir(workshop)
    for options, remedy in (
        ([], "--resume"),
        (["--resume", "--seed", "5"], "seed 0"),
        (["--resume", "--no-hold-out"], "hold-out True"),
        (["--resume", "--teacher", "other.onnx"], "teacher None"),
        (["--resume", "--init", "scratch"], "init pretrained"),
    ):
        refused = run(*ARGS, "killed", *options)
        assert refused.exit_code == 1
        assert remedy in refused.stderr
    with locked(Path("killed")):
        refused = run(*ARGS, "killed", "--resume")
    assert refused.exit_code == 1
    assert "another process" in refused.stderr


def test_a_killed_run_on_unverified_clips_can_be_resumed(workshop: Path, corpus: Path) -> None:
    data = workshop / "doubted"
    data.mkdir()
    for path in corpus.iterdir():
        if path.name != "train.csv":
            (data / path.name).symlink_to(path)
    with (data / "train.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["fname", "label", "manually_verified"])
        table.writerows([row["fname"], row["label"], i % 3 % 2] for i, row in enumerate(rows(corpus / "train.csv")))
    args = ("train", "--model", "mel", "--epochs", "2", "doubted", "--output")
    stop_after_first_epoch(workshop, signal.SIGKILL, *args, "doubted-killed")
    for options in (["doubted-killed", "--resume"], ["doubted-whole"]):
        done = command(*args, *options, cwd=workshop)
        assert done.returncode == 0, done.stderr
    assert_same_history(workshop / "doubted-killed", workshop / "doubted-whole")


def test_tensorboard_logs_the_history(workshop: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    history = rows(workshop / "whole" / "history.csv")
    for folder, tag, column in (("train", "epoch_loss", "loss"), ("validation", "epoch_map3", "val_map3")):
        events = EventAccumulator(str(workshop / "whole" / "tensorboard" / folder)).Reload().Tensors(tag)
        assert [event.step for event in events] == [int(row["epoch"]) for row in history]
        values = [float(make_ndarray(event.tensor_proto)) for event in events]
        assert values == pytest.approx([float(row[column]) for row in history])
