"""`audiotagger export`: models in 8 bits, and what a folder of models may hold."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

from audiotagger.datasets.dataset import dataset_id, read_dataset
from audiotagger.inference.model import Model, shipped_models
from audiotagger.inference.verification import reference_waveform
from tests.conftest import EXAMPLES, command, invoke, only_run, rows

pytest.importorskip("tensorflow", reason="needs the extra train")

Run = Callable[..., Result]


def succeed(*args: object) -> str:
    result = invoke(*args)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def trained(both: Path) -> Path:
    """A run of the wave model that tells noise from tones."""
    return only_run(both, "wave")


@pytest.fixture(scope="module")
def floats(both: Path) -> Path:
    """The folder of its export."""
    return both / "models"


@pytest.fixture(scope="module")
def in_8_bits(tmp_path_factory: pytest.TempPathFactory, trained: Path) -> tuple[Path, str]:
    """Its export with --quantize, and what that said."""
    folder = tmp_path_factory.mktemp("in-8-bits")
    return folder, succeed("export", trained, "--output", folder, "--quantize")


def changed(trained: Path, folder: Path, file: str = "config.json", **values: Any) -> Path:
    """A copy of a run with other values in its `file`."""
    shutil.copytree(trained, folder)
    before = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(before | values))
    return folder


def refusal(result: Result, folder: Path) -> str:
    """The only line on stderr, of an export that has left `folder` alone."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert not list(folder.glob(".export*"))
    return result.stderr


def size(tensor: Any) -> int:
    return int(np.prod(tensor.dims))


@pytest.mark.slow
def test_a_model_in_8_bits_is_smaller_and_says_the_same(
    trained: Path, floats: Path, in_8_bits: tuple[Path, str]
) -> None:
    import onnx

    folder, told = in_8_bits
    lines = [line.split() for line in told.splitlines()]
    assert lines[1][:2] == [str(folder / "wave.onnx"), str(trained)]
    assert lines[3][:2] == ["8", "bits"]
    assert lines[4][0] == str(folder / "wave.onnx")
    assert "100.0% of " in told
    kilobytes = [round((one / "wave.onnx").stat().st_size / 1e3) for one in (floats, folder)]
    assert kilobytes[1] < kilobytes[0] / 2
    before, after = (Model.load(one / "wave.onnx") for one in (floats, folder))
    assert (before.quantized, after.quantized) == (False, True)
    for field in ("kind", "labels", "sample_rate", "window_samples", "version", "data_id", "embedding_size"):
        assert getattr(before, field) == getattr(after, field)
    # Other lengths and batches than those that ranges were found on.
    clips = np.stack([reference_waveform(16_000, 24_000), reference_waveform(16_000, 48_000)[24_000:]])
    np.testing.assert_allclose(after.predict(clips), before.predict(clips), atol=0.1)
    for one, other in zip(before.embed(clips), after.embed(clips), strict=True):
        assert one @ other > 0.97 * np.linalg.norm(one) * np.linalg.norm(other)
    weights = [tensor for tensor in onnx.load(folder / "wave.onnx").graph.initializer if len(tensor.dims) == 4]
    floating = [tensor for tensor in weights if tensor.data_type == onnx.TensorProto.FLOAT]
    # The first convolution, which is the filter bank.
    assert [tensor.dims[-1] for tensor in floating] == [480]


