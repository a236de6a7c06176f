"""A running service, and uploads that take as long as a test wants."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import started, wait_until

for name in ("starlette", "uvicorn", "python_multipart", "prometheus_client", "requests"):
    pytest.importorskip(name, reason="needs the extras serve and dev")

import requests  # noqa: E402
from prometheus_client.parser import text_string_to_metric_families  # noqa: E402

Headers = Mapping[str, str | bytes]

SECONDS = 120
"""After which a test gives up waiting for an answer."""


class Running:
    """A service that runs, and what it has printed so far."""

    def __init__(self, process: subprocess.Popen[bytes], errors: Path, token: str | None) -> None:
        self.process, self._errors = process, errors
        self.headers: Headers = {"Authorization": f"Bearer {token}"} if token else {}
        wait_until(lambda: "listening at" in self.printed(), process)
        self.url = re.findall(r"listening at (http://\S+)\n", self.printed())[0]

    def printed(self) -> str:
        return self._errors.read_text("utf-8")

    def post(self, path: str = "/tag", headers: Headers | None = None, **options: Any) -> requests.Response:
        return requests.post(
            self.url + path, headers=self.headers if headers is None else headers, timeout=SECONDS, **options
        )

    def get(self, path: str, headers: Headers | None = None) -> requests.Response:
        return requests.get(self.url + path, headers=self.headers if headers is None else headers, timeout=SECONDS)

    def send(self, name: str, content: bytes, query: str = "") -> requests.Response:
        return self.post(f"/tag{query}", files={"file": (name, content)})

    def refuses_connections(self) -> bool:
        try:
            self.get("/health")
        except requests.ConnectionError:
            return True
        return False

    def metric(self, name: str, **labels: str) -> float:
        families = text_string_to_metric_families(self.get("/metrics").text)
        samples = [sample for family in families for sample in family.samples]
        return next((one.value for one in samples if one.name == name and one.labels == labels), 0.0)

    def wait_for_accepted(self, number: int) -> None:
        wait_until(lambda: self.metric("audiotagger_requests_accepted") == number, self.process)


@contextmanager
def running(folder: Path, *args: object, token: str | None = None, **options: Any) -> Iterator[Running]:
    """Run the service on a free port."""
    environment = {**os.environ, **({"AUDIOTAGGER_TOKEN": token} if token else {})}
    errors = folder / "err.txt"
    with (
        errors.open("wb") as err,
        started("serve", "--port", 0, *args, stderr=err, env=environment, **options) as process,
    ):
        yield Running(process, errors, token)


class SlowUpload:
    """A request whose body is sent in two halves."""

    def __init__(self, service: Running, content: bytes, query: str = "") -> None:
        host, port = service.url.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=SECONDS)
        head = [f"POST /tag{query} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(content)}", "Connection: close"]
        self.socket.sendall("\r\n".join([*head, "", ""]).encode() + content[: len(content) // 2])
        self.rest = content[len(content) // 2 :]

    def finish(self) -> tuple[int, Any]:
        """Send the rest, and return the status and the JSON of the answer."""
        self.socket.sendall(self.rest)
        return self.answer()

    def answer(self) -> tuple[int, Any]:
        with self.socket, self.socket.makefile("rb") as stream:
            head, _, body = stream.read().partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)

    def leave(self) -> None:
        self.socket.close()
