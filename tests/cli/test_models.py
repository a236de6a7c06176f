"""`audiotagger models` on the shipped models, and its `verify` also on copies that were broken in one way each."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from audiotagger.inference.model import Model, shipped_models
from audiotagger.inference.verification import reference_waveform

onnx = pytest.importorskip("onnx", reason="needs the extra train")

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped models as export would write them today."""
    folder = tmp_path_factory.mktemp("exported")
    for kind in ("mel", "wave"):
        path = folder / f"{kind}.onnx"
        shutil.copy(shipped_models() / path.name, path)
        model = Model.load(path)
        expected = model.predict(reference_waveform(model.sample_rate, model.window_samples)[None])[0]
        describe(path, reference_output=json.dumps([round(float(one), 6) for one in expected]))
    return folder


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    """A copy of `exported`."""
    return shutil.copytree(exported, tmp_path, dirs_exist_ok=True)


@pytest.fixture
def wave(folder: Path) -> Path:
    """The wave model of `folder`, alone there."""
    (folder / "mel.onnx").unlink()
    return folder / "wave.onnx"


def describe(path: Path, **metadata: str | None) -> None:
    """Change metadata of a model file; None removes a key."""
    proto = onnx.load(path)
    values: dict[str, str | None] = {prop.key: prop.value for prop in proto.metadata_props}
    del proto.metadata_props[:]
    onnx.helper.set_model_props(proto, {key: text for key, text in (values | metadata).items() if text is not None})
    onnx.save(proto, path)


def rewire(path: Path, *nodes: tuple[str, list[str], str], **constants: list[float] | list[int]) -> None:
    """Let `nodes` (operator, inputs, output) make "probabilities" of what was that so far, now "inner"."""
    proto = onnx.load(path)
    for node in proto.graph.node:
        node.output[:] = ["inner" if name == "probabilities" else name for name in node.output]
    for name, values in constants.items():
        dtype = np.int64 if isinstance(values[0], int) else np.float32
        proto.graph.initializer.append(onnx.numpy_helper.from_array(np.array(values, dtype), name))
    proto.graph.node.extend(onnx.helper.make_node(operator, inputs, [output]) for operator, inputs, output in nodes)
    onnx.save(proto, path)


def findings(result: Result, level: str) -> list[str]:
    return [line for line in result.stdout.splitlines() if line.startswith(f"{level}: ")]


def only_error(result: Result) -> str:
    assert result.exit_code == 1, result.output
    assert result.stderr == ""
    (error,) = findings(result, "error")
    return error


def test_models_as_exported_are_ok(run: Run, folder: Path) -> None:
    result = run("models", "verify", "--models", folder)
    assert result.exit_code == 0, result.output
    mel, wave = result.stdout.splitlines()
    assert mel.startswith(f"ok: {folder}/mel.onnx: mel, 92 labels")
    assert wave.startswith(f"ok: {folder}/wave.onnx: wave, 92 labels")


def test_an_export_without_reference_output_is_warned_of(run: Run, folder: Path) -> None:
    describe(folder / "mel.onnx", reference_output=None)
    result = run("models", "verify", "--models", folder)
    assert result.exit_code == 0, result.output
    (warning,) = findings(result, "warning")
    assert "mel.onnx: no reference output" in warning
    assert len(findings(result, "ok")) == 2


