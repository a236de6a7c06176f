"""`audiotagger runs` on folders as training leaves them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from typer.testing import Result

from audiotagger.datasets.dataset import read_dataset
from audiotagger.training.recipes import RECIPES
from audiotagger.training.run_folder import new_config

Run = Callable[..., Result]

HISTORY = (
    "epoch,loss,val_map3,val_macro_map3,val_top1,clips_per_second\n1,3.1,0.5,0.4,0.3,9.0\n2,2.1,0.6,0.55,0.4,9.0\n"
)


@pytest.fixture
def runs(tmp_path: Path, corpus: Path) -> Path:
    """Runs in this order: stopped at once, finished, stopped after two epochs, with half a checkpoint, with half a
    config, of another version.
    """
    recipe = replace(RECIPES["mel", "default"], epochs=3)
    config = json.dumps(asdict(new_config("mel", "default", read_dataset(corpus), recipe, 0, None, 0)))
    files: dict[str, dict[str, str]] = {
        "began": {"config.json": config},
        "done": {
            "config.json": config,
            "history.csv": HISTORY + "3,1.1,0.7,0.65,0.5,9.0\n",
            "result.json": '{"validation": {"clips": 10, "map3": 0.71, "macro_map3": 0.66, "top1": 0.51}}',
        },
        "stopped": {"config.json": config, "history.csv": HISTORY},
        "damaged": {"config.json": config, "history.csv": HISTORY, "checkpoint.npz": "PK half"},
        "half": {"config.json": config[:50]},
        "old": {"config.json": config.replace('"recipe": {', '"recipe": {"soft_labels": 0.3, ')},
    }
    folder = tmp_path / "runs"
    for age, (name, contents) in enumerate(files.items()):
        (folder / name).mkdir(parents=True)
        for file, text in contents.items():
            (folder / name / file).write_text(text)
        os.utime(folder / name / "config.json", (1e9 + age, 1e9 + age))
    (folder / "no run").mkdir()
    return folder


def test_json_has_all_that_is_known_of_runs(
    run: Run, runs: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runs.parent)
    done = run("runs", "--format", "json")
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    listed = json.loads(done.stdout)
    about = {"model": "mel", "arch": "default", "data": str(corpus), "total_epochs": 3, "error": None}
    none = {"map3": None, "macro_map3": None, "top1": None}
    assert listed[:3] == [
        {"run": "runs/began", **about, "epochs": 0, **none, "state": "unfinished"},
        {"run": "runs/done", **about, "epochs": 3, "map3": 0.71, "macro_map3": 0.66, "top1": 0.51, "state": "finished"},
        {"run": "runs/stopped", **about, "epochs": 2, "map3": 0.6, "macro_map3": 0.55, "top1": 0.4}
        | {"state": "unfinished"},
    ]
    assert [(one["run"], one["state"], one["model"]) for one in listed[3:]] == [
        (f"runs/{name}", "broken", None) for name in ("damaged", "half", "old")
    ]
    assert "another version" in listed[5]["error"]


def test_the_table_fits_into_80_columns(run: Run, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs.parent)
    (runs / "done").rename(runs / "mel-20260102-030405")
    done = run("runs")
    assert done.exit_code == 0, done.output
    titles, *lines = done.stdout.splitlines()
    assert titles.split() == ["run", "model", "epochs", "MAP@3", "macro", "top-1", "state"]
    assert max(map(len, [titles, *lines])) <= 80
    assert [line.split() for line in lines] == [
        ["runs/began", "mel", "0/3", "unfinished"],
        ["runs/mel-20260102-030405", "mel", "3/3", "0.710", "0.660", "0.510", "finished"],
        ["runs/stopped", "mel", "2/3", "0.600", "0.550", "0.400", "unfinished"],
        ["runs/damaged", "broken"],
        ["runs/half", "broken"],
        ["runs/old", "broken"],
    ]
    reasons = done.stderr.splitlines()
    assert len(reasons) == 3
    assert "checkpoint.npz: damaged" in reasons[0]


def test_a_run_is_listed_alone(run: Run, runs: Path) -> None:
    (line,) = run("runs", runs / "done").stdout.splitlines()[1:]
    assert line.split()[0] == str(runs / "done")


def test_no_folder_is_one_line_that_says_what_makes_one(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("runs")
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert "audiotagger train" in done.stderr


def test_a_damaged_config_is_one_line(run: Run, runs: Path) -> None:
    pytest.importorskip("tensorflow", reason="needs the extra train")
    done = run("train", "--model", "mel", "--output", runs / "half", "--resume")
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert "config.json: damaged" in done.stderr
