"""`audiotagger evaluate` with the shipped models, on the clips of examples/ under labels of which some are wrong."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
from typer.testing import Result

from audiotagger import Tagger
from audiotagger.inference.model import shipped_models
from tests.conftest import EXAMPLES, command, invoke, noise, tone

Run = Callable[..., Result]

CLIPS = {
    "Flute": ["flute.ogg"],
    "Glockenspiel": ["glockenspiel.wav"],
    "Trumpet": ["trumpet.mp3", "violin.opus", "hi-hat.wav"],
    "Violin_or_fiddle": ["violin.opus"],
}


def copy_clips(root: Path) -> None:
    for label, names in CLIPS.items():
        (root / label).mkdir(parents=True)
        for name in names:
            shutil.copy(EXAMPLES / name, root / label)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    for split in ("train", "test"):
        copy_clips(root / split)
    return root


def report(*args: object) -> dict[str, Any]:
    result = invoke("evaluate", *args, "--format", "json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture(scope="module")
def found(data: Path) -> dict[str, Any]:
    return report(data, "--all-labels")


def test_json_has_all_scores(found: dict[str, Any]) -> None:
    assert list(found)[:5] == ["split", "clips", "labels", "known_labels", "models"]
    assert list(found)[5:] == ["gains", "complements", "confident", "out_of_domain", "further"]
    assert (found["split"], found["clips"], found["labels"], found["known_labels"]) == ("test", 6, 92, 92)
    assert list(found["models"]) == ["mel", "wave", "ensemble"]
    ensemble = found["models"]["ensemble"]
    assert set(ensemble) == {"map3", "macro_map3", "top1", "ece", "intervals", "labels"}
    assert ensemble["top1"] == pytest.approx(4 / 6)
    assert ensemble["intervals"] == {"map3": None, "macro_map3": None, "top1": None}  # of six clips
    assert [gain["model"] for gain in found["gains"]] == ["mel", "wave"]
    for gain in found["gains"]:
        assert gain["map3"] == pytest.approx(ensemble["map3"] - found["models"][gain["model"]]["map3"])
    assert [(one["model"], one["helper"]) for one in found["complements"]] == [("mel", "wave"), ("wave", "mel")]
    assert found["out_of_domain"] is found["further"] is None


def test_a_label_is_scored_and_shows_what_it_is_confused_with(found: dict[str, Any]) -> None:
    labels = found["models"]["ensemble"]["labels"]
    assert list(labels) == ["Flute", "Glockenspiel", "Trumpet", "Violin_or_fiddle"]
    perfect = {"clips": 1, "ap": 1.0, "map3": 1.0, "recall": 1.0, "confused_with": None, "confused_clips": 0}
    assert labels["Flute"] == perfect
    trumpet = labels["Trumpet"]
    assert (trumpet["clips"], trumpet["confused_clips"]) == (3, 1)
    assert trumpet["confused_with"] in {"Hi-hat", "Violin_or_fiddle"}
    assert trumpet["recall"] == pytest.approx(1 / 3)
    assert trumpet["ap"] < 1
    assert labels["Violin_or_fiddle"]["ap"] == pytest.approx(0.5)  # the other violin, called a trumpet, scores the same


def test_scores_are_over_the_labels_of_the_data(run: Run, data: Path, found: dict[str, Any]) -> None:
    own = report(data)
    assert (own["labels"], own["known_labels"]) == (4, 92)
    ensemble = own["models"]["ensemble"]
    assert ensemble["labels"]["Trumpet"]["confused_with"] in CLIPS  # the hi-hat can be none of the other 37
    assert ensemble["map3"] >= found["models"]["ensemble"]["map3"]
    assert own["confident"] == found["confident"]
    tagged = [json.loads(line) for line in run("tag", data / "test", "--format", "jsonl").stdout.splitlines()]
    assert own["confident"] == pytest.approx(sum(one["confident"] for one in tagged) / 6)


def test_csv_is_a_tidy_table_of_the_same_scores(run: Run, data: Path) -> None:
    found = report(data)
    result = run("evaluate", data, "--format", "csv")
    assert result.exit_code == 0, result.output
    table = list(csv.DictReader(result.stdout.splitlines()))
    assert [(row["model"], row["label"]) for row in table] == [
        (model, label) for model in found["models"] for label in ("", *CLIPS)
    ]
    for row in table:
        model = found["models"][row["model"]]
        one = model["labels"][row["label"]] if row["label"] else model
        assert float(row["map3"]) == one["map3"]
        assert row["map3_low"] == ""
        if row["label"]:
            assert (row["confused_with"] or None, float(row["ap"])) == (one["confused_with"], one["ap"])
        else:
            assert row["clips"] == "6"


def test_a_few_clips_of_a_few_labels_have_a_rough_table(run: Run, data: Path) -> None:
    result = run("evaluate", data)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "6 test clips of 4 labels"
    assert "4 of the models' 92 labels" in lines[1]
    assert lines[2].startswith("fewer than 30 clips")
    assert lines[4].split() == ["model", "top-1", "MAP@3", "macro", "ECE"]
    assert "CI" not in result.stdout
    own = report(data)["models"]["ensemble"]
    assert lines[7].split() == ["ensemble", *(f"{own[name]:.3f}" for name in ("top1", "map3", "macro_map3", "ece"))]
    trumpet = own["labels"]["Trumpet"]
    (line,) = (line.split() for line in lines if line.startswith("Trumpet"))
    assert line[:2] == ["Trumpet", "3"]
    assert line[2:5] == [f"{trumpet[name]:.3f}" for name in ("ap", "recall", "map3")]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with 32 test clips of ten labels, some right; and other sounds, of which the models know a Bark."""
    root = tmp_path_factory.mktemp("many")
    labels = ["Glockenspiel", "Flute", *Tagger.load().labels[3:11]]
    lists: dict[str, list[list[str]]] = {"test": [], "other": []}
    for i in range(32):
        lists["test"].append([f"t{i}.wav", labels[i % 10]])
    for name, label, split in (("b", "Bark", "test"), ("r", "Zeppelin", "test"), ("s", "Zeppelin", "train")):
        lists["other"].append([f"{name}.wav", label, split])
    for seed, (split, listed) in enumerate(lists.items()):
        (root / f"audio_{split}").mkdir()
        for i, (name, *_) in enumerate(listed):
            soundfile.write(root / f"audio_{split}" / name, noise(1.0, seed=100 * seed + i), 16_000)
        with (root / f"{split}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["fname", "label", "split"][: len(listed[0])], *listed])
    for i in range(0, 32, 10):
        shutil.copy(EXAMPLES / "glockenspiel.wav", root / "audio_test" / f"t{i}.wav")
    return root


def test_many_clips_have_intervals_and_other_sounds_are_scored_if_the_models_know_them(run: Run, many: Path) -> None:
    found = report(many, "--all-labels")
    for model in found["models"].values():
        for name, interval in model["intervals"].items():
            assert interval is None or interval[0] <= model[name] <= interval[1]
    result = run("evaluate", many, "--all-labels")
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "32 test clips of 10 labels"
    assert lines[2].split()[:2] == ["model", "MAP@3"]
    low, high = found["models"]["wave"]["intervals"]["map3"]
    assert any(line.startswith("wave") and f"{low:.3f}-{high:.3f}" in line for line in lines)

    assert found["out_of_domain"]["clips"] == 1
    assert found["further"]["clips"] == 1
    assert list(found["further"]["models"]["ensemble"]["labels"]) == ["Bark"]
    assert "1 test clip of further sounds, 1 label" in lines
    without = report(many)
    assert without["further"] is None
    assert without["out_of_domain"]["clips"] == 2  # a bark is outside the labels of the dataset, too


def test_a_folder_without_a_test_split_is_scored_as_a_whole(run: Run, tmp_path: Path) -> None:
    copy_clips(tmp_path / "sounds")
    result = run("evaluate", tmp_path / "sounds", "--format", "json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["split"] == "all"
    assert json.loads(result.stdout)["clips"] == 6
    assert result.stderr == f"audiotagger: {tmp_path}/sounds: no test split; scored all clips\n"
    assert run("evaluate", tmp_path / "sounds").stdout.startswith("6 clips of 4 labels\n")
    refused = run("evaluate", tmp_path / "sounds", "--split", "test")
    assert refused.exit_code == 2
    assert "no test clips" in refused.stderr


def test_labels_that_the_models_do_not_know_are_named(run: Run, tmp_path: Path) -> None:
    copy_clips(tmp_path / "sounds")
    (tmp_path / "sounds" / "Flute").rename(tmp_path / "sounds" / "Whistle")
    refused = run("evaluate", tmp_path / "sounds")
    assert refused.exit_code == 2
    assert refused.stderr.count("\n") == 1
    assert "do not know these labels: Whistle" in refused.stderr


def test_one_model_alone_is_evaluated(run: Run, data: Path, tmp_path: Path) -> None:
    shutil.copy(shipped_models() / "wave.onnx", tmp_path)
    result = run("evaluate", data, "--models", tmp_path)
    assert result.exit_code == 0, result.output
    assert "ensemble" not in result.stdout
    found = report(data, "--models", tmp_path)
    assert found["complements"] == found["gains"] == []
    assert found["models"]["wave"] == found["models"]["ensemble"]


def test_the_confusion_matrix_is_plotted(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    done = command("evaluate", data, "--plot", "confusion.png", "--format", "csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "confusion.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "to",
    [("--plot", "p.nothing"), ("--plot", "missing/p.png"), ("--report", "missing/p.html"), ("--report", "folder.html")],
)
def test_a_destination_that_cannot_be_written_is_refused_before_anything_is_scored(
    to: tuple[str, str], data: Path, tmp_path: Path
) -> None:
    if "--plot" in to:
        pytest.importorskip("matplotlib", reason="needs the extra plot")
    (tmp_path / "folder.html").mkdir()
    refused = command("evaluate", data, *to, cwd=tmp_path)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr.count("\n") == 1
    assert to[1] in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["folder.html"]


def test_labels_that_look_like_formulas_are_plotted(run: Callable[..., Result], tmp_path: Path) -> None:
    for label, hertz in (("cost $5_$", 300.0), ("音", 900.0)):
        (tmp_path / "data" / label).mkdir(parents=True)
        soundfile.write(tmp_path / "data" / label / "a.wav", tone(1.0, hertz=hertz), 16_000)
    rows = "".join(f"data/{label}/a.wav,{label}\n" for label in ("cost $5_$", "音"))
    (tmp_path / "clips.csv").write_text(f"path,label\n{rows}", encoding="utf-8")
    onnx = pytest.importorskip("onnx", reason="needs the extra train")
    shutil.copytree(shipped_models(), tmp_path / "models", ignore=shutil.ignore_patterns("wave*", "SHA*", "*.keras"))
    proto = onnx.load(tmp_path / "models" / "mel.onnx")
    for each in proto.metadata_props:
        if each.key == "labels":
            each.value = json.dumps([*json.loads(each.value)[:-2], "cost $5_$", "音"])
    onnx.save(proto, tmp_path / "models" / "mel.onnx")
    done = run("evaluate", "clips.csv", "--models", "models", "--plot", "confusion.png", cwd=tmp_path)
    assert done.exit_code == 0, done.output
    assert "Glyph" not in done.stderr
    assert (tmp_path / "confusion.png").read_bytes().startswith(b"\x89PNG")