def test_the_shipped_models_are_verified_by_default(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("models", "verify")
    assert result.exit_code == 0, result.output
    assert [str(shipped_models()) in line for line in findings(result, "ok")] == [True, True]
    by_option = run("models", "verify", "--models", folder)
    assert [str(folder) in line for line in findings(by_option, "ok")] == [True, True]
    monkeypatch.setenv("AUDIOTAGGER_MODELS", str(folder))
    assert run("models", "verify").stdout == by_option.stdout


def test_a_folder_without_models_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    result = run("models", "verify", "--models", tmp_path)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1


def test_other_weights_show_in_the_reference_output(run: Run, folder: Path) -> None:
    proto = onnx.load(folder / "wave.onnx")
    for tensor in proto.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.ndim > 1:
            tensor.CopyFrom(onnx.numpy_helper.from_array(values * np.float32(1.01), tensor.name))
    onnx.save(proto, folder / "wave.onnx")
    result = run("models", "verify", "--models", folder)
    assert "wave.onnx: predictions differ by" in only_error(result)
    assert "mel.onnx" in findings(result, "ok")[0]


def test_a_reference_output_is_of_all_labels(run: Run, wave: Path) -> None:
    describe(wave, reference_output="[0.5, 0.25]")
    assert "2 probabilities for 92 labels" in only_error(run("models", "verify", "--models", wave.parent))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("version", None, "version"),
        ("labels", None, "labels"),
        ("labels", "5", "incomplete metadata"),
        ("labels", "[]", "not a list of names"),
        ("labels", json.dumps(["Bark"] * 92), "duplicate labels: Bark"),
        ("labels", '["Bark", "Meow"]', "outputs"),
        ("sample_rate", "0", "sample rate of 0 Hz"),
        ("window_samples", "16", "window of 0.001 s"),
        ("temperature", "nan", "temperature"),
        ("scores", '{"clips": 3}', "no map3"),
        ("embedding_size", "7", "outputs"),
        ("audiotagger", None, "not a model of this audiotagger version"),
    ],
)
def test_wrong_metadata_is_found(run: Run, folder: Path, key: str, value: str | None, said: str) -> None:
    (folder / "wave.onnx").unlink()
    describe(folder / "mel.onnx", **{key: value})
    error = only_error(run("models", "verify", "--models", folder))
    assert error.startswith(f"error: {folder}/mel.onnx: ")
    assert said in error


