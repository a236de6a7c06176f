from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import Result

from tests.conftest import noise, tone

Run = Callable[..., Result]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Folders of labels with nothing wrong: 12 clips each to train on, 2 to test."""
    seeds = itertools.count()
    for split, count in (("train", 12), ("test", 2)):
        for label in ("Bark", "Meow"):
            folder = tmp_path / "data" / split / label
            folder.mkdir(parents=True)
            for i in range(count):
                soundfile.write(folder / f"{i}.wav", noise(0.5 + 0.1 * i, seed=next(seeds)), 16_000)
    return tmp_path / "data"


def lines(result: Result, kind: str) -> list[str]:
    return [line for line in result.stdout.splitlines() if line.startswith(f"{kind}: ")]


def test_good_data_is_described(data: Path, run: Run) -> None:
    soundfile.write(data / "train" / "Bark" / "long.flac", noise(4.0, 44_100), 44_100)
    result = run("data", "validate", data)
    assert result.exit_code == 0, result.output
    assert not lines(result, "error") + lines(result, "warning")
    assert result.stderr == ""
    table = [line.split() for line in result.stdout.splitlines()]
    assert ["Bark", "2", "13", "#" * 40] in table
    assert ["Meow", "2", "12", "#" * 37] in table
    assert ["3", "-", "10", "1"] in [row[:4] for row in table]
    assert ["16000", "28", "#" * 40] in table
    assert ["44100", "1", "##"] in table
    assert "25 train, 4 test clips; 0.0 hours" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80 + len(str(data))


def test_clips_that_cannot_be_read_are_errors(data: Path, run: Run) -> None:
    (data / "train" / "Bark" / "broken.wav").write_bytes(b"RIFF\x00\x00\x00\x00WAVEjunk")
    soundfile.write(data / "test" / "Meow" / "empty.wav", np.zeros(0), 16_000)
    soundfile.write(data / "train" / "Meow" / "silent.wav", np.zeros(16_000), 16_000)
    result = run("data", "validate", data)
    assert result.exit_code == 1
    (broken,) = lines(result, "error")
    assert "broken.wav" in broken
    empty, silent = lines(result, "warning")  # training reads no test clips
    assert "empty.wav" in empty
    assert "silent.wav: silent" in silent


def test_copies_are_found_whatever_their_format(data: Path, run: Run) -> None:
    sound, rate = soundfile.read(data / "train" / "Bark" / "3.wav")
    soundfile.write(data / "train" / "Bark" / "copy.flac", sound, rate, subtype="PCM_16")
    shutil.copy(data / "train" / "Bark" / "5.wav", data / "test" / "Bark" / "5.wav")
    shutil.copy(data / "train" / "Bark" / "7.wav", data / "train" / "Meow" / "seven.wav")
    result = run("data", "validate", data)
    assert result.exit_code == 0, result.output
    found = lines(result, "warning")
    assert len(found) == 3
    within, across, contradicting = (
        next(line for line in found if name in line) for name in ("copy", "5.wav", "seven")
    )
    assert within.startswith("warning: the same sound; keep one of ")
    assert "3.wav" in within
    assert across.startswith("warning: the same sound in train and test; ")
    assert contradicting.startswith("warning: the same sound labelled Bark and Meow; ")


def test_labels_with_too_few_clips(data: Path, run: Run) -> None:
    for label, count in (("Cough", 1), ("Knock", 3)):
        (data / "train" / label).mkdir()
        for i in range(count):
            soundfile.write(data / "train" / label / f"{i}.wav", tone(1.0, hertz=200 + 50 * i + count), 16_000)
    result = run("data", "validate", data)
    assert result.exit_code == 0, result.output
    cough, knock = lines(result, "warning")
    assert cough.startswith("warning: Cough: only 1 training clip;")
    assert knock.startswith("warning: Knock: only 3 training clips;")


def test_data_of_which_nothing_can_be_held_out(data: Path, run: Run) -> None:
    for label in ("Bark", "Meow"):
        shutil.move(data / "train" / label, data / "session")
        (data / "train" / label).mkdir()
        shutil.move(data / "session", data / "train" / label / "session")
    (data / "train.csv").unlink(missing_ok=True)
    table = data.parent / "one.csv"
    clips = [path for label in ("Bark", "Meow") for path in sorted((data / "train" / label).rglob("*.wav"))]
    lines_of_table = [f"{path},{path.parent.parent.name},{path.parent.parent.name}" for path in clips]
    table.write_text("\n".join(["path,label,group", *lines_of_table]))
    result = run("data", "validate", table)
    assert result.exit_code == 0, result.output
    assert "one source or group per label" in lines(result, "warning")[0]


def test_what_training_would_refuse_is_refused(data: Path, corpus: Path, tmp_path: Path, run: Run) -> None:
    shutil.rmtree(data / "train" / "Meow")
    result = run("data", "validate", data)
    assert result.exit_code == 1
    assert "only one label" in lines(result, "error")[0]
    assert run("data", "validate", corpus).exit_code == 0
    assert run("data", "validate", tmp_path / "none").exit_code == 2
