"""The browser demo as it is built, served on this machine, and Chromium to look at it."""

from __future__ import annotations

import functools
import http.server
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DEMO = Path(__file__).parents[2] / "docs" / "demo"


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo in site/ and onnxruntime-web in node_modules/, as `docs/demo/build.py` leaves them."""
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("needs Node.js with npm")
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, DEMO / "build.py", folder / "site", "--packages", folder],
        capture_output=True,
        check=False,
        text=True,
        timeout=600,
    )
    if done.returncode and re.search("E(NOTFOUND|CONN|TIMEDOUT|AI_AGAIN)|40[34]|network", done.stderr):
        pytest.skip("npm cannot reach its packages")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def site(demo: Path) -> Iterator[str]:
    """The URL of the demo, from a server on this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(demo / "site"))
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def visit(site: str, launch_chromium: Callable[..., Browser]) -> Iterator[Callable[..., Page]]:
    """A function that opens the demo in Chromium and waits for the models. Messages on the console without `expected`
    in them, errors, violations of the page's policy and requests to elsewhere fail the test.
    """
    complaints: list[str] = []
    with ExitStack() as stack:

        def open_page(
            *switches: str, theme: Literal["light", "dark"] = "light", width: int = 1024, expected: str = "\0"
        ) -> Page:
            browser = stack.enter_context(launch_chromium(*switches))
            page: Page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=theme)
            page.set_default_timeout(180_000)
            page.on("console", lambda message: None if expected in message.text else complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("request", lambda request: None if is_own(request.url) else complaints.append(request.url))
            page.goto(site)
            status = page.get_by_role("status").and_(page.locator(":not(:text('Loading'))"))
            status.wait_for()
            assert "Ready" in status.inner_text()
            return page

        def is_own(url: str) -> bool:
            return url.startswith((site, f"blob:{site}", "data:"))

        yield open_page
    assert not complaints
