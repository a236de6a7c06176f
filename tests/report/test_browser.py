"""The page about a batch as people use it, in Chromium."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import Result

from tests.conftest import wait_until
from tests.report.conftest import HOSTILE, records

if TYPE_CHECKING:
    from playwright.sync_api import Page

Visit = Callable[..., "Page"]
Run = Callable[..., Result]


def time(page: Page) -> float:
    """Where the audio is, in seconds."""
    return float(page.evaluate("document.querySelector('audio').currentTime"))


def plays(page: Page, since: float = 0.0, until: float = 100.0) -> None:
    """Wait until the audio is between these seconds. The page's policy forbids playwright's own wait_for_function."""
    wait_until(lambda: since < time(page) < until, seconds=60)


def shown(page: Page) -> list[str]:
    """The names in the table, in order."""
    boxes = page.locator(".row").evaluate_all(
        "rows => rows.map(row => [Number(row.ariaRowIndex ?? row.getAttribute('aria-rowindex')),"
        " row.querySelector('.cell-path .name').textContent])"
    )
    return [name for _, name in sorted(boxes)]


def search(page: Page, text: str) -> None:
    page.get_by_placeholder("Search names and labels").fill(text)


def selected(page: Page) -> str:
    return page.locator(".details h2").inner_text()


def saved(page: Page, button: str) -> str:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return Path(download.value.path()).read_text("utf-8")


def test_numbers_sum_up_the_batch(visit: Visit, batch: Path) -> None:
    page = visit(batch / "report.html")
    of_page = records(batch / "report.html")
    numbers = {
        name: int(page.locator(f".number[data-status='{name}'] strong").first.inner_text())
        for name in ("", "unsure", "failed", "warning")
    }
    assert numbers == {
        "": len(of_page),
        "unsure": sum(not one["error"] and not one["confident"] for one in of_page),
        "failed": 1,
        "warning": 0,
    }


def test_search_sort_and_filter(visit: Visit, batch: Path) -> None:
    page = visit(batch / "report.html")
    search(page, "violin")
    assert shown(page) == ["violin.opus"]
    assert "1 of " in page.get_by_role("status").inner_text()
    search(page, "nothing like it")
    assert shown(page) == []
    page.get_by_role("button", name="Show all").click()

    page.get_by_role("button", name="Score", exact=True).click()
    scores = [float(text) for text in page.locator(".cell-score").all_inner_texts()[1:] if text]
    by_place = [one["tags"][0]["score"] for one in records(batch / "report.html") if one["tags"]]
    assert sorted(scores, reverse=True)[0] == pytest.approx(max(by_place), abs=0.006)
    assert page.locator("[aria-sort=descending]").inner_text().startswith("Score")
    order = shown(page)
    page.get_by_role("button", name="Score", exact=True).click()
    assert page.locator("[aria-sort=ascending]").count() == 1
    assert shown(page) != order

    page.locator(".number[data-status=failed]").click()
    assert shown(page) == ["broken.wav"]
    page.locator(".number[data-status=failed]").click()
    page.locator(".facets").get_by_role("button", name="Flute").click()
    assert "flute.ogg" in shown(page)
    assert "trumpet.mp3" not in shown(page)
    page.locator(".facets").get_by_role("button", name="Flute").click()
    page.get_by_label("Lowest score").fill("0.9")
    assert "silence.wav" not in shown(page)
    assert "trumpet.mp3" in shown(page)


def test_details_show_opinions_of_both_models(visit: Visit, batch: Path) -> None:
    page = visit(batch / "report.html")
    page.locator(".row", has_text="trumpet.mp3").click()
    assert selected(page) == "trumpet.mp3"
    of_file = next(one for one in records(batch / "report.html") if one["path"].endswith("trumpet.mp3"))
    table = page.locator(".opinions")
    assert table.locator("thead th").all_inner_texts() == ["label", "ensemble", "mel", "wave"]
    first = table.locator("tbody tr").first
    assert first.locator("th").inner_text() == "Trumpet"
    assert first.locator("td").all_inner_texts() == [f"{score:.2f}" for score in of_file["opinions"][0][1:]]
    size = page.locator(".picture img").evaluate("image => [image.naturalWidth, image.naturalHeight]")
    assert size[0] > 50
    assert size[1] == 64


def test_playing_from_the_table_and_the_picture(visit: Visit, batch: Path, served: str) -> None:
    for where in (batch / "report.html", f"{served}/report.html"):
        page = visit(where)
        for name in ("trumpet.mp3", "flute.ogg", "violin.opus", "acoustic_guitar.flac"):
            search(page, name)
            page.get_by_role("button", name=f"Play {name}").click()
            plays(page, 0.05)
        search(page, "both.flac")
        page.locator(".row .strip").click(position={"x": 1, "y": 10})
        plays(page, 0, 3)
        box = page.locator(".picture").bounding_box()
        assert box
        page.locator(".picture").click(position={"x": box["width"] / 2, "y": 40})
        plays(page, 6, 9)
        page.locator(".lane").first.click(position={"x": box["width"] * 0.75, "y": 8})
        plays(page, 9)
        page.context.close()


def test_keyboard(visit: Visit, batch: Path) -> None:
    page = visit(batch / "report.html")
    order = shown(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert selected(page) == order[2]
    page.keyboard.press("ArrowUp")
    assert selected(page) == order[1]
    page.keyboard.press("End")
    assert selected(page) == order[-1]
    page.keyboard.press("/")
    page.keyboard.type("both")
    assert selected(page) == "both.flac"
    page.keyboard.press("Escape")
    page.keyboard.press(" ")
    plays(page, 0.05)
    page.keyboard.press(" ")
    page.locator(".details").get_by_role("button", name="Play").wait_for()
    before = time(page)
    page.keyboard.press("ArrowRight")
    plays(page, before + 0.9)
    page.keyboard.press("c")
    page.keyboard.type("Drone")
    page.keyboard.press("Enter")
    assert page.locator(".yours").inner_text().strip() == "Drone"


def test_corrections_are_data_to_train_on(visit: Visit, batch: Path, run: Run, tmp_path: Path) -> None:
    page = visit(batch / "report.html", accept_downloads=True)
    given = {}
    for name, label in (
        ("flute.ogg", "Tin whistle"),
        ("trumpet.mp3", "trumpet"),
        (HOSTILE[3], 'a,"b"'),
        (HOSTILE[4], "x"),
    ):
        search(page, name)
        page.locator(".row").first.click()
        page.get_by_label("Correct label").fill(label)
        page.get_by_role("button", name="Save").click()
        given[name] = "Trumpet" if label == "trumpet" else label
    search(page, "violin.opus")
    page.locator(".correct").get_by_role("button", name="Violin or fiddle").click()
    given["violin.opus"] = "Violin_or_fiddle"
    page.reload()
    page.locator(".corrections").wait_for()  # they are kept
    (tmp_path / "corrections.csv").write_text(saved(page, "Download corrections"), encoding="utf-8")

    from audiotagger.datasets.dataset import read_split

    clips = read_split(tmp_path / "corrections.csv", "train")
    assert {clip.path.name: clip.label for clip in clips} == given
    assert all(clip.path.samefile(next(batch.rglob(clip.path.name))) for clip in clips)
    done = run("data", "validate", tmp_path / "corrections.csv")
    assert done.exit_code == 0, done.output
    assert "5 train clips" in done.stdout


def test_corrections_of_a_served_page_are_relative_to_it(visit: Visit, batch: Path, served: str) -> None:
    page = visit(f"{served}/report.html")
    search(page, "flute.ogg")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    rows = list(csv.DictReader(io.StringIO(saved(page, "Download corrections"))))
    assert rows == [{"path": "./sounds/flute.ogg", "label": "Flute"}]


def test_what_is_filtered_can_be_downloaded(visit: Visit, batch: Path) -> None:
    page = visit(batch / "report.html")
    search(page, "odd")
    of_page = [one for one in records(batch / "report.html") if "/odd/" in one["path"]]
    objects = json.loads(saved(page, "Download these results as JSON"))
    assert [one["path"] for one in objects] == [one["path"] for one in of_page]
    assert [one["tags"] for one in objects] == [one["tags"] for one in of_page]
    rows = list(csv.DictReader(io.StringIO(saved(page, "Download these results as CSV"), newline="")))
    assert [row["path"] for row in rows] == [one["path"] for one in of_page for _ in one["tags"]]
    assert list(rows[0]) == ["path", "label", "score", "confident"]


def test_hostile_names_are_shown_as_they_are(visit: Visit, batch: Path) -> None:
    page = visit(batch / "report.html")
    search(page, "odd")
    names = shown(page)
    assert {name for name in HOSTILE if name.isprintable()} <= set(names)
    assert "evil\\u202egpj.wav" in names
    for _ in HOSTILE:
        page.keyboard.press("Escape")
        page.keyboard.press(" ")
        plays(page)
        page.keyboard.press("ArrowDown")
    assert page.title() == "Audio tagging report"
    assert page.locator("img[src=x]").count() == 0


def test_similar_files_are_near(visit: Visit, batch: Path) -> None:
    page = visit(batch / "report.html")
    search(page, "javascript")
    names = page.locator(".similar .name").all_inner_texts()
    assert len(names) == 6
    assert sum(name in HOSTILE or "evil" in name or "line" in name for name in names) >= 4  # the other tones
    page.locator(".similar button").first.click()
    assert selected(page) == names[0]


@pytest.mark.parametrize(
    ("width", "theme"),
    [
        (1440, "light"),
        (390, "dark"),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in ((1440, "dark"), (1000, "light"), (390, "light"))),
    ],
)
def test_axe_finds_no_violation(visit: Visit, batch: Path, width: int, theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs the extra dev")
    page = visit(batch / "report.html", width=width, theme=theme, bypass_csp=True)
    page.keyboard.press("Enter")
    page.locator(".corrections").wait_for()
    for state in ("table", "details"):
        if state == "details":
            page.locator(".row").nth(1).click()
        results = axe.Axe().run(page)
        assert results.violations_count == 0, results.generate_report()


def test_nothing_is_wider_than_a_phone(visit: Visit, batch: Path) -> None:
    page = visit(batch / "report.html", width=360, height=740)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator(".row").first.click()
    assert page.locator(".details").is_visible()
    assert page.evaluate("document.querySelector('.details').scrollWidth") <= 360
    page.get_by_role("button", name="Close the details").click()
    assert not page.locator(".details").is_visible()


def test_page_whose_audio_is_gone_still_opens(visit: Visit, batch: Path, tmp_path: Path) -> None:
    shutil.copy(batch / "report.html", tmp_path / "alone.html")
    page = visit(tmp_path / "alone.html", expected="net::ERR_FILE_NOT_FOUND")
    page.get_by_role("button", name="Play flute.ogg").click()
    page.get_by_text("The browser cannot play it").wait_for()
    assert page.locator(".opinions tbody tr").count() == 6


def test_embedded_audio_plays_anywhere(visit: Visit, batch: Path, run: Run, tmp_path: Path) -> None:
    done = run(
        "tag", "sounds/hi-hat.wav", "sounds/flute.ogg", "--report", tmp_path / "p.html", "--embed-audio", cwd=batch
    )
    assert done.exit_code == 0, done.output
    page = visit(tmp_path / "p.html")
    for name in ("hi-hat.wav", "flute.ogg"):
        page.get_by_role("button", name=f"Play {name}").first.click()
        plays(page, 0.05)
