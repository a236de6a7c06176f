"""A page about real files, and Chromium to look at it."""

from __future__ import annotations

import functools
import http.server
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from tests.conftest import EXAMPLES, invoke, noise, tone

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HOSTILE = (
    "<img src=x onerror=document.title='owned'>.wav",
    "</script><script>document.title='owned'</script>".replace("/", "\N{FRACTION SLASH}") + ".wav",
    "javascript:document.title='owned'.wav",
    "=cmd|'calc'!A1.wav",
    "100%25 #1?.wav",
    "evil\N{RIGHT-TO-LEFT OVERRIDE}gpj.wav",
    "line\nbreak\tand\x1b[31m.wav",
    "{{data}}${1}&lt;&amp;.wav",
)
"""Names of files that would do something if they were taken for something else than names."""


def blocks(page: Path) -> list[tuple[str, Any]]:
    """The name and content of each block of data in a page."""
    found = re.findall(r'<script type="application/json" (?:id|class)="(.*?)">(.*?)</script>', page.read_text("utf-8"))
    return [(name, json.loads(text)) for name, text in found]


def records(page: Path) -> list[dict[str, Any]]:
    """What a page states about each file."""
    return [data for name, data in blocks(page) if name == "record"]


@pytest.fixture(scope="session")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sounds/, in which some files have hostile names, one is silent and one is broken; and report.html
    about them.
    """
    root = tmp_path_factory.mktemp("batch")
    sounds = root / "sounds"
    shutil.copytree(EXAMPLES, sounds, ignore=shutil.ignore_patterns("*.py", "*.md"))
    (sounds / "odd").mkdir()
    for i, name in enumerate(HOSTILE):
        soundfile.write(sounds / "odd" / name, tone(0.5 + i / 10, hertz=300 + 50 * i), 16_000)
    both = np.concatenate([tone(6.0), noise(6.0)])
    soundfile.write(sounds / "both.flac", both, 16_000)
    soundfile.write(sounds / "silence.wav", np.zeros(16_000), 16_000)
    (sounds / "broken.wav").write_bytes(b"RIFF" + bytes(100))
    done = invoke("tag", "sounds", "--hop", 1, "--report", "report.html", "-o", "results.jsonl", cwd=root)
    assert done.exit_code == 1, done.output  # because of the broken file
    return root


@pytest.fixture(scope="session")
def browser(launch_chromium: Callable[..., Browser]) -> Iterator[Browser]:
    """Chromium without a window."""
    with launch_chromium() as launched:
        yield launched


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A function that opens a page, from a file or a URL. Errors and violations of its policy fail the test, but for
    messages with `expected` in them.
    """
    complaints: list[str] = []
    contexts = []

    def open_page(
        where: Path | str, *, width: int = 1440, height: int = 900, expected: str = "\0", **options: Any
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=options.pop("theme", "light"), **options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: complaints.append(message.text) if expected not in message.text else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(where.as_uri() if isinstance(where, Path) else where)
        page.locator(".row, .card").first.wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def served(batch: Path) -> Iterator[str]:
    """The URL of the folder of the batch, from a server on this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(batch))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
