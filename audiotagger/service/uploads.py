"""The audio in a request, stored in a temporary file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from python_multipart.exceptions import FormParserError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

IN_MEMORY = 1 << 20
"""Bytes from which on an upload is written to the disk."""

ONE_FILE = "send the audio as one file part, and options in the query"


@asynccontextmanager
async def received_audio(request: Request, max_bytes: int, seconds: float) -> AsyncIterator[tuple[BinaryIO, str]]:
    """Receive the audio of a request: its only file if it is multipart/form-data, else the body.

    Parameters
    ----------
    request
        Of which nothing has been read.
    max_bytes
        Maximum size of the body.
    seconds
        How long receiving it may take.

    Yields
    ------
    tuple
        The stored file, and the name that the client gives it, "-" if it gives none.

    Raises
    ------
    HTTPException
        With the status 400, 408 or 413.
    """
    if int(request.headers.get("content-length", 0)) > max_bytes:
        raise _too_large(max_bytes)
    limited = _limited(request, max_bytes)
    is_form = request.headers.get("content-type", "").lower().startswith("multipart/form-data")
    upload: UploadFile | None = None
    try:
        try:
            async with asyncio.timeout(seconds):
                upload = await (_from_form(limited) if is_form else _from_body(limited))
        except TimeoutError:
            raise HTTPException(408, f"the audio did not arrive within {seconds:g} s") from None
        yield upload.file, upload.filename or "-"
    finally:
        if upload:
            await upload.close()


def _limited(request: Request, max_bytes: int) -> Request:
    """Return the same request, the body of which raises HTTPException beyond `max_bytes`."""
    received = 0

    async def receive() -> Any:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > max_bytes:
            raise _too_large(max_bytes)
        return message

    return Request(request.scope, receive)


def _too_large(max_bytes: int) -> HTTPException:
    return HTTPException(413, f"larger than {max_bytes / (1 << 20):g} MiB")


async def _from_form(request: Request) -> UploadFile:
    try:
        form = await request.form(max_files=1, max_fields=10)
    except (FormParserError, UnicodeError):  # no form; names in a charset that is none
        raise HTTPException(400, ONE_FILE) from None
    parts = form.multi_items()
    if len(parts) != 1 or not isinstance(parts[0][1], UploadFile):
        await form.close()
        raise HTTPException(400, ONE_FILE)
    return parts[0][1]


async def _from_body(request: Request) -> UploadFile:
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 (closed with the upload)
    upload = UploadFile(cast("BinaryIO", file), size=0)
    try:
        async for chunk in request.stream():
            await upload.write(chunk)
    except BaseException:
        await upload.close()
        raise
    return upload
