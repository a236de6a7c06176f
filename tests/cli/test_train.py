"""Train, export, evaluate and tag for real, on a tiny corpus."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

from audiotagger.inference.model import Model, shipped_models
from tests.conftest import EXAMPLES, invoke, only_run, rows
from tests.report.conftest import blocks, records

pytest.importorskip("tensorflow", reason="needs the extra train")

from audiotagger.training.keras_file import load_keras
from audiotagger.training.run_folder import newest_finished

Run = Callable[..., Result]


def test_a_run_tells_its_story(run: Run, workshop: Path) -> None:
    folder = only_run(workshop, "mel")
    said = (workshop / "mel.txt").read_text()
    assert f"runs/{folder.name}\n" in said
    assert "val top-1" in said
    assert "clips are held out; validation scores are rough" in said
    config = json.loads((folder / "config.json").read_text())
    assert config["labels"] == ["noise", "tone"]
    assert config["recipe"]["epochs"] == 2
    history = rows(folder / "history.csv")
    assert [row["epoch"] for row in history] == ["1", "2"]
    assert 0 <= float(history[-1]["val_map3"]) <= 1
    validation = json.loads((folder / "result.json").read_text())["validation"]
    assert validation["clips"] > 0
    report = rows(folder / "report.csv")
    assert [row["label"] for row in report] == ["", "noise", "tone"]
    assert float(report[0]["map3"]) == pytest.approx(validation["map3"])
    assert sum(int(row["clips"]) for row in report[1:]) == validation["clips"]
    assert all(float(row["val_loss"]) > 0 for row in history)
    about = dict(blocks(folder / "report.html"))["about"]
    assert [row["val_loss"] for row in about["history"]] == [float(row["val_loss"]) for row in history]
    assert about["charts"]["mel"]["scores"]["map3"] == pytest.approx(validation["map3"])
    assert len(records(folder / "report.html")) == validation["clips"]
    for picture in ("curves.png", "confusion.png"):
        assert (folder / picture).read_bytes().startswith(b"\x89PNG")
    (listed,) = run("runs", cwd=workshop).stdout.splitlines()[1:]
    assert listed.split()[:2] == [f"runs/{folder.name}", "mel"]
    assert listed.split()[-1] == "finished"


def assert_export_agrees(root: Path, kind: str) -> None:
    import keras

    model = Model.load(root / "models" / f"{kind}.onnx")
    net = keras.saving.load_model(root / "models" / f"{kind}.keras")
    assert getattr(net, "optimizer", None) is None
    windows = np.load(only_run(root, kind) / "windows.npy")
    logits = np.asarray(net(windows)) / model.temperature
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert expected.shape[1] == 3  # noise, tone, and none of these, which stays inside
    assert np.max(np.abs(model.predict(windows) - expected[:, :2])) < 1e-4
    embedding = keras.Model(net.input, net.get_layer("embedding").output)(windows)
    np.testing.assert_allclose(model.embed(windows), embedding, atol=1e-3)
    assert (model.kind, model.labels, model.sample_rate) == (kind, ("noise", "tone"), 16_000)
    assert model.window_samples == windows.shape[1]


def test_export_agrees_with_keras_on_real_windows(workshop: Path) -> None:
    assert_export_agrees(workshop, "mel")


@pytest.mark.slow
def test_both_models_are_trained_and_exported_together(run: Run, both: Path) -> None:
    assert_export_agrees(both, "wave")
    listed = [line.split() for line in run("runs", cwd=both).stdout.splitlines()[1:]]
    assert [(line[1], line[-1]) for line in listed] == [("mel", "finished"), ("wave", "finished")]
    verified = run("models", "verify", "--models", "models", cwd=both)
    assert verified.exit_code == 0, verified.stdout
    assert [line.split()[1] for line in verified.stdout.splitlines()] == ["models/mel.onnx:", "models/wave.onnx:"]
    before = {path.name: path.read_bytes() for path in (both / "models").iterdir()}
    broken = shutil.copytree(only_run(both, "mel"), both / "broken")
    np.save(broken / "windows.npy", np.full((1, 64_000), np.nan, np.float32))
    refused = run("export", only_run(both, "wave"), broken, cwd=both)
    assert refused.exit_code == 1
    assert "nothing replaced" in refused.stderr
    assert {path.name: path.read_bytes() for path in (both / "models").iterdir()} == before


def test_a_model_file_explains_itself(workshop: Path) -> None:
    import onnx

    proto = onnx.load(workshop / "models" / "mel.onnx")
    ((waveform,), (probabilities, embedding)) = proto.graph.input, proto.graph.output
    assert waveform.name == "waveform"
    assert (probabilities.name, embedding.name) == ("probabilities", "embedding")
    assert [dim.HasField("dim_value") for dim in waveform.type.tensor_type.shape.dim] == [False, False]
    keys = {"kind", "labels", "sample_rate", "window_samples", "version", "data_id", "temperature", "scores"}
    keys |= {"reference_output"}
    assert keys <= {prop.key for prop in proto.metadata_props}


def test_what_export_writes_is_verified(run: Run, workshop: Path) -> None:
    done = run("models", "verify", "--models", "models", cwd=workshop)
    assert done.exit_code == 0, done.stdout
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [["ok:", "models/mel.onnx:"]]


def test_exported_models_tag_and_evaluate(run: Run, workshop: Path) -> None:
    tagged = run("tag", "--models", "models", "data/audio_test", "--format", "jsonl", cwd=workshop)
    assert tagged.exit_code == 0, tagged.stderr
    results: list[dict[str, Any]] = [json.loads(line) for line in tagged.stdout.splitlines()]
    assert len(results) == 8
    assert all({tag["label"] for tag in result["tags"]} == {"noise", "tone"} for result in results)
    evaluated = run("evaluate", "data", "--models", "models", "--plot", "confusion.png", cwd=workshop)
    assert evaluated.exit_code == 0, evaluated.stderr
    assert (workshop / "confusion.png").read_bytes().startswith(b"\x89PNG")
    assert "of 1 clips of other sounds" in evaluated.stdout  # a fifth is kept from training
    lines = evaluated.stdout.splitlines()
    lines = lines[lines.index("") + 1 :]
    assert lines[0].split() == ["model", "top-1", "MAP@3", "macro", "ECE"]
    assert lines[1].split()[0] == "mel"
    held_out = run("evaluate", "data", "--models", "models", "--split", "validation", cwd=workshop)
    result = json.loads((only_run(workshop, "mel") / "result.json").read_text())["validation"]
    mel = next(line.split() for line in held_out.stdout.splitlines() if line.startswith("mel "))
    shown = [float(value) for value in mel[1:4]]
    assert shown == pytest.approx([result["top1"], result["map3"], result["macro_map3"]], abs=1e-3)
    truth = {row["fname"]: row["label"] for row in rows(workshop / "data" / "test.csv")}
    right = [result["tags"][0]["label"] == truth[Path(result["path"]).name] for result in results]
    assert float(lines[1].split()[1]) == pytest.approx(np.mean(right), abs=1e-3)


def test_a_failed_export_leaves_the_old_models_alone(run: Run, workshop: Path, tmp_path: Path) -> None:
    models = workshop / "models"
    before = {path.name: path.read_bytes() for path in models.iterdir()}
    broken = shutil.copytree(only_run(workshop, "mel"), tmp_path / "run")
    # A model that is no number anywhere cannot agree with anything.
    np.save(broken / "windows.npy", np.full((1, 64_000), np.nan, np.float32))
    done = run("export", broken, cwd=workshop)
    assert done.exit_code == 1, done.output
    assert "nothing replaced" in done.stderr
    (broken / "result.json").unlink()
    done = run("export", broken, cwd=workshop)
    assert done.exit_code == 1
    assert "not finished" in done.stderr
    assert {path.name: path.read_bytes() for path in models.iterdir()} == before


@pytest.mark.slow
def test_the_models_of_2018_train_and_export(run: Run, workshop: Path) -> None:
    for kind in ("mel", "wave"):
        done = run(
            "train", "--model", kind, "--arch", "baseline", "--epochs", 1, "--output", f"old-{kind}", cwd=workshop
        )
        assert done.exit_code == 0, done.stderr
    done = run("export", "old-mel", "old-wave", "--output", "old", cwd=workshop)
    assert done.exit_code == 0, done.stderr
    assert run("tag", "--models", "old", "data/audio_test", cwd=workshop).exit_code == 0
    too_short = run("tag", "--models", "old", "data/audio_test", "--window", 0.1, cwd=workshop)
    assert too_short.exit_code == 2
    assert "increase --window" in too_short.stderr


@pytest.mark.slow
def test_the_recipe_bench_adds_rows(workshop: Path) -> None:
    bench = EXAMPLES.parent / "benchmarks" / "recipes.py"
    for kind in ("mel", "wave"):
        options = f"--model {kind} --epochs 1 --set mix=0 --set batch_size=16 --table table.csv".split()
        done = subprocess.run(
            [sys.executable, bench, "no mixing", *options],
            capture_output=True,
            check=False,
            text=True,
            timeout=600,
            cwd=workshop,
        )
        assert done.returncode == 0, done.stderr
    table = rows(workshop / "table.csv")
    assert [row["model"] for row in table] == ["mel", "wave", "ensemble", "geometric mean"]
    assert {row["settings"] for row in table[:2]} == {"mix=0 batch_size=16"}
    assert all(0 < float(row["map3"]) <= 1 for row in table)


def test_runs_of_other_versions_are_left_out(run: Run, workshop: Path, tmp_path: Path) -> None:
    for name in ("mel", "old"):
        shutil.copytree(only_run(workshop, "mel"), tmp_path / "runs" / name)
    config = tmp_path / "runs" / "old" / "config.json"
    values = json.loads(config.read_text())
    config.write_text(json.dumps(values | {"recipe": values["recipe"] | {"soft_labels": 0.3}}))
    assert newest_finished(tmp_path / "runs") == [tmp_path / "runs" / "mel"]
    refused = run("export", "runs/old", cwd=tmp_path)
    assert refused.exit_code == 1
    assert "another version" in refused.stderr


@pytest.fixture(scope="module")
def of_all(workshop: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run from random weights on all clips, none held out, and its messages. A test clip cannot be read."""
    data = shutil.copytree(workshop / "data", tmp_path_factory.mktemp("of-all") / "data")
    (data / "audio_test" / "test00.wav").write_bytes(b"no audio")
    assert invoke("data", "validate", data).exit_code == 0
    options = ("--epochs", 1, "--init", "scratch", "--no-hold-out", "--output", "of-all")
    done = invoke("train", "--model", "mel", data, *options, cwd=workshop)
    assert done.exit_code == 0, done.stderr
    return workshop / "of-all", done.stderr


