"""Model files from elsewhere that want other files, code, all time or all memory."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

from audiotagger.errors import ModelError
from audiotagger.inference.model import Model, shipped_models

onnx = pytest.importorskip("onnx", reason="needs the extra train")

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped models."""
    for kind in ("mel", "wave"):
        shutil.copy(shipped_models() / f"{kind}.onnx", tmp_path)
    return tmp_path


def only_error(result: Result) -> str:
    (error,) = (line for line in result.stdout.splitlines() if line.startswith("error: "))
    assert result.exit_code == 1, result.output
    assert result.stderr == ""
    return error


def external(proto: Any, tensor: Any) -> None:
    raw = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    Path("weights.bin").write_bytes(raw)


def in_an_initializer(proto: Any) -> None:
    external(proto, max(proto.graph.initializer, key=lambda tensor: len(tensor.raw_data)))


def in_a_subgraph(proto: Any) -> None:
    tensor = onnx.numpy_helper.from_array(np.zeros(9, np.float32), "far")
    external(proto, tensor)
    branch = onnx.helper.make_graph(
        [onnx.helper.make_node("Constant", [], ["out"], value=tensor)],
        "branch",
        [],
        [onnx.helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, [9])],
    )
    condition = onnx.helper.make_node(
        "Constant", [], ["yes"], value=onnx.numpy_helper.from_array(np.array(True), "yes")
    )
    proto.graph.node.extend(
        [
            condition,
            onnx.helper.make_node("If", ["yes"], ["unused"], then_branch=branch, else_branch=branch),
        ]
    )


def of_another_library(proto: Any) -> None:
    proto.graph.node.append(onnx.helper.make_node("Run", [proto.graph.input[0].name], ["unused"], domain="evil.ops"))
    proto.opset_import.append(onnx.helper.make_opsetid("evil.ops", 1))


def that_hangs(proto: Any) -> None:
    """Pass the waveform through a loop without end."""
    make, tensor = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    (waveform,) = (each.name for each in proto.graph.input)
    for node in proto.graph.node:
        node.input[:] = ["passed" if name == waveform else name for name in node.input]
    body = onnx.helper.make_graph(
        [make("Identity", ["goes_on"], ["goes_on_after"]), make("Identity", ["value"], ["value_after"])],
        "body",
        [
            tensor("turn", onnx.TensorProto.INT64, []),
            tensor("goes_on", onnx.TensorProto.BOOL, []),
            tensor("value", onnx.TensorProto.FLOAT, None),
        ],
        [tensor("goes_on_after", onnx.TensorProto.BOOL, []), tensor("value_after", onnx.TensorProto.FLOAT, None)],
    )
    proto.graph.node.insert(0, make("Loop", ["turns", "yes", waveform], ["passed"], body=body))
    for name, value in (("turns", np.array(1 << 62)), ("yes", np.array(True))):
        proto.graph.initializer.append(onnx.numpy_helper.from_array(value, name))


def that_takes_all_memory(proto: Any) -> None:
    shape = onnx.numpy_helper.from_array(np.array([1 << 46]), "shape")  # more than there are addresses
    proto.graph.initializer.append(shape)
    proto.graph.node.append(onnx.helper.make_node("ConstantOfShape", ["shape"], ["unused"]))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (in_an_initializer, "in another file"),
        (in_a_subgraph, "in another file"),
        (of_another_library, "not a valid ONNX model"),
        (that_takes_all_memory, "memory"),
    ],
)
def test_hostile_models_are_one_line(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Any], None], said: str
) -> None:
    monkeypatch.chdir(folder)
    proto = onnx.load(folder / "mel.onnx")
    spoil(proto)
    (folder / "mel.onnx").write_bytes(proto.SerializeToString())
    result = run("models", "verify", "--models", folder)
    error = only_error(result)
    assert error.startswith(f"error: {folder}/mel.onnx: ")
    assert said in error
    tagged = run("tag", folder / "none.wav", "--models", folder)
    assert tagged.exit_code == (1 if said == "memory" else 2)
    assert tagged.stderr.count("\n") == 1


def test_a_model_that_never_answers_is_one_line(
    run: Run, folder: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proto = onnx.load(folder / "mel.onnx")
    that_hangs(proto)
    onnx.save(proto, folder / "mel.onnx")
    tagged = run("tag", clip, "--models", folder, "--timeout", 2)
    assert tagged.exit_code == 1
    assert tagged.stderr.startswith(f"audiotagger: {clip}: not finished within 2 s")
    assert tagged.stderr.count("\n") == 1
    (folder / "wave.onnx").unlink()  # on a busy machine it would take longer than this, too
    monkeypatch.setattr("audiotagger.inference.isolation.SETUP_TIMEOUT", 2)
    result = run("models", "verify", "--models", folder)
    assert only_error(result).startswith(f"error: {folder}/mel.onnx: a worker process was not ready within 2 s")


@pytest.mark.parametrize("length", [b"\x08", b"\x88\x00", b"\x88\x80\x80\x80\x00"])
def test_an_address_in_memory_is_refused_however_it_is_encoded(tmp_path: Path, length: bytes) -> None:
    def message(number: int, content: bytes) -> bytes:
        return bytes([number << 3 | 2, len(content)]) + content

    location = b"\x0a" + length + b"location" + message(2, b"*/_ORT_MEM_ADDR_/*")
    (tmp_path / "x.onnx").write_bytes(message(7, message(5, message(13, location))))
    with pytest.raises(ModelError, match="in another file"):
        Model.load(tmp_path / "x.onnx")
