"""Write a page about many files, and measure its size, the memory and how Chromium copes with it.

The files are parts of examples/ of random length, volume and offset. Linux, with Chromium and the extra "dev".

python benchmarks/report_page.py [--files 5000] [--folder DIR]
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from playwright.sync_api import Page, sync_playwright

EXAMPLES = Path(__file__).parent.parent / "examples"

FRAMES = """async () => {
  const grid = document.querySelector(".files"), times = [];
  for (let i = 0; i < 120; i++) {
    const began = performance.now();
    grid.scrollTop += 1000;
    await new Promise(requestAnimationFrame);
    times.push(performance.now() - began);
  }
  return times;
}"""


def create(folder: Path, files: int) -> None:
    """Write so many clips of 0.5 to 10 seconds."""
    rng = np.random.default_rng(0)
    sources = [soundfile.read(path) for path in sorted(EXAMPLES.iterdir()) if path.suffix not in (".py", ".md")]
    for i in range(files):
        waveform, rate = sources[i % len(sources)]
        length = round(rate * rng.uniform(0.5, 10))
        part = np.resize(np.roll(waveform, rng.integers(len(waveform)), axis=0), (length, *waveform.shape[1:]))
        soundfile.write(folder / f"{i:05}.flac", part * rng.uniform(0.1, 1), rate)


def memory(process: int) -> float:
    """Return the resident memory of a process in MiB."""
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text(encoding="ascii"), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def write_page(folder: Path, page: Path, files: int) -> None:
    """Tag the folder, and print the memory of the command's own process after a tenth of the files and at the end."""
    command = [sys.executable, "-m", "audiotagger", "tag", str(folder), "--report", str(page)]
    began, used = time.monotonic(), []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        for done, _ in enumerate(process.stdout, 1):
            if done in (max(files // 10, 1), files - 5):
                used.append(memory(process.pid))
    print(f"tagged in {time.monotonic() - began:.0f} s, memory {' -> '.join(f'{mib:.0f}' for mib in used)} MiB")


def measure(page: Page, url: str) -> None:
    """Print what opening and scrolling take: on the clock, and of the CPU in the page's main thread."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def used() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "ThreadTime"))

    opened = []
    for _ in range(3):
        began = time.monotonic()
        page.goto(url)
        page.locator(".row").first.wait_for()
        opened.append((time.monotonic() - began, used()))
    wall, cpu = map(statistics.median, zip(*opened, strict=True))
    print(f"opens in {wall:.2f} s, {cpu:.2f} s of CPU (medians of 3)")
    before = used()
    frames = sorted(page.evaluate(FRAMES))
    cpu = 1000 * (used() - before) / len(frames)
    print(f"a frame while scrolling: median {frames[len(frames) // 2]:.0f} ms, mean {cpu:.0f} ms of CPU")


def main() -> None:
    """Create the files, write the page, look at it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--folder", type=Path, help="keep clips and page there")
    args = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("needs Chromium")
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        root: Path = args.folder or Path(temporary)
        sounds, page = root / "sounds", (root / "report.html").resolve()
        if not page.exists():
            sounds.mkdir(parents=True)
            create(sounds, args.files)
            write_page(sounds, page, args.files)
        print(f"page of {page.stat().st_size / 1e6:.1f} MB for {args.files} files")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        measure(browser.new_page(), page.as_uri())
        browser.close()


if __name__ == "__main__":
    main()