@pytest.mark.slow
def test_a_model_can_be_trained_on_all_clips(run: Run, workshop: Path, of_all: tuple[Path, str]) -> None:
    folder, told = of_all
    assert "val " not in told
    assert json.loads((folder / "result.json").read_text())["validation"] == {}
    assert (folder / "curves.png").is_file()
    assert dict(blocks(folder / "report.html"))["about"]["charts"] == {}
    assert not {"confusion.png", "report.csv"} & {path.name for path in folder.iterdir()}
    models = workshop / "models-of-all"
    assert run("export", folder, "--output", models).exit_code == 0
    listed = run("models", "list", "--models", models)
    assert listed.exit_code == 0, listed.stderr
    assert listed.stdout.splitlines()[1].split()[-3:] == ["-", "-", "-"]
    refused = run("evaluate", workshop / "data", "--models", models, "--split", "validation")
    assert refused.exit_code == 2
    assert "all clips" in refused.stderr


@pytest.mark.slow
def test_other_labels_are_learned_from_the_shipped_model(run: Run, workshop: Path, of_all: tuple[Path, str]) -> None:
    known, (fresh, told) = (workshop / "mel.txt").read_text(), of_all
    assert "fine-tuning the pretrained model with a new output layer (labels differ)" in known
    assert "random weights (--init scratch)" in told

    def first_kernel(path: Path) -> Any:
        return next(layer for layer in load_keras(path).layers if "conv" in layer.name).get_weights()[0]

    # After few steps at a low rate it is still nearly the shipped model.
    shipped = first_kernel(shipped_models() / "mel.keras")
    runs = only_run(workshop, "mel"), fresh
    away = [np.abs(first_kernel(folder / "model.keras") - shipped).max() for folder in runs]
    assert 0 < away[0] < 0.1 * away[1]
    refused = run("train", "--model", "mel", "--init", "pretrained", "--arch", "baseline", cwd=workshop)
    assert refused.exit_code == 1
    assert "--init scratch" in refused.stderr


