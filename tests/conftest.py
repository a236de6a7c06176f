"""Fixtures: commands and generated clips. The tests need no other data."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# The commands under test must not depend on the developer's shell.
for name in (
    "AUDIOTAGGER_MODELS",
    "AUDIOTAGGER_DATA",
    "AUDIOTAGGER_TOKEN",
    "FORCE_COLOR",
    "PY_COLORS",
    "GITHUB_ACTIONS",
):
    os.environ.pop(name, None)
os.environ["COLUMNS"] = "80"

EXAMPLES = Path(__file__).parent.parent / "examples"

Waveform = NDArray[np.float32]


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Decoded clips are kept for all tests together, and never in the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUDIOTAGGER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def invoke(*args: object, cwd: Path = Path()) -> Result:
    """Run a command of audiotagger in this process: quicker, once TensorFlow is imported."""
    from audiotagger.cli import app

    with chdir(cwd):
        return CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run a command of audiotagger in this process."""
    return invoke


def command(*args: object, cwd: Path, largest_file: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command of audiotagger in a process of its own.

    With `largest_file`, in bytes, writing a larger file fails as on a full disk.
    """

    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file or resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    return subprocess.run(
        [sys.executable, "-m", "audiotagger", *map(str, args)],
        capture_output=True,
        check=False,
        text=True,
        timeout=600,
        cwd=cwd,
        preexec_fn=limit if largest_file else None,
    )


@contextmanager
def started(*args: object, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of audiotagger in the background; what is left of it at the end is killed."""
    options = {"stdin": subprocess.DEVNULL, **options}
    with subprocess.Popen([sys.executable, "-m", "audiotagger", *map(str, args)], **options) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(
    happened: Callable[[], bool], process: subprocess.Popen[Any] | None = None, seconds: float = 300
) -> None:
    """Return as soon as something has happened, or the process that should do it has ended; fail when it takes longer
    than so many seconds.
    """
    deadline = time.monotonic() + seconds
    while not happened() and (process is None or process.poll() is None):
        assert time.monotonic() < deadline, f"nothing happened in {seconds} s"
        time.sleep(0.01)


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def tone(seconds: float, sample_rate: int = 16_000, hertz: float = 440.0) -> Waveform:
    """Decaying harmonics, like a plucked string."""
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    waves = sum(np.sin(2 * np.pi * hertz * n * time) / n for n in range(1, 6))
    return (0.2 * waves * np.exp(-2 * time)).astype(np.float32)


def noise(seconds: float, sample_rate: int = 16_000, seed: int = 0) -> Waveform:
    """Bursts of noise."""
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    bursts = np.exp(-20 * (time % 0.25))
    return (0.2 * bursts * np.random.default_rng(seed).normal(size=len(time))).astype(np.float32)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A wav of 2 s."""
    path = tmp_path / "clip.wav"
    soundfile.write(path, tone(2.0), 16_000)
    return path


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of two labels, noise and tone, in 40 training clips of 8 sources, 8 test clips, other sounds and
    unlabelled clips.
    """
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    provenance = []
    for split, count in (("train", 40), ("test", 8), ("other", 4), ("unlabelled", 6)):
        folder = root / f"audio_{split}"
        folder.mkdir()
        with (root / f"{split}.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["fname", "label"])
            for i in range(count):
                label = "hum" if split == "other" else ("noise", "tone")[i % 2]
                seconds = rng.uniform(0.3, 3.0)
                waveform = noise(seconds, seed=i) if label == "noise" else tone(seconds, hertz=rng.uniform(200, 900))
                name = f"{split}{i:02}.wav"
                soundfile.write(folder / name, waveform, 16_000)
                table.writerow([name, label])
                provenance.append([name, label, f"source{i % 8}", f"session{i % 16}"])
    with (root / "provenance.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["fname", "label", "source", "group"], *provenance])
    return root


def _work(root: Path, **lines: str) -> Path:
    """Run commands in a folder, and write to NAME.txt what each prints."""
    for name, line in lines.items():
        done = invoke(*line.split(), cwd=root)
        assert done.exit_code == 0, done.output
        (root / f"{name}.txt").write_text(done.output, encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Path:
    """A folder with data/, a finished run of the mel model in runs/ and its export in models/, all by default options:
    whoever needs a trained model takes this. What was printed meanwhile is in mel.txt and export.txt.
    """
    pytest.importorskip("tensorflow", reason="needs the extra train")
    root = tmp_path_factory.mktemp("workshop")
    (root / "data").symlink_to(corpus)
    tensorboard = "--tensorboard" if find_spec("tensorboard") else ""
    return _work(root, mel=f"train --model mel --epochs 2 {tensorboard}", export="export")


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory, workshop: Path) -> Path:
    """The same with both models. For slow tests."""
    root = tmp_path_factory.mktemp("both")
    (root / "data").symlink_to(workshop / "data")
    shutil.copytree(workshop / "runs", root / "runs")
    return _work(root, wave="train --model wave --epochs 2", export="export")


def only_run(root: Path, kind: str) -> Path:
    """The run of a model that is in a folder's runs/."""
    (found,) = root.glob(f"runs/{kind}-*")
    return found


def write_long(path: Path, minutes: int) -> None:
    """A wav of so many minutes, 8 kHz: long to tag, quick to write."""
    minute = np.tile(tone(1.0, 8_000), 60)
    with soundfile.SoundFile(path, "w", 8_000, 1) as file:
        for _ in range(minutes):
            file.write(minute)


SWITCHES = "no-sandbox disable-gpu no-first-run disable-background-networking disable-component-update disable-sync"


@pytest.fixture(scope="session")
def launch_chromium() -> Iterator[Callable[..., Browser]]:
    """A function that starts Chromium without a window, with more switches.

    All tests share one Playwright, as there can be no second one in a process.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the extra dev")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("needs Chromium (apt-get install chromium)")
    with playwright.sync_playwright() as started:
        yield lambda *switches: started.chromium.launch(
            executable_path=chromium, args=[f"--{switch}" for switch in (*SWITCHES.split(), *switches)]
        )
