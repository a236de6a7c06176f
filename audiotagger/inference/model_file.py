"""Read a model file that may come from anywhere: not too large, and all in one file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from audiotagger.errors import ModelError

LARGEST = 1 << 29
"""Bytes of a model file; the shipped ones are of 3 and 5 MB."""

DEEPEST = 50
"""Levels of nested messages; what an export writes has five."""

MESSAGES: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
}
"""ONNX's protocol buffers, as far as they lead to tensors: the messages in a message, by field number."""

EXTERNAL_DATA = 13
"""Field of a tensor: where else its values are."""

LOCATION = b"location"
"""The key in that field which names the other file, or an address: without it, nothing is elsewhere."""


def read_model_file(path: Path) -> bytes:
    """Read an ONNX file.

    Returns
    -------
    bytes
        The file. Its tensors hold their own values: in none of them, also in subgraphs, is the path of another file,
        or an address in memory, to take them from.

    Raises
    ------
    ModelError
        There is no such file, it cannot be read, or it is something else.

    References
    ----------
    onnx.proto, and "Encoding" in the documentation of protocol buffers.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such model file; create one with `audiotagger export`")
    if (size := path.stat().st_size) > LARGEST:
        raise ModelError(f"{path}: too large for a model ({size >> 20} MiB, the limit is {LARGEST >> 20} MiB)")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}; check that it may be read") from None
    try:
        # The word alone is found a hundred times as fast, and is in hardly any file.
        external = LOCATION in data and _is_external("model", memoryview(data))
    except (IndexError, ValueError):
        raise ModelError(f"{path}: not a valid ONNX model (no protocol buffer); export it again") from None
    if external:
        raise ModelError(f"{path}: some of its weights are in another file; export it again as a single file")
    return data


def _is_external(message: str, data: memoryview, depth: int = 0) -> bool:
    """Return whether a tensor in a message has its values elsewhere."""
    if depth > DEEPEST:
        raise ValueError("nested too deeply")
    if message == "tensor":
        return any(number == EXTERNAL_DATA for number, _ in _fields(data))
    inner = MESSAGES[message]
    return any(
        _is_external(inner[number], value, depth + 1) for number, value in _fields(data) if value and number in inner
    )


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview | None]]:
    """Yield the number and, where it may be a message, the value of each field of a message."""
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        number, wire_type = key >> 3, key & 7
        if not number:
            raise ValueError("no such field")
        value = None
        if wire_type == 0:
            _, position = _varint(data, position)
        elif wire_type == 1:
            position += 8
        elif wire_type == 2:
            size, position = _varint(data, position)
            value = data[position : position + size]
            position += size
        elif wire_type == 5:
            position += 4
        else:
            raise ValueError("no such wire type")
        if position > len(data):
            raise ValueError("cut off")
        yield number, value


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    """Return the number at a position, of at most 64 bits, and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("too long")
