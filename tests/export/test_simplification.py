"""Simplification: the same numbers from fewer nodes."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

onnx = pytest.importorskip("onnx", reason="needs the extra train")
parse_model = pytest.importorskip("onnx.parser").parse_model
simplify = pytest.importorskip("audiotagger.export.simplification").simplify

SQUEEZE_EXCITATION = """
<ir_version: 8, opset_import: ["" : 18]>
graph (float[N, 4, H, W] x) => (float[N, 4, H, W] y)
<int64[2] axes = {2, 3}, int64[4] shape = {-1, 4, 1, 1}, float three = {3.0}, float zero = {0.0}, float six = {6.0},
 float sixth = {0.16666667}, float[4, 4, 1, 1] w = {1, 2, 3, 4, -5, 6, 7, -8, 9, 1, -2, 3, 4, -5, 6, 7}>
{
    mean = ReduceMean <keepdims = 1> (x, axes)
    pooled = Reshape (mean, shape)
    inner = Conv (pooled, w)
    active = Relu (inner)
    same = Reshape (active, shape)
    outer = Conv (same, w)
    more = Add (outer, three)
    clipped = Clip (more, zero, six)
    gate = Mul (clipped, sixth)
    y = Mul (x, gate)
}
"""


def outputs(model: Any, x: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


def test_squeeze_excitation_is_simplified() -> None:
    model = parse_model(SQUEEZE_EXCITATION)
    x = np.random.default_rng(0).normal(size=(3, 4, 5, 6)).astype(np.float32)
    before = outputs(model, x)
    assert len(np.unique((before / x).round(3))) > 3  # gates are neither all open nor all closed
    simplify(model.graph)
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == [
        "GlobalAveragePool", "Conv", "Relu", "Conv", "HardSigmoid", "Mul",
    ]  # fmt: skip
    assert [tensor.name for tensor in model.graph.initializer] == ["w"]
    np.testing.assert_allclose(outputs(model, x), before, atol=1e-6)


def test_what_only_looks_alike_is_left_alone() -> None:
    text = SQUEEZE_EXCITATION.replace("{2, 3}", "{2, 1}").replace("{6.0}", "{5.0}").replace("N, 4, H, W", "N, 4, 1, 1")
    text = text.replace("ReduceMean <keepdims = 1> (x, axes)", "Relu (x)")
    model = parse_model(text)
    nodes = [node.op_type for node in model.graph.node]
    simplify(model.graph)
    assert [node.op_type for node in model.graph.node] == nodes
