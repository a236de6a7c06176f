"""A run that was killed, interrupted or stopped by a full disk can be resumed with the same result."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.conftest import command, only_run, rows, started, wait_until

pytest.importorskip("tensorflow", reason="needs the extra train")

Run = Callable[..., Result]

ARGS = ("train", "--model", "mel", "--epochs", "2", "--output")
"""As the finished run of `workshop` was trained."""


def stop_after_first_epoch(folder: Path, how: signal.Signals, *args: str) -> tuple[int, str]:
    """The exit status and stderr of a command whose last argument is its run folder."""
    with started(*args, cwd=folder, stderr=subprocess.PIPE) as process:
        wait_until((folder / args[-1] / "history.csv").exists, process)  # written right after the checkpoint
        process.send_signal(how)
        _, errors = process.communicate(timeout=60)
    return process.returncode, errors.decode()


@pytest.fixture(scope="module")
def killed(workshop: Path) -> Path:
    """A run that was killed after its first epoch, and would have become what `workshop` has."""
    status, errors = stop_after_first_epoch(workshop, signal.SIGKILL, *ARGS, "killed")
    assert status == -signal.SIGKILL, errors
    return workshop / "killed"


@pytest.fixture
def unfinished(workshop: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, as if it had been killed after its last checkpoint."""
    run = shutil.copytree(only_run(workshop, "mel"), tmp_path / "unfinished")
    for name in ("result.json", "model.keras", "report.csv"):
        (run / name).unlink()
    return run


def assert_same_history(run: Path, whole: Path) -> None:
    for row, expected in zip(rows(run / "history.csv"), rows(whole / "history.csv"), strict=True):
        for name in ("epoch", "loss", "val_map3", "val_macro_map3", "val_top1"):
            assert float(row[name]) == pytest.approx(float(expected[name]), rel=1e-3), name


@pytest.mark.slow
def test_a_killed_run_can_be_resumed(run: Run, workshop: Path, killed: Path) -> None:
    goes_on = shutil.copytree(killed, workshop / "goes-on")
    assert len(rows(goes_on / "history.csv")) == 1
    resumed = run(*ARGS, "goes-on", "--resume", cwd=workshop)
    assert resumed.exit_code == 0, resumed.stderr
    epochs = [line.split()[1] for line in resumed.stderr.splitlines() if line.startswith("epoch")]
    assert epochs == ["2/2"]
    assert_same_history(goes_on, only_run(workshop, "mel"))


