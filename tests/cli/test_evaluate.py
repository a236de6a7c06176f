"""`audiotagger evaluate` with the shipped nets, on the clips of examples/ under labels of which some are wrong."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from audiotagger.inference.model import shipped_models
from tests.conftest import EXAMPLES

Run = Callable[..., Result]

CLIPS = {
    "Flute": ["flute.ogg"],
    "Glockenspiel": ["glockenspiel.wav"],
    "Trumpet": ["trumpet.mp3", "violin.opus", "hi-hat.wav"],
    "Violin_or_fiddle": ["violin.opus"],
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    for split in ("train", "test"):
        for label, names in CLIPS.items():
            folder = root / split / label
            folder.mkdir(parents=True)
            for name in names:
                shutil.copy(EXAMPLES / name, folder)
    return root


@pytest.fixture
def found(run: Run, data: Path) -> dict[str, Any]:
    result = run("evaluate", data, "--format", "json")
    assert result.exit_code == 0, result.output
    figures: dict[str, Any] = json.loads(result.stdout)
    return figures


def test_json_holds_all_figures(found: dict[str, Any]) -> None:
    assert list(found) == ["clips", "nets", "gains", "complements", "confident", "others"]
    assert found["clips"] == 6
    assert list(found["nets"]) == ["mel", "wave", "average"]
    average = found["nets"]["average"]
    assert list(average) == ["map3", "macro_map3", "top1", "ece", "intervals", "labels"]
    assert average["top1"] == pytest.approx(4 / 6)
    assert list(average["intervals"]) == ["map3", "macro_map3", "top1"]
    for name, (low, high) in average["intervals"].items():
        assert 0 <= low < average[name] < high <= 1
    assert [gain["net"] for gain in found["gains"]] == ["mel", "wave"]
    for gain in found["gains"]:
        assert gain["map3"] == pytest.approx(average["map3"] - found["nets"][gain["net"]]["map3"])
        assert gain["interval"][0] <= gain["map3"] <= gain["interval"][1]
    assert [(one["net"], one["helper"]) for one in found["complements"]] == [("mel", "wave"), ("wave", "mel")]
    assert found["others"] is None


def test_a_label_says_what_it_is_taken_for(found: dict[str, Any]) -> None:
    labels = found["nets"]["average"]["labels"]
    assert list(labels) == ["Flute", "Glockenspiel", "Trumpet", "Violin_or_fiddle"]
    assert labels["Flute"] == {
        "clips": 1,
        "ap": 1.0,
        "map3": 1.0,
        "recall": 1.0,
        "wrong_label": None,
        "wrong_clips": 0,
    }
    trumpet = labels["Trumpet"]
    assert (trumpet["clips"], trumpet["wrong_clips"]) == (3, 1)
    assert trumpet["wrong_label"] in {"Hi-hat", "Violin_or_fiddle"}
    assert trumpet["recall"] == pytest.approx(1 / 3)
    assert trumpet["ap"] < 1
    assert labels["Violin_or_fiddle"]["ap"] == pytest.approx(0.5)  # the other violin, called a trumpet, scores the same


def test_csv_is_a_tidy_table_of_the_same_figures(run: Run, data: Path, found: dict[str, Any]) -> None:
    result = run("evaluate", data, "--format", "csv")
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(result.stdout.splitlines()))
    assert [(row["net"], row["label"]) for row in rows] == [
        (net, label) for net in found["nets"] for label in ("", *CLIPS)
    ]
    for row in rows:
        net = found["nets"][row["net"]]
        one = net["labels"][row["label"]] if row["label"] else net
        assert float(row["map3"]) == one["map3"]
        if row["label"]:
            assert (row["wrong_label"] or None, float(row["ap"])) == (one["wrong_label"], one["ap"])
        else:
            assert [float(row["top1_low"]), float(row["top1_high"])] == net["intervals"]["top1"]
            assert row["clips"] == "6"


def test_the_table_fits_into_100_columns(run: Run, data: Path, found: dict[str, Any]) -> None:
    result = run("evaluate", data)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    words = [line.split() for line in lines]
    low, high = found["nets"]["wave"]["intervals"]["map3"]
    assert any(row[:2] == ["wave", f"{low:.3f}-{high:.3f}"] for row in words)
    average = found["nets"]["average"]["labels"]["Trumpet"]
    assert words[-2][:2] == ["Trumpet", "3"]
    assert words[-2][4:] == [
        *(f"{average[name]:.3f}" for name in ("map3", "ap", "recall")),
        average["wrong_label"],
        "1",
    ]


def test_one_net_alone_is_evaluated(run: Run, data: Path, tmp_path: Path) -> None:
    shutil.copy(shipped_models() / "wave.onnx", tmp_path)
    result = run("evaluate", data, "--models", tmp_path)
    assert result.exit_code == 0, result.output
    assert "is right on" not in result.stdout
    found = json.loads(run("evaluate", data, "--models", tmp_path, "--format", "json").stdout)
    assert found["complements"] == []
    assert found["nets"]["wave"] == found["nets"]["average"]
