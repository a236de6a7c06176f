"""The page about a large batch, in Chromium."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiotagger.report import page as pages
from tests.report.conftest import records

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_rows_out_of_sight_do_not_exist(visit: Callable[..., Page], tmp_path: Path) -> None:
    with (tmp_path / "many.html").open("w", encoding="utf-8") as file, pages.Page(file, "tagging", ABOUT) as page:
        for i in range(5000):
            page.add(result(f"sounds/{i:04}.wav", score=(i * 37 % 5000) / 5000), {"picture": "", "audio": ""})
    opened = visit(tmp_path / "many.html")
    assert opened.locator(".row").count() < 40
    opened.locator(".files").evaluate("grid => grid.scrollTo(0, grid.scrollHeight)")
    opened.locator(".row", has_text="4999.wav").wait_for()
    assert opened.locator(".row").count() < 40
    assert opened.get_by_role("grid").get_attribute("aria-rowcount") == "5001"
    opened.keyboard.press("Home")
    opened.get_by_role("button", name="Score", exact=True).click()
    best = records(tmp_path / "many.html")
    best.sort(key=lambda one: one["tags"][0]["score"], reverse=True)
    first = opened.locator(".row[aria-rowindex='2'] .cell-path .name")
    assert first.text_content() == Path(best[0]["path"]).name


ABOUT: dict[str, Any] = {"models": {"mel": "1"}, "labels": ["Flute"], "threshold": 0.5}


def result(path: str, score: float) -> dict[str, Any]:
    tags = [{"label": "Flute", "score": score}]
    return {
        "path": path,
        "duration": 1.0,
        "tags": tags,
        "confident": True,
        "error": None,
        "warning": None,
        "segments": [],
    }
