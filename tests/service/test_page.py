"""The page of `audiotagger serve`, in a browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import EXAMPLES
from tests.service.running import running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def text(page: Page, selector: str) -> str:
    """What stands in an element."""
    return page.text_content(selector) or ""


@pytest.mark.slow
def test_the_page_tags_a_file_and_describes_the_parameters(
    tmp_path: Path, launch_chromium: Callable[..., Browser]
) -> None:
    with running(tmp_path, "--jobs", 1, token="secret") as service, launch_chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 844})
        problems: list[str] = []
        elsewhere: list[str] = []
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda one: elsewhere.append(one.url) if not one.url.startswith(service.url) else None)
        page.goto(service.url)
        assert text(page, "#parameters").count("top_k") == 1
        assert service.url.removeprefix("http://") in text(page, "main")
        page.set_input_files("input[type=file]", EXAMPLES / "flute.ogg")
        page.fill("input[name=token]", "secret")
        page.fill("input[name=top_k]", "2")
        page.check("input[name=segments]")
        page.click("button")
        page.locator("#answer", has_text='"path"').wait_for()
        answer = json.loads(text(page, "#answer"))
        assert (
            answer == service.send("flute.ogg", (EXAMPLES / "flute.ogg").read_bytes(), "?top_k=2&segments=true").json()
        )
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.screenshot(path=tmp_path / "page.png", full_page=True)
        assert problems == []
        assert [url for url in elsewhere if not url.startswith("data:")] == []