def test_a_damaged_file_does_not_hide_the_others(run: Run, folder: Path) -> None:
    whole = (folder / "mel.onnx").read_bytes()
    (folder / "mel.onnx").write_bytes(whole[: len(whole) // 2])
    result = run("models", "verify", "--models", folder)
    assert "mel.onnx: not a valid ONNX model" in only_error(result)
    assert len(findings(result, "ok")) == 1


def test_models_that_cannot_be_averaged_are_found(run: Run, folder: Path) -> None:
    describe(folder / "wave.onnx", labels=json.dumps(Model.load(folder / "wave.onnx").labels[::-1]))
    result = run("models", "verify", "--models", folder)
    assert "wave.onnx: labels or sample rate differ" in only_error(result)
    assert len(findings(result, "ok")) == 1


def test_models_without_a_usable_rate_are_not_compared(run: Run, folder: Path) -> None:
    for path in folder.glob("*.onnx"):
        describe(path, sample_rate="0", window_samples="0")
    result = run("models", "verify", "--models", folder)
    assert result.exit_code == 1
    assert [line.split()[1] for line in findings(result, "error")] == [f"{folder}/mel.onnx:", f"{folder}/wave.onnx:"]


def test_an_input_of_fixed_size_is_found(run: Run, wave: Path) -> None:
    proto = onnx.load(wave)
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(proto, wave)
    assert "wave.onnx: the inputs are" in only_error(run("models", "verify", "--models", wave.parent))


def test_probabilities_that_are_none_are_found(run: Run, wave: Path) -> None:
    rewire(wave, ("Add", ["inner", "much"], "probabilities"), much=[0.01])
    assert "probabilities sum to" in only_error(run("models", "verify", "--models", wave.parent))


def test_logits_are_no_probabilities(run: Run, wave: Path) -> None:
    rewire(wave, ("Log", ["inner"], "probabilities"))
    assert "not from 0 to 1" in only_error(run("models", "verify", "--models", wave.parent))


def test_outputs_that_are_no_numbers_are_found(run: Run, wave: Path) -> None:
    rewire(wave, ("Mul", ["inner", "broken"], "probabilities"), broken=[float("nan")])
    assert "not all finite" in only_error(run("models", "verify", "--models", wave.parent))


def test_clips_that_change_each_other_are_found(run: Run, wave: Path) -> None:
    mean = ("ReduceMean", ["inner", "axis"], "mean")
    mixed = ("Add", ["inner", "mean"], "sum"), ("Mul", ["sum", "half"], "probabilities")
    rewire(wave, mean, *mixed, axis=[0], half=[0.5])
    assert "alone and in a batch" in only_error(run("models", "verify", "--models", wave.parent))


def test_the_reference_waveform_is_the_same_everywhere() -> None:
    waveform = reference_waveform(16_000, 64_000)
    assert waveform.dtype == np.float32
    assert np.abs(waveform).max() < 1
    np.testing.assert_array_equal(waveform[:100], reference_waveform(16_000, 100))

    # Model files hold outputs for this very waveform: it must never change.
    for n, expected in ((0, 0.0048813503), (1, 0.1919260025), (12_345, -0.2202079445)):
        assert waveform[n] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("args", [["models"], ["models", "list"]])
def test_models_are_listed_in_80_columns(run: Run, args: list[str]) -> None:
    result = run(*args)
    assert result.exit_code == 0, result.output
    titles, *lines = result.stdout.splitlines()
    assert titles.split()[:3] == ["model", "kind", "labels"]
    assert max(map(len, [titles, *lines[:2]])) <= 80
    for name, line in zip(("mel", "wave"), lines, strict=False):
        assert line.split()[:5] == [name, name, "92", "16000", "Hz"]
    assert lines[-2:] == [str(shipped_models() / name) for name in ("mel.onnx", "wave.onnx")]


def test_checksums_are_shown_on_request(run: Run) -> None:
    digest = hashlib.sha256((shipped_models() / "mel.onnx").read_bytes()).hexdigest()
    assert digest not in run("models", "list").stdout
    assert f"{digest}  {shipped_models() / 'mel.onnx'}" in run("models", "list", "-v").stdout.splitlines()
    listed = json.loads(run("models", "list", "--format", "json").stdout)
    assert [one["name"] for one in listed] == ["mel", "wave"]
    assert listed[0]["sha256"] == digest
    assert len(listed[0]["labels"]) == 92
    assert listed[0]["path"] == str(shipped_models() / "mel.onnx")


def test_the_shipped_files_are_those_of_the_release(run: Run, tmp_path: Path) -> None:
    shutil.copytree(shipped_models(), tmp_path / "models")
    listed = (tmp_path / "models" / "SHA256SUMS").read_text().split()[1::2]
    assert listed == ["mel.onnx", "wave.onnx", "mel.keras", "wave.keras"]
    assert run("models", "verify", "--models", tmp_path / "models").exit_code == 0
    with (tmp_path / "models" / "wave.keras").open("ab") as file:
        file.write(b"\0")
    assert "wave.keras: its SHA-256" in only_error(run("models", "verify", "--models", tmp_path / "models"))
    describe(tmp_path / "models" / "mel.onnx", version="0")
    (tmp_path / "models" / "wave.keras").unlink()
    result = run("models", "verify", "--models", tmp_path / "models")
    assert result.exit_code == 1
    first, second = findings(result, "error")
    assert "mel.onnx: its SHA-256" in first
    assert "wave.keras: missing" in second


@pytest.mark.parametrize(("spelled", "status"), [("{} *{}", 0), ("{}  {}\n", 0), ("{}  {} ", 1), ("{}", 1)])
def test_checksums_are_read_as_sha256sum_does(run: Run, folder: Path, spelled: str, status: int) -> None:
    digest = hashlib.sha256((folder / "mel.onnx").read_bytes()).hexdigest()
    (folder / "SHA256SUMS").write_text(spelled.format(digest, "mel.onnx") + "\n")
    result = run("models", "verify", "--models", folder)
    assert result.exit_code == status, result.output
    (folder / "SHA256SUMS").write_text("{} *{}".format(digest[::-1], "mel.onnx"))
    assert "its SHA-256 differs" in only_error(run("models", "verify", "--models", folder))


def test_scores_that_are_none_are_no_traceback(run: Run, folder: Path) -> None:
    describe(folder / "mel.onnx", scores=json.dumps({"map3": 0.9, "top1": None}))
    for command in (("models", "list"), ("tag", "none.wav")):
        result = run(*command, "--models", folder)
        assert result.exit_code == 2
        assert result.stderr.count("\n") == 1