@pytest.mark.slow
def test_a_model_in_8_bits_is_used_like_any_other(corpus: Path, in_8_bits: tuple[Path, str]) -> None:
    folder, _ = in_8_bits
    assert succeed("models", "verify", "--models", folder).startswith(f"ok: {folder}/wave.onnx")
    model = Model.load(folder / "wave.onnx")
    expected = model.predict(reference_waveform(model.sample_rate, model.window_samples)[None])[0]
    np.testing.assert_allclose(model.reference_output, expected, atol=1e-5)
    lines = [line.split("\t") for line in succeed("tag", "--models", folder, corpus / "audio_test").splitlines()]
    assert len(lines) == 8
    report = json.loads(succeed("evaluate", corpus, "--models", folder, "--split", "validation", "--format", "json"))
    assert set(report["models"]) == {"wave", "ensemble"}
    assert model.scores["clips"] == report["clips"]
    assert model.scores["top1"] == pytest.approx(report["models"]["wave"]["top1"])
    listed = succeed("models", "list", "--models", folder).splitlines()[1].split()
    assert listed[:3] == ["wave", "wave", "int8"]
    assert f"{report['models']['wave']['map3']:.3f}" in listed


@pytest.mark.slow
def test_other_weights_show_in_8_bits_too(run: Run, in_8_bits: tuple[Path, str], tmp_path: Path) -> None:
    import onnx

    proto = onnx.load(in_8_bits[0] / "wave.onnx")
    for tensor in proto.graph.initializer:
        if tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) == 4:
            tensor.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor) // 2, tensor.name))
    onnx.save(proto, tmp_path / "wave.onnx")
    result = run("models", "verify", "--models", tmp_path)
    assert result.exit_code == 1
    assert "wave.onnx: predictions differ by" in result.stdout


