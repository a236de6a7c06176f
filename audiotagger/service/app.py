"""The routes of the service, and how many requests it takes at once."""

from __future__ import annotations

import hmac
import io
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from audiotagger.errors import AudioError, AudioTaggerError, AudioWarning
from audiotagger.inference.results import Tagging
from audiotagger.inference.workers import WorkerPool
from audiotagger.output.writers import JsonLinesWriter, Show
from audiotagger.service.metrics import Metrics
from audiotagger.service.openapi import openapi
from audiotagger.service.parameters import read_parameters
from audiotagger.service.uploads import received_audio

STATUS_OF: Mapping[str, int] = {"undecodable": 422, "no_audio": 422, "empty": 422, "needs_extra": 415, "timeout": 504}
"""HTTP status by kind of `AudioError`; 500 for the others, which are not the file's fault, or not for sure."""

KIND_OF: Mapping[int, str] = {
    400: "bad_request",
    401: "unauthorized",
    404: "not_found",
    405: "not_allowed",
    408: "timeout",
    413: "too_large",
    429: "busy",
    507: "no_room",
}
"""`error.kind` by HTTP status, of requests that are not for the tagger."""


PAGE = Path(__file__).parent / "page"
"""What a browser shows."""


@dataclass(frozen=True)
class Limits:
    """What the service takes.

    `jobs` files are tagged at the same time and `queue` more may be on the way or wait. A file has at most `max_bytes`,
    and `timeout` seconds to arrive. With a `token`, requests need it.
    """

    jobs: int
    queue: int
    max_bytes: int
    timeout: float
    token: str | None = None


class Service:
    """Tags what requests bring."""

    def __init__(self, workers: WorkerPool, limits: Limits) -> None:
        self._workers, self._limits = workers, limits
        self._running = CapacityLimiter(limits.jobs)
        self._accepted = 0
        self._metrics = Metrics(accepted=lambda: self._accepted, running=lambda: self._running.borrowed_tokens)

    async def tag(self, request: Request) -> Response:
        """POST /tag."""
        began = time.perf_counter()
        try:
            response = await self._tag(request)
        except HTTPException as refused:
            response = refusal(request, refused)
        except OSError as error:
            reason = f"the upload cannot be stored ({error.strerror or error})"
            print(f"audiotagger: {reason}; make room or set TMPDIR", file=sys.stderr, flush=True)
            response = refusal(request, HTTPException(507, reason))
        except ClientDisconnect:
            response = Response(status_code=499)  # for the metrics: nobody reads it
        self._metrics.answered(response.status_code, time.perf_counter() - began)
        return response

    async def _tag(self, request: Request) -> Response:
        self._check_token(request)
        try:
            parameters = read_parameters(request.query_params.multi_items())
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        show = Show(by_model=parameters.pop("by_model"), segments=parameters.pop("segments"))
        if self._accepted >= self._limits.jobs + self._limits.queue:
            raise HTTPException(429, "too many requests at once; try again later", {"Retry-After": "1"})
        self._accepted += 1
        try:
            async with received_audio(request, self._limits.max_bytes, self._limits.timeout) as (file, name):
                tagging = await self._tagging(request, file, parameters)
        finally:
            self._accepted -= 1
        self._metrics.tagged(tagging.duration or 0.0)
        status = STATUS_OF.get(tagging.error.kind, 500) if tagging.error else 200
        lines = io.StringIO()
        JsonLinesWriter(lines, show).write(named(tagging, name))
        body = lines.getvalue().encode("utf-8", "backslashreplace")
        return Response(body, status, media_type="application/json")

    async def _tagging(self, request: Request, file: BinaryIO, parameters: dict[str, Any]) -> Tagging:
        labels = parameters.pop("labels")
        chosen = None if labels is None else [label.strip() for label in labels.split(",") if label.strip()]

        def process() -> Tagging:
            file.flush()
            os.lseek(file.fileno(), 0, os.SEEK_SET)
            return self._workers.tag_file(file, labels=chosen, **parameters)

        async with self._running:
            if await request.is_disconnected():  # while it waited: nobody wants the result
                raise ClientDisconnect
            try:
                return await to_thread.run_sync(process, limiter=CapacityLimiter(1))
            except ValueError as error:
                raise HTTPException(400, str(error)) from None
            except AudioTaggerError as error:
                return Tagging("-", error=AudioError("crashed", f"-: {error}"))

    async def metrics(self, request: Request) -> Response:
        """GET /metrics."""
        try:
            self._check_token(request)
        except HTTPException as refused:
            return refusal(request, refused)
        return self._metrics.page()

    def _check_token(self, request: Request) -> None:
        token = self._limits.token
        given = request.headers.get("authorization", "").encode("latin-1")  # the bytes as they came
        if token and not hmac.compare_digest(given, b"Bearer " + os.fsencode(token)):
            raise HTTPException(401, "the header Authorization: Bearer TOKEN is needed", {"WWW-Authenticate": "Bearer"})


def create_app(workers: WorkerPool, limits: Limits) -> Starlette:
    """Return the service as an ASGI application."""
    service, document = Service(workers, limits), openapi(limits.token is not None)

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def index(_: Request) -> Response:
        return FileResponse(PAGE / "index.html")

    async def describe(_: Request) -> Response:
        return JSONResponse(document)

    return Starlette(
        routes=[
            Route("/tag", service.tag, methods=["POST"]),
            Route("/health", health),
            Route("/metrics", service.metrics),
            Route("/openapi.json", describe),
            Route("/", index),
            Mount("/page", StaticFiles(directory=PAGE)),
        ],
        exception_handlers={HTTPException: refusal},
    )


def refusal(_: Request, refused: Exception) -> Response:
    """Return the answer to a request that is not for the tagger."""
    assert isinstance(refused, HTTPException)
    error = {"kind": KIND_OF.get(refused.status_code, "error"), "message": refused.detail}
    return JSONResponse({"error": error}, refused.status_code, refused.headers)


def named(tagging: Tagging, name: str) -> Tagging:
    """Return the result for an open file as that for a file of this name, also where messages begin with the name."""
    error, warning = tagging.error, tagging.warning
    if error and error.kind == "needs_extra":  # the remedy is for who runs the service
        error = AudioError(error.kind, '-: this service cannot decode it; it lacks the extra "formats"')
    if error:
        error = AudioError(error.kind, _renamed(str(error), name))
    if warning:
        warning = AudioWarning(warning.kind, _renamed(warning.message, name))
    return replace(tagging, path=name, error=error, warning=warning)


def _renamed(message: str, name: str) -> str:
    return f"{name}: {message.removeprefix('-: ')}"