@pytest.mark.slow
def test_a_full_disk_loses_no_finished_epoch(workshop: Path, killed: Path) -> None:
    def contents() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in full.iterdir() if path.suffix not in (".png", ".html")}

    full = shutil.copytree(killed, workshop / "full")
    before = contents()
    refused = command(*ARGS, "full", "--resume", cwd=workshop, largest_file=len(before["checkpoint.npz"]) // 2)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith("audiotagger: full/checkpoint.npz: ")
    assert "--resume" in refused.stderr.splitlines()[-1]
    # What it goes on with, once there is room, is as it was.
    assert contents() == before


def test_a_run_stopped_after_its_last_epoch_is_finished(run: Run, workshop: Path, unfinished: Path) -> None:
    expected = json.loads((only_run(workshop, "mel") / "result.json").read_text())["validation"]
    lines = (unfinished / "history.csv").read_text().splitlines(keepends=True)
    (unfinished / "history.csv").write_text("".join(lines[:-1]))  # killed between a checkpoint and this
    (unfinished / ".model.keras.0.partial").mkdir()
    (unfinished / ".model.keras.0.partial" / "model.keras").write_bytes(b"half")
    done = run(*ARGS, unfinished, "--resume", cwd=workshop)
    assert done.exit_code == 0, done.stderr
    assert "epoch " not in done.stderr
    assert (unfinished / "history.csv").read_text() == "".join(lines)
    assert json.loads((unfinished / "result.json").read_text())["validation"] == pytest.approx(expected)
    assert (unfinished / "model.keras").is_file()
    assert not [*unfinished.glob("*partial*")]


@pytest.mark.slow
def test_an_interrupted_run_prints_how_to_resume_it(workshop: Path) -> None:
    args = ("train", "--model", "wave", "--epochs", "50", "--output", "interrupted")
    status, errors = stop_after_first_epoch(workshop, signal.SIGINT, *args)
    assert status == 130, errors
    assert errors.splitlines()[-1].endswith("--resume")


def test_a_run_cannot_be_resumed_with_other_options(run: Run, workshop: Path, unfinished: Path) -> None:
    from audiotagger.training.run_folder import locked

    for options, remedy in (
        ([], "--resume"),
        (["--resume", "--seed", "5"], "seed 0"),
        (["--resume", "--no-hold-out"], "hold-out True"),
        (["--resume", "--teacher", "other.onnx"], "teacher None"),
        (["--resume", "--init", "scratch"], "init pretrained"),
    ):
        refused = run(*ARGS, unfinished, *options, cwd=workshop)
        assert refused.exit_code == 1
        assert remedy in refused.stderr
    with locked(unfinished):
        refused = run(*ARGS, unfinished, "--resume", cwd=workshop)
    assert refused.exit_code == 1
    assert "another process" in refused.stderr


def test_tensorboard_shows_what_the_history_says(workshop: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    history = rows(only_run(workshop, "mel") / "history.csv")
    for folder, tag, column in (("train", "epoch_loss", "loss"), ("validation", "epoch_map3", "val_map3")):
        events = EventAccumulator(str(only_run(workshop, "mel") / "tensorboard" / folder)).Reload().Tensors(tag)
        assert [event.step for event in events] == [int(row["epoch"]) for row in history]
        values = [float(make_ndarray(event.tensor_proto)) for event in events]
        assert values == pytest.approx([float(row[column]) for row in history])


def test_a_finished_run_is_not_replaced(run: Run, workshop: Path, tmp_path: Path) -> None:
    finished = shutil.copytree(only_run(workshop, "mel"), tmp_path / "[v2] [/v3]")
    (finished / "checkpoint.npz").unlink()  # the largest file of a run
    before = (finished / "config.json").read_bytes()
    done = run("train", "--model", "mel", "--epochs", 1, "--output", finished, cwd=workshop)
    assert done.exit_code == 1
    assert "holds a run already" in done.stderr
    assert (finished / "config.json").read_bytes() == before


def test_a_run_whose_data_is_gone_is_one_line(run: Run, workshop: Path, corpus: Path, tmp_path: Path) -> None:
    begun = shutil.copytree(only_run(workshop, "mel"), tmp_path / "[v2] [/v3]")
    (begun / "result.json").unlink()
    config = json.loads((begun / "config.json").read_text())
    (begun / "config.json").write_text(json.dumps(config | {"data": str(tmp_path / "gone")}))
    done = run("train", "--model", "mel", "--output", begun, "--resume", cwd=workshop)
    assert done.exit_code == 1
    assert "is gone; bring it back" in done.stderr
    assert str(begun) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_teacher_that_is_not_there_is_one_line(run: Run, workshop: Path, tmp_path: Path) -> None:
    done = run("train", "--model", "mel", "--teacher", "none.onnx", "--output", tmp_path / "run", cwd=workshop)
    assert done.exit_code == 2
    assert "none.onnx: No such file or directory; --teacher takes an ONNX model" in done.stderr
    assert not (tmp_path / "run").exists()


def test_the_newest_run_of_the_same_data_is_resumed(run: Run, unfinished: Path, corpus: Path, tmp_path: Path) -> None:
    older = shutil.copytree(unfinished, tmp_path / "here" / "runs" / "older")
    newer = shutil.copytree(unfinished, tmp_path / "here" / "runs" / "newer")
    config = json.loads((newer / "config.json").read_text())
    (newer / "config.json").write_text(json.dumps(config | {"data": str(tmp_path / "gone")}))
    done = run("train", "--model", "mel", corpus, "--resume", cwd=tmp_path / "here")
    assert done.exit_code == 0, done.stderr
    assert (older / "result.json").exists()
    assert not (newer / "result.json").exists()
