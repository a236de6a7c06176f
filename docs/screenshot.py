"""Make the picture of a page that README shows, from examples/.

python docs/screenshot.py   (needs Chromium and the extra "dev")
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import soxr
from playwright.sync_api import sync_playwright

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
        browser.close()
        _save(Path(root, "page.png"), DOCS / "images" / "report.png")


def _save(taken: Path, path: Path) -> None:
    """Store a screenshot with 256 colours, which is a third of the size."""
    from PIL import Image  # comes with matplotlib

    with Image.open(taken) as image:
        image.convert("RGB").quantize(256).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
