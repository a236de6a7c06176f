"""The OpenAPI document of the service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from audiotagger import __version__
from audiotagger.service.parameters import PARAMETERS

ANSWERS = {
    400: "A parameter or the form is wrong.",
    401: "The token is missing or wrong.",
    408: "The upload took too long.",
    413: "The upload is too large.",
    429: "Too many requests at once; try again after the seconds in Retry-After.",
    507: "The service has no room to store the upload.",
}
"""Of POST /tag with an `error` alone."""

FAILURES = {
    415: "The service lacks what the format needs.",
    422: "The file is damaged, empty or no audio.",
    500: "The file crashed its worker process, or the service has a problem.",
    504: "Tagging took too long.",
}
"""Of POST /tag with a result that has an `error`."""


def openapi(needs_token: bool) -> dict[str, Any]:
    """Return the document; what `audiotagger tag` writes is described by the same schema as its files."""
    text = (Path(__file__).parent.parent / "schema.json").read_text(encoding="utf-8")
    result = json.loads(text.replace("#/$defs/", "#/components/schemas/"))
    parts = result.pop("$defs")
    del result["$schema"]
    error = result["properties"]["error"] | {"type": "object"}
    refused = {"type": "object", "properties": {"error": error}, "required": ["error"], "additionalProperties": False}
    audio = {"type": "string", "format": "binary"}
    form = {"type": "object", "properties": {"file": audio}, "required": ["file"], "additionalProperties": False}
    token: dict[str, Any] = {"security": [{"token": []}]} if needs_token else {}
    answers = {status: text for status, text in ANSWERS.items() if needs_token or status != 401}
    tag = {
        "summary": "Tag an audio file with its most probable labels.",
        "operationId": "tag",
        "parameters": [{"name": name, "in": "query", "required": False, **about} for name, about in PARAMETERS.items()],
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": form}, "application/octet-stream": {"schema": audio}},
        },
        "responses": {
            "200": _json("The result.", "Result"),
            **{str(status): _json(text, "Refusal") for status, text in answers.items()},
            **{str(status): _json(text, "Result") for status, text in FAILURES.items()},
        },
        **token,
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "audiotagger", "version": __version__, "description": "Tag audio files with sound labels."},
        "paths": {
            "/tag": {"post": tag},
            "/health": {
                "get": {"summary": "Whether the service runs.", "responses": {"200": _json("It does.", "Health")}}
            },
            "/metrics": {
                "get": {
                    "summary": "Counters for Prometheus.",
                    "responses": {
                        "200": {
                            "description": "Prometheus' text format.",
                            "content": {"text/plain": {"schema": {"type": "string"}}},
                        },
                        **({"401": _json(ANSWERS[401], "Refusal")} if needs_token else {}),
                    },
                    **token,
                }
            },
        },
        "components": {
            "schemas": {
                **parts,
                "Result": result,
                "Refusal": refused,
                "Health": {"type": "object", "properties": {"status": {"const": "ok"}}, "required": ["status"]},
            },
            **({"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}} if needs_token else {}),
        },
    }


def _json(description: str, schema: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"description": description, "content": {"application/json": {"schema": reference}}}
