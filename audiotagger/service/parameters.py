"""The query parameters of a request: described once, for checking them and for the OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

PARAMETERS: Mapping[str, dict[str, Any]] = {
    "top_k": {
        "description": "Maximum number of labels.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 3},
    },
    "min_score": {
        "description": "Omit labels with a lower score.",
        "schema": {"type": "number", "minimum": 0, "maximum": 1, "default": 0},
    },
    "labels": {
        "description": "Only these labels, comma-separated, with scores renormalized.",
        "schema": {"type": "string", "minLength": 1},
    },
    "segments": {"description": "Also time-stamped labels.", "schema": {"type": "boolean", "default": False}},
    "by_model": {"description": "Also the labels of each model.", "schema": {"type": "boolean", "default": False}},
}
"""Of POST /tag, by name: an OpenAPI description and a JSON Schema."""

EXPECTED: Mapping[str, type | tuple[type, ...]] = {
    "integer": int,
    "number": (int, float),
    "string": str,
    "boolean": bool,
}
"""The types of Python for those of JSON Schema."""


def read_parameters(query: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the value of every parameter, the default where the query has none.

    Parameters
    ----------
    query
        The names and the texts in the query.

    Raises
    ------
    ValueError
        A name is unknown or comes twice, or a text is no valid value.
    """
    values = {name: about["schema"].get("default") for name, about in PARAMETERS.items()}
    seen = set()
    for name, text in query:
        if name not in PARAMETERS:
            raise ValueError(f"no parameter {name!r}; there are {', '.join(PARAMETERS)}")
        if name in seen:
            raise ValueError(f"{name} is given twice")
        seen.add(name)
        values[name] = _value(name, text, PARAMETERS[name]["schema"])
    return values


def _value(name: str, text: str, schema: Mapping[str, Any]) -> object:
    expected = EXPECTED[schema["type"]]
    try:
        value: Any = text if expected is str else json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        raise ValueError(f"{name} is no {schema['type']}: {text[:40]!r}")
    if "minimum" in schema and not schema["minimum"] <= value <= schema["maximum"]:
        raise ValueError(f"{name} must be from {schema['minimum']} to {schema['maximum']}")
    if len(text) < schema.get("minLength", 0):
        raise ValueError(f"{name} is empty")
    return value