@pytest.mark.slow
def test_one_recording_of_each_label_is_enough_to_train(run: Run, workshop: Path) -> None:
    table = workshop / "tiny.csv"
    clips = [(f"data/audio_train/{row['fname']}", row["label"]) for row in rows(workshop / "data" / "train.csv")[:4]]
    table.write_text("\n".join(["path,label,group", *(f"{path},{label},{label}" for path, label in clips)]))
    done = run("train", "--model", "mel", "--epochs", 1, table, "--output", "tiny", cwd=workshop)
    assert done.exit_code == 0, done.stderr
    assert "no clips can be held out" in done.stderr
    assert run("export", "tiny", "--output", "of-tiny", cwd=workshop).exit_code == 0


def test_training_refuses_what_data_validate_calls_an_error(run: Run, workshop: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(workshop / "data", data)
    for split in ("train", "other"):
        broken = data / f"audio_{split}" / f"{split}00.wav"
        whole = broken.read_bytes()
        broken.write_bytes(b"no audio")
        validated = run("data", "validate", data)
        assert validated.exit_code == 1
        (error,) = (line for line in validated.stdout.splitlines() if line.startswith("error: "))
        refused = run("train", "--model", "mel", "--epochs", 1, data, cwd=tmp_path)
        assert refused.exit_code == 1
        assert refused.stderr.splitlines()[-1] == f"audiotagger: {error.removeprefix('error: ')}"
        broken.write_bytes(whole)


def test_epochs_are_a_number_or_auto(run: Run) -> None:
    for wrong in ("0", "many"):
        refused = run("train", "--model", "mel", "--epochs", wrong)
        assert refused.exit_code == 2
        assert "neither auto nor a number" in refused.stderr


def test_missing_data_is_one_line_that_says_what_to_do(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("train", "--model", "mel")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "AUDIOTAGGER_DATA" in result.stderr
    result = run("export")
    assert result.exit_code == 1
    assert "audiotagger train" in result.stderr
