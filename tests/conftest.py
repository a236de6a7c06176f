"""Fixtures: commands and generated clips. The tests need no other data."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

# The commands under test must not depend on the developer's shell.
for name in (
    "AUDIOTAGGER_MODELS",
    "AUDIOTAGGER_DATA",
    "FORCE_COLOR",
    "PY_COLORS",
    "GITHUB_ACTIONS",
):
    os.environ.pop(name, None)
os.environ["COLUMNS"] = "80"

EXAMPLES = Path(__file__).parent.parent / "examples"

Waveform = NDArray[np.float32]


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run a command of audiotagger in this process."""
    from audiotagger.cli import app

    return lambda *args: CliRunner().invoke(app, [str(arg) for arg in args])


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
        env={**os.environ, "AUDIOTAGGER_CACHE": str(cwd / "cache")},
        preexec_fn=limit if largest_file else None,
    )


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
