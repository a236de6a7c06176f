"""The browser demo in Chromium: the same labels as `audiotagger tag`, and nothing that its policy forbids."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from tests.conftest import EXAMPLES, invoke

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Visit = Callable[..., "Page"]

CLIPS = sorted(path for path in EXAMPLES.iterdir() if path.suffix not in (".py", ".md"))

pytestmark = pytest.mark.slow


def tagged(*paths: Path) -> list[dict[str, Any]]:
    """What `audiotagger tag` answers, with the scores of all labels."""
    done = invoke("tag", *paths, "--format", "jsonl", "--segments", "--top-k", 1000)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def drop(page: Page, *paths: Path) -> list[Locator]:
    """Give files to the page, and return the card of each once it is done."""
    page.get_by_label("Choose files").set_input_files(paths)
    cards = [page.get_by_role("article").filter(has_text=path.name) for path in paths]
    for card in cards:
        card.and_(page.locator(":not([data-state=waiting])")).wait_for()
    return cards


def tags(card: Locator) -> list[tuple[str, float]]:
    """The labels and scores of a card."""
    lines = card.locator(".tags li").all()
    return [(line.locator(".label").inner_text(), float(line.locator(".score").inner_text())) for line in lines]


def segments(card: Locator) -> list[tuple[str, float, float]]:
    """Label, start and end of what the time line of a card shows."""
    found = []
    for lane in card.locator(".lanes li").all():
        label, _, times = lane.inner_text().partition(" ")
        ends = [60 * int(m) + float(s) for m, s in re.findall(r"(\d+):([\d.]+)", times)]
        found += [(label, *pair) for pair in zip(ends[::2], ends[1::2], strict=True)]
    return sorted(found, key=lambda segment: segment[1])


def assert_same(card: Locator, expected: dict[str, Any]) -> None:
    """The browser resamples differently, so scores differ a little."""
    found = tags(card)
    assert found[0][0] == expected["tags"][0]["label"]
    scores = {tag["label"]: tag["score"] for tag in expected["tags"]}
    assert len(found) == 3
    assert [scores[label] for label, _ in found] == pytest.approx([score for _, score in found], abs=0.05)
    assert found[0][1] == max(score for _, score in found)
    assert card.get_attribute("data-state") == ("done" if expected["confident"] else "unsure")
    shown = segments(card)
    assert [label for label, *_ in shown] == [segment["label"] for segment in expected["segments"]]
    for (_, start, end), segment in zip(shown, expected["segments"], strict=True):
        assert (start, end) == pytest.approx((segment["start"], segment["end"]), abs=0.16)


def test_examples_get_the_same_labels_as_on_the_command_line(visit: Visit) -> None:
    for card, expected in zip(drop(visit(), *CLIPS), tagged(*CLIPS), strict=True):
        assert_same(card, expected)


def test_windows_and_channels_are_those_of_the_command_line(visit: Visit, tmp_path: Path) -> None:
    """Several windows, one of them silent and not where a sound ends, for filters ring there; an offset; channels that
    cancel out in one half only.
    """
    flute, rate = soundfile.read(EXAMPLES / "flute.ogg")
    trumpet, _ = soundfile.read(EXAMPLES / "trumpet.mp3")
    parts = [np.resize(flute, 19 * rate), np.zeros(7 * rate), np.resize(trumpet, 8 * rate)]
    left, right = np.concatenate(parts), np.concatenate([-parts[0], *parts[1:]])
    path = tmp_path / "both.wav"
    soundfile.write(path, np.stack([left, right], axis=1) * 0.5 + 0.1, rate, subtype="FLOAT")
    (card,), (expected,) = drop(visit(), path), tagged(path)
    assert len(expected["segments"]) >= 2
    assert_same(card, expected)


def test_silence_and_what_is_no_audio(visit: Visit, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(16_000), 16_000)
    (tmp_path / "<img src=x onerror=document.title=1>.wav").write_bytes(b"no audio")
    page = visit()
    silent, broken = drop(page, *sorted(tmp_path.iterdir(), reverse=True))
    assert "Silence." in silent.inner_text()
    assert not tags(silent)
    assert broken.get_attribute("data-state") == "failed"
    assert "cannot decode" in broken.inner_text()
    assert page.title() == "audiotagger"


def test_microphone(visit: Visit, tmp_path: Path) -> None:
    """Chromium plays a file into a microphone that does not exist, again and again."""
    samples, rate = soundfile.read(EXAMPLES / "acoustic_guitar.flac")
    path = tmp_path / "made.wav"
    soundfile.write(path, samples, rate, subtype="PCM_16")
    (expected,) = tagged(path)
    page = visit(
        "use-fake-device-for-media-stream", "use-fake-ui-for-media-stream", f"use-file-for-fake-audio-capture={path}"
    )
    page.get_by_role("button", name="Use the microphone").click()
    card = page.get_by_role("article").filter(has_text="Microphone")
    first = card.locator(".tags li").first
    first.filter(has_text=expected["tags"][0]["label"]).wait_for()
    card.locator(".lanes li").filter(has_text=expected["tags"][0]["label"]).wait_for()
    page.get_by_role("button", name="Stop the microphone").click()
    page.get_by_role("status").filter(has_text="Stopped").wait_for()
    assert page.get_by_role("button", name="Use the microphone").get_attribute("aria-pressed") == "false"


@pytest.mark.parametrize(("theme", "width"), [("light", 1024), ("dark", 360)])
def test_it_is_accessible_and_fits(theme: str, width: int, visit: Visit) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs the extra dev")
    page = visit(theme=theme, width=width)
    drop(page, CLIPS[0])
    found = axe.Axe().run(page)
    assert not found.response["violations"], found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_files_can_be_dropped(visit: Visit) -> None:
    page = visit()
    transfer = page.evaluate_handle(
        """([name, bytes]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], name));
            return transfer;
        }""",
        [CLIPS[0].name, list(CLIPS[0].read_bytes())],
    )
    page.get_by_role("region", name="Sounds to tag").dispatch_event("drop", {"dataTransfer": transfer})
    card = page.get_by_role("article").filter(has_text=CLIPS[0].name)
    card.and_(page.locator(":not([data-state=waiting])")).wait_for()
    (expected,) = tagged(CLIPS[0])
    assert_same(card, expected)


def test_the_policy_holds_in_all_threads(visit: Visit) -> None:
    """A script that somebody else put there could not run, and could not send anything anywhere."""
    page = visit(expected="Content Security Policy")
    blocked = """async () => {
        const violation = new Promise((resolve) => self.addEventListener("securitypolicyviolation", resolve));
        await fetch("http://127.0.0.2:9/").catch(() => {});
        return (await violation).effectiveDirective;
    }"""
    (worker,) = page.workers
    assert page.evaluate(blocked) == "connect-src"
    assert worker.evaluate(blocked) == "connect-src"
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "document.title = 'owned'";
            document.body.append(script);
        }"""
    )
    assert page.title() == "audiotagger"
