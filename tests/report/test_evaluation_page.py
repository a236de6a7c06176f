"""The page about an evaluation or a training run, as a file and in Chromium."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from audiotagger.evaluation.page import write_page
from tests.conftest import EXAMPLES, invoke, wait_until
from tests.report.conftest import blocks, records

if TYPE_CHECKING:
    from playwright.sync_api import Page

Visit = Callable[..., "Page"]

TRUTH = {
    "acoustic_guitar.flac": "Acoustic_guitar",
    "flute.ogg": "Flute",
    "glockenspiel.wav": "Flute",  # which is wrong
    "hi-hat.wav": "Hi-hat",
    "trumpet.mp3": "Trumpet",
    "violin.opus": "Trumpet",  # which is wrong too
}


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page about an evaluation on the examples."""
    root = tmp_path_factory.mktemp("evaluated")
    rows = "".join(f"{EXAMPLES / name},{label}\n" for name, label in TRUTH.items())
    (root / "clips.csv").write_text(f"path,label\n{rows}", encoding="utf-8")
    done = invoke("evaluate", "clips.csv", "--all-labels", "--report", "page.html", cwd=root)
    assert done.exit_code == 0, done.output
    return root / "page.html"


def test_page_has_the_clips_the_worst_first(evaluated: Path) -> None:
    about = dict(blocks(evaluated))["about"]
    clips = records(evaluated)
    assert {Path(clip["path"]).name: about["labels"][clip["truth"]] for clip in clips} == TRUTH
    assert {Path(clip["path"]).name for clip in clips[:2]} == {"glockenspiel.wav", "violin.opus"}
    scores = [clip["score"]["ensemble"] for clip in clips]
    assert scores == sorted(scores)
    assert list(about["charts"]) == ["mel", "wave", "ensemble"]
    ensemble = about["charts"]["ensemble"]
    assert ensemble["scores"]["top1"] == pytest.approx(4 / 6)
    assert sum(clips for _, _, clips in ensemble["confusion"]) == 6
    used = {label for cell in ensemble["confusion"] for label in cell[:2]}
    assert set(ensemble["order"]) == used


def test_looking_at_an_evaluation(visit: Visit, evaluated: Path) -> None:
    page = visit(evaluated)
    assert page.locator(".scores tbody tr").count() == 3
    assert page.locator(".worst li").count() == 2
    page.get_by_label("Only wrong ones").uncheck()
    assert page.locator(".worst li").count() == 6
    page.get_by_label("True label").select_option(label="Trumpet")
    assert page.locator(".worst .name").all_inner_texts() == ["violin.opus", "trumpet.mp3"]
    page.locator(".confusion .cell", has_text="Flute taken for Flute").click()
    assert page.locator(".worst .name").all_inner_texts() == ["flute.ogg"]
    page.get_by_role("button", name="Play flute.ogg").click()
    wait_until(lambda: float(page.evaluate("document.querySelector('audio').currentTime")) > 0.05, seconds=60)
    page.get_by_role("button", name="mel", exact=True).click()
    assert page.locator(".models [aria-pressed=true]").inner_text() == "mel"
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440


def test_curves_of_a_run_without_validation(visit: Visit, tmp_path: Path) -> None:
    history: list[dict[str, Any]] = [{"epoch": i + 1, "loss": 2 / (i + 1), "clips_per_second": 9.0} for i in range(5)]
    with (tmp_path / "page.html").open("w", encoding="utf-8") as file:
        write_page(file, tmp_path, "Training run <b>", None, {}, (), 16_000, history)
    page = visit(tmp_path / "page.html")
    assert page.locator("h1").inner_text() == "Training run <b>"
    assert page.locator(".chart circle").count() == 5
    page.get_by_text("No clips were held out").wait_for()


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), pytest.param(390, "dark", marks=pytest.mark.slow)])
def test_axe_finds_no_violation(visit: Visit, evaluated: Path, width: int, theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs the extra dev")
    page = visit(evaluated, width=width, theme=theme, bypass_csp=True)
    results = axe.Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