@pytest.mark.slow
def test_a_model_that_8_bits_ruin_is_refused(run: Run, trained: Path, tmp_path: Path) -> None:
    import keras

    from audiotagger.training import networks  # noqa: F401 (Keras must know the layers)

    ruined = changed(trained, tmp_path / "run")
    net = keras.saving.load_model(ruined / "model.keras", compile=False)
    # One channel is 1,000 times louder and then as much softer: floats do not mind, 256 steps leave the others none.
    for index, layer in enumerate(net.layers):
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            norm = net.layers[index - 2]  # before the activation in between
            gamma, beta, *moments = norm.get_weights()
            (kernel,) = layer.get_weights()
            loudest = np.abs(kernel).sum(axis=(0, 1, 3)).argmax()
            gamma[loudest] *= 1e3
            beta[loudest] *= 1e3
            kernel[:, :, loudest] /= 1e3
            norm.set_weights([gamma, beta, *moments])
            layer.set_weights([kernel])
    # The labels depend on a random direction of the embedding, in which half of the windows lie on either side.
    logits = net.get_layer("logits")
    kernel, bias = logits.get_weights()
    kernel[:, :2] = np.random.default_rng(0).normal(0, kernel.std(), (len(kernel), 2))
    logits.set_weights([kernel, np.zeros_like(bias)])
    outputs = net.predict(np.load(ruined / "windows.npy"), verbose=0)
    bias = np.full_like(bias, -100)
    bias[:2] = 0, np.median(outputs[:, 0] - outputs[:, 1])
    logits.set_weights([kernel, bias])
    net.save(ruined / "model.keras")
    folder = tmp_path / "models"
    succeed("export", ruined, "--output", folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    line = refusal(run("export", ruined, "--output", folder, "--quantize"), folder)
    assert "below 99%" in line
    assert "nothing replaced" in line
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.slow
def test_a_model_that_learned_from_all_clips_is_compared_on_some(trained: Path, tmp_path: Path) -> None:
    of_all = changed(changed(trained, tmp_path / "copy", fold=None), tmp_path / "run", "result.json", validation={})
    told = succeed("export", of_all, "--output", tmp_path / "models", "--quantize")
    assert "100.0% of 20 windows" in told  # half of the 40 clips
    assert succeed("models", "list", "--models", tmp_path / "models").splitlines()[1].split()[-3:] == ["-", "-", "-"]


@pytest.mark.slow
def test_a_model_is_compared_on_training_clips_if_nothing_could_be_held_out(
    trained: Path, corpus: Path, tmp_path: Path
) -> None:
    table = tmp_path / "clips.csv"
    clips = [(corpus / "audio_train" / row["fname"], row["label"]) for row in rows(corpus / "train.csv")]
    table.write_text("path,label,group\n" + "".join(f"{path},{label},{label}\n" for path, label in clips))
    data_id = dataset_id(read_dataset(table))
    run = changed(trained, tmp_path / "run", data=str(table), data_id=data_id)
    assert "100.0% of 20 windows" in succeed("export", run, "--output", tmp_path / "models", "--quantize")
    assert Model.load(tmp_path / "models" / "wave.onnx").scores == {}


@pytest.mark.slow
def test_8_bits_need_the_data_of_the_run(run: Run, trained: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    gone = changed(trained, tmp_path / "gone", data=str(tmp_path / "no-such-data"))
    line = refusal(run("export", gone, "--output", models, "--quantize"), models)
    assert str(tmp_path / "no-such-data") in line
    assert "without --quantize" in line
    other = changed(trained, tmp_path / "other", data_id="0")
    assert "changed since" in refusal(run("export", other, "--output", models, "--quantize"), models)
    assert list(models.iterdir()) == []


def test_a_folder_holds_models_of_the_same_labels(run: Run, workshop: Path, tmp_path: Path) -> None:
    trained = only_run(workshop, "mel")
    shutil.copy(shipped_models() / "wave.onnx", tmp_path)
    line = refusal(run("export", trained, "--output", tmp_path), tmp_path)
    assert str(tmp_path / "wave.onnx") in line
    assert str(trained) in line
    assert "--output" in line
    assert [path.name for path in tmp_path.iterdir()] == ["wave.onnx"]
    shutil.copy(workshop / "models" / "mel.onnx", tmp_path)
    for name in ("tag", "evaluate"):
        result = run(name, tmp_path, "--models", tmp_path)
        assert result.exit_code == 2
        assert result.stderr.count("\n") == 1
        assert "cannot be averaged" in result.stderr


@pytest.mark.slow
def test_a_checkout_keeps_its_models_unless_they_are_named(trained: Path, tmp_path: Path) -> None:
    for folder in ("audiotagger", "models"):
        shutil.copytree(EXAMPLES.parent / folder, tmp_path / folder)
    shipped = {path: path.read_bytes() for path in (tmp_path / "models").iterdir()}

    def export(*args: object) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "audiotagger", "export", str(trained), *map(str, args)],
            capture_output=True,
            check=False,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
        )
        assert done.returncode == 0, done.stderr
        return done

    assert "audiotagger tag --models exported" in export().stderr
    assert (tmp_path / "exported" / "wave.onnx").is_file()
    assert {path: path.read_bytes() for path in (tmp_path / "models").iterdir()} == shipped
    (tmp_path / "models" / "mel.onnx").unlink()  # it has other labels
    assert "audiotagger tag --models models" in export("-o", "models").stderr
    exported = (tmp_path / "exported" / "wave.keras").read_bytes()
    assert (tmp_path / "models" / "wave.keras").read_bytes() == exported


def test_a_folder_holds_one_model_of_a_kind(run: Run, workshop: Path, tmp_path: Path) -> None:
    trained = only_run(workshop, "mel")
    again = changed(trained, tmp_path / "again")
    models = tmp_path / "models"
    line = refusal(run("export", trained, again, "--output", models), models)
    assert str(again) in line
    assert not models.exists()


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [20, 2000])
def test_a_full_disk_is_one_line_and_the_former_models_stay(
    trained: Path, floats: Path, tmp_path: Path, kilobytes: int
) -> None:
    models = shutil.copytree(floats, tmp_path / "models")
    before = {path.name: path.read_bytes() for path in models.iterdir()}
    done = command("export", trained, "--output", "models", cwd=tmp_path, largest_file=kilobytes << 10)
    assert done.returncode == 1
    assert done.stderr == "audiotagger: models: File too large; make room and try again\n"
    assert {path.name: path.read_bytes() for path in models.iterdir()} == before
