"""Make the pictures of a page and of a terminal that README shows, from examples/.

python docs/screenshot.py   (needs Chromium and the extra "dev")
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import soxr
from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).parent
EXAMPLES = DOCS.parent / "examples"
RATE = 44_100


def prepare(folder: Path) -> None:
    """Copy the examples into a folder, with a few more clips made of them."""
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("*.py", "*.md"))
    parts = []
    for path in sorted(folder.iterdir()):
        waveform, rate = soundfile.read(path, always_2d=True)
        parts.append(soxr.resample(waveform.mean(axis=1), rate, RATE))
    by_name = dict(zip([path.stem for path in sorted(folder.iterdir())], parts, strict=True))
    (folder / "session").mkdir()
    soundfile.write(folder / "session" / "rehearsal.flac", np.concatenate(parts), RATE)
    for name, factor in (("violin", 0.8), ("trumpet", 0.85), ("flute", 1.2), ("acoustic_guitar", 1.15)):
        soundfile.write(
            folder / "session" / f"{name}_take_2.wav", soxr.resample(by_name[name], RATE, RATE * factor), RATE
        )
    noise = np.random.default_rng(0).normal(size=3 * RATE) * 0.05
    soundfile.write(folder / "session" / "room_tone.wav", noise, RATE)
    soundfile.write(folder / "session" / "both_at_once.wav", _mixed(by_name["hi-hat"], by_name["violin"]), RATE)
    (folder / "session" / "lost_take.wav").write_bytes(b"RIFF" + bytes(64))


def _mixed(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    length = max(len(one), len(other))
    return (np.resize(one, length) + np.resize(other, length)) / 2


def main() -> None:
    """Tag the clips, and photograph the page."""
    with tempfile.TemporaryDirectory() as root, sync_playwright() as playwright:
        prepare(Path(root, "recordings"))
        command = [
            sys.executable,
            "-m",
            "audiotagger",
            "tag",
            "recordings",
            "--hop",
            "1",
            "--report",
            "report.html",
            "-q",
        ]
        subprocess.run(command, cwd=root, check=False, stdout=subprocess.DEVNULL)  # one file fails
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1360, "height": 820})
        page.goto(Path(root, "report.html").as_uri())
        row = page.locator(".row", has_text="rehearsal.flac")
        row.click()
        page.screenshot(path=Path(root, "page.png"))
        _save(Path(root, "page.png"), DOCS / "images" / "report.png")
        photograph_terminal(browser, Path(root, "terminal.png"))
        _save(Path(root, "terminal.png"), DOCS / "images" / "show.png")
        browser.close()


def photograph_terminal(browser: Browser, path: Path) -> None:
    """Photograph what `audiotagger show` prints in a terminal of 80 columns."""
    command = [sys.executable, "-m", "audiotagger", "show", "trumpet.mp3"]
    terminal = {**os.environ, "COLUMNS": "80", "FORCE_COLOR": "1", "COLORTERM": "truecolor", "TERM": "xterm-256color"}
    shown = subprocess.run(command, cwd=EXAMPLES, env=terminal, check=True, capture_output=True, text=True).stdout
    console = Console(record=True, width=80, file=io.StringIO())
    console.print(Text("$ audiotagger show trumpet.mp3"), Text.from_ansi(shown), sep="\n")
    style = "background:#15181d;color:#dde3ea;margin:0;padding:14px;display:inline-block;font:14px/1.2 DejaVu Sans Mono"
    page = browser.new_page(viewport={"width": 900, "height": 700})
    page.set_content(console.export_html(code_format=f'<pre style="{style}">{{code}}</pre>', inline_styles=True))
    page.locator("pre").first.screenshot(path=path)


def _save(taken: Path, path: Path) -> None:
    """Store a screenshot with 256 colours, which is a third of the size."""
    from PIL import Image  # comes with matplotlib

    with Image.open(taken) as image:
        image.convert("RGB").quantize(256).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
