"""Distillation: targets from a teacher, their cache, and training."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import soundfile
from rich.console import Console

pytest.importorskip("onnx", reason="needs the extra train")

import onnx
from onnx import TensorProto, helper, numpy_helper

from audiotagger.audio.types import Array
from audiotagger.datasets.dataset import read_dataset
from audiotagger.errors import DataError
from audiotagger.training.batches import Batches
from audiotagger.training.distillation import Teacher
from audiotagger.training.recipes import RECIPES, with_teacher
from audiotagger.training.run_folder import new_config
from tests.conftest import invoke, noise, rows
from tests.training.test_batches import examples

RECIPE = replace(with_teacher(RECIPES["mel", "default"]), batch_size=16, views=64)


def write_teacher(
    path: Path, labels: tuple[str, ...] = ("whistle", "tone", "noise"), sample_rate: int = 16_000
) -> Path:
    """An ONNX file whose logits and embedding depend on the mean amplitude and power of a waveform."""
    weights = np.random.default_rng(0).normal(0, 3, (2, len(labels))).astype(np.float32)
    nodes = [
        helper.make_node("Abs", ["waveform"], ["size"]),
        helper.make_node("ReduceMean", ["size", "axis"], ["level"], keepdims=1),
        helper.make_node("Mul", ["waveform", "waveform"], ["power"]),
        helper.make_node("ReduceMean", ["power", "axis"], ["mean_power"], keepdims=1),
        helper.make_node("Concat", ["level", "mean_power"], ["embedding"], axis=1),
        helper.make_node("MatMul", ["embedding", "weights"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "teacher",
        [helper.make_tensor_value_info("waveform", TensorProto.FLOAT, ["batch", "samples"])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", None]) for name in ("logits", "embedding")],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(np.array([1]), "axis")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, {"labels": json.dumps(labels), "sample_rate": str(sample_rate)})
    onnx.save(model, path)
    return path


@pytest.fixture
def teacher_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUDIOTAGGER_CACHE", str(tmp_path / "cache"))
    return write_teacher(tmp_path / "teacher.onnx")


def batches_of(corpus: Path, teacher_file: Path, cache: Path) -> Batches:
    found = read_dataset(corpus)
    teacher = Teacher(teacher_file, ("noise", "tone"), True, 16_000)
    return Batches(examples([*found.train, *found.other], RECIPE), RECIPE, 100, 0, teacher, cache)


def test_targets_are_the_teachers_outputs_for_the_batch(corpus: Path, teacher_file: Path, tmp_path: Path) -> None:
    batch = batches_of(corpus, teacher_file, tmp_path / "targets")[3]
    session = onnxruntime.InferenceSession(teacher_file)
    logits, embedding = session.run(["logits", "embedding"], {"waveform": batch.waveforms})
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    whistle, tone, of_noise = (powers / powers.sum(axis=1, keepdims=True)).T
    # Matched by label; whistle, which the student does not have, goes to its output for other sounds.
    np.testing.assert_allclose(batch.targets["logits"], np.stack([of_noise, tone, whistle], axis=1), atol=1e-3)
    standardized = batch.targets["teacher"]
    correlation = np.corrcoef(standardized[:, 0], embedding[:, 0])[0, 1]
    assert correlation > 0.999
    assert np.abs(standardized).max() < 20


def test_views_are_repeated_in_another_order(corpus: Path, teacher_file: Path, tmp_path: Path) -> None:
    batches = batches_of(corpus, teacher_file, tmp_path / "targets")
    seen = [batches[step].waveforms.tobytes() for step in range(12)]
    assert len(set(seen)) == 4  # 64 views in batches of 16
    assert set(seen[:4]) == set(seen[4:8]) == set(seen[8:])
    assert not seen[:4] == seen[4:8] == seen[8:]


def test_targets_are_cached_for_other_models(corpus: Path, teacher_file: Path, tmp_path: Path) -> None:
    first = batches_of(corpus, teacher_file, tmp_path / "targets")
    expected = [first[step].targets["logits"] for step in range(4)]
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "targets").iterdir()}
    again = batches_of(corpus, teacher_file, tmp_path / "targets")
    for step in range(4):
        np.testing.assert_allclose(again[step].targets["logits"], expected[step], atol=1e-3)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "targets").iterdir()} == times


def test_without_an_other_class_probabilities_are_renormalized(teacher_file: Path) -> None:
    targets = Teacher(teacher_file, ("noise", "tone"), False, 16_000).predict(noise(1.0)[None])
    assert targets.probabilities.shape == (1, 2)
    assert targets.probabilities.sum() == pytest.approx(1)


def spoiled(teacher: Path, path: Path, spoil: Callable[[Any], object]) -> Path:
    proto = onnx.load(teacher)
    spoil(proto)
    path.write_bytes(proto.SerializeToString())
    return path


def elsewhere(proto: Any) -> None:
    """The weights are in another file."""
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def with_custom_operator(proto: Any) -> None:
    proto.graph.node.append(helper.make_node("Run", ["waveform"], ["unused"], domain="evil.ops"))
    proto.opset_import.append(helper.make_opsetid("evil.ops", 1))


def test_unusable_teachers_are_refused(teacher_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, large = tmp_path / "broken.onnx", tmp_path / "large.onnx"
    broken.write_bytes(b"no model")
    with large.open("wb") as file:
        file.truncate(1 << 30)

    def spoil(name: str, how: Callable[[Any], object]) -> Path:
        return spoiled(teacher_file, tmp_path / f"{name}.onnx", how)

    def labels(value: str) -> Callable[[Any], object]:
        return lambda proto: helper.set_model_props(proto, {"labels": value, "sample_rate": "16000"})

    for path, wanted, reason in (
        (tmp_path / "none.onnx", ("tone",), "no such model file"),
        (broken, ("tone",), "not a valid ONNX model"),
        (large, ("tone",), "too large"),
        (write_teacher(tmp_path / "rate.onnx", sample_rate=44_100), ("tone",), "44100 Hz"),
        (teacher_file, ("tone", "Bark", "Meow"), "has no label Bark, Meow"),
        (spoil("elsewhere", elsewhere), ("tone",), "in another file"),
        (spoil("custom", with_custom_operator), ("tone",), "not a valid ONNX model"),
        (spoil("bare", lambda proto: helper.set_model_props(proto, {})), ("tone",), "no 'labels'"),
        (spoil("number", labels("5")), ("tone",), "labels and sample_rate"),
        (spoil("deep", labels("[" * 100_000)), ("tone",), "labels and sample_rate"),
        (spoil("twice", labels('["tone", "tone"]')), ("tone",), "duplicate labels: tone"),
        (spoil("escape", labels('["tone", "\\u001b[2J"]')), ("tone",), "not a list of names"),
        (
            spoil("output", lambda proto: proto.graph.output.pop(0)),
            ("tone",),
            "no output named probabilities or logits",
        ),
    ):
        with pytest.raises(DataError, match=re.escape(reason)) as caught:
            Teacher(path, wanted, True, 16_000)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_teachers_that_compute_something_else_are_one_line(teacher_file: Path, tmp_path: Path) -> None:
    def more_labels(proto: Any) -> None:
        helper.set_model_props(proto, {"labels": '["tone", "noise", "a", "b"]', "sample_rate": "16000"})

    def infinite(proto: Any) -> None:
        weights = next(tensor for tensor in proto.graph.initializer if tensor.name == "weights")
        weights.CopyFrom(numpy_helper.from_array(np.full((2, 3), np.inf, np.float32), "weights"))

    for how, reason in ((more_labels, "3 outputs for 4 labels"), (infinite, "not finite")):
        path = spoiled(teacher_file, tmp_path / "spoiled.onnx", how)
        with pytest.raises(DataError, match=reason) as caught:
            Teacher(path, ("tone", "noise"), True, 16_000).predict(noise(1.0)[None])
        assert str(path) in str(caught.value)


@pytest.mark.slow
def test_train_matches_a_teacher_and_export_omits_its_output(
    corpus: Path, teacher_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    initialization = pytest.importorskip("audiotagger.training.initialization", reason="needs the extra train")
    short = replace(
        with_teacher(RECIPES["mel", "default"]), min_steps_per_epoch=10, batch_size=16
    )  # 500 of 64 take minutes
    monkeypatch.setattr(initialization, "with_teacher", lambda _: short)
    options = ("--model", "mel", corpus, "--init", "scratch", "--epochs", 1, "--output", "run")
    done = invoke("train", *options, "--teacher", teacher_file, cwd=tmp_path)
    assert done.exit_code == 0, done.stderr
    assert float(rows(tmp_path / "run" / "history.csv")[0]["loss"]) < 10
    exported = invoke("export", "run", "--output", "models", cwd=tmp_path)
    assert exported.exit_code == 0, exported.stderr
    session = onnxruntime.InferenceSession(tmp_path / "models" / "mel.onnx")
    assert [output.name for output in session.get_outputs()] == ["probabilities", "embedding"]


@pytest.mark.slow
def test_targets_are_of_the_clips_as_they_are_now(corpus: Path, teacher_file: Path, tmp_path: Path) -> None:
    load_run_data = pytest.importorskip("audiotagger.training.run_data", reason="needs the extra train").load_run_data
    data = shutil.copytree(corpus, tmp_path / "data")

    def targets() -> tuple[Array, Array]:
        config = new_config("mel", "default", read_dataset(data), replace(RECIPE, epochs=1), 0, teacher_file, 0)
        batch = load_run_data(config, tmp_path / "run", Console(quiet=True)).batches[0]
        teacher = Teacher(teacher_file, config.labels, config.has_other_class, 16_000)
        return batch.targets["logits"], teacher.predict(batch.waveforms).probabilities

    targets()
    for path in data.glob("audio_*/*.wav"):  # the same names, another sound
        soundfile.write(path, noise(1.0, seed=len(path.name)) ** 3, 16_000)
    matched, predicted = targets()
    synthetic = matched[:, -1] == 1
    np.testing.assert_allclose(matched[~synthetic], predicted[~synthetic], atol=1e-3)


def test_targets_are_the_same_when_read_again(corpus: Path, teacher_file: Path, tmp_path: Path) -> None:
    first = batches_of(corpus, teacher_file, tmp_path / "targets")[2].targets
    again = batches_of(corpus, teacher_file, tmp_path / "targets")[2].targets
    for name, values in first.items():
        np.testing.assert_array_equal(again[name], values)
