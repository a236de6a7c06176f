"""Replace what the conversion makes of Keras layers by the one operator that they are, which runtimes compute faster.

The graph computes the same. ONNX Runtime keeps it in its own memory layout from the first convolution to the last one.
"""

from __future__ import annotations

from typing import Any

import onnx
from onnx import helper, numpy_helper


def simplify(graph: onnx.GraphProto) -> None:
    """Rewrite global average pooling and hard sigmoids, the parts of squeeze-excitation, in place.

    Parameters
    ----------
    graph
        As tf2onnx writes it: nodes in order, constants as initializers.
    """
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    makers: dict[str, onnx.NodeProto] = {}
    pooled: set[str] = set()  # tensors [batch, channels, 1, 1]
    renamed: dict[str, str] = {}
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        source, (output, *_) = node.input[0] if node.input else "", node.output
        if _is_global_pooling(node, constants):
            node.CopyFrom(helper.make_node("GlobalAveragePool", [source], [output], node.name))
            pooled.add(output)
        elif node.op_type in ("Conv", "Relu") and source in pooled:
            pooled.add(output)
        elif node.op_type == "Reshape" and source in pooled and constants[node.input[1]][2:].tolist() == [1, 1]:
            renamed[output] = source
        elif (inner := _inside_hard_sigmoid(node, constants, makers)) is not None:
            node.CopyFrom(helper.make_node("HardSigmoid", [inner], [output], node.name, alpha=1 / 6, beta=0.5))
        makers[output] = node
    _remove_unused(graph)


def _is_global_pooling(node: onnx.NodeProto, constants: dict[str, Any]) -> bool:
    keeps_axes = all(attribute.i for attribute in node.attribute if attribute.name == "keepdims")
    return (
        node.op_type == "ReduceMean"
        and len(node.input) == 2
        and constants[node.input[1]].tolist() == [2, 3]
        and keeps_axes
    )


def _inside_hard_sigmoid(
    product: onnx.NodeProto, constants: dict[str, Any], makers: dict[str, onnx.NodeProto]
) -> str | None:
    """Return x if a node is the last one of min(max(x + 3, 0), 6) * (1/6)."""

    def holds(name: str, value: float) -> bool:
        return name in constants and bool((abs(constants[name] - value) < 1e-6).all())

    if product.op_type != "Mul" or not holds(product.input[1], 1 / 6):
        return None
    clip = makers.get(product.input[0])
    if clip is None or clip.op_type != "Clip" or not (holds(clip.input[1], 0) and holds(clip.input[2], 6)):
        return None
    add = makers.get(clip.input[0])
    return add.input[0] if add is not None and add.op_type == "Add" and holds(add.input[1], 3) else None


def _remove_unused(graph: onnx.GraphProto) -> None:
    """Remove nodes and constants that no output depends on."""
    used = {output.name for output in graph.output}
    for node in reversed(list(graph.node)):
        if used.isdisjoint(node.output):
            graph.node.remove(node)
        else:
            used.update(node.input)
    for tensor in list(graph.initializer):
        if tensor.name not in used:
            graph.initializer.remove(tensor)
