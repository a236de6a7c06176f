"""The pages under docs/ do not lie: their commands are run as they are written, one after the other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from tests.conftest import noise, tone

DOCS = Path(__file__).parent.parent / "docs"


def commands(page: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return [
        line
        for block in re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
        for line in block.splitlines()
    ]


def test_own_labels(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="needs the extra train")
    for split, count in (("train", 10), ("test", 3)):
        for i in range(count):
            for label, sound in (("Doorbell", tone(1.0, hertz=300 + 40 * i)), ("Drill", noise(1.0, seed=i))):
                folder = tmp_path / "sounds" / split / label
                folder.mkdir(parents=True, exist_ok=True)
                soundfile.write(folder / f"{split}{i}.wav", sound, 16_000)
    (tmp_path / "recordings").mkdir()
    soundfile.write(tmp_path / "recordings" / "door.wav", tone(2.0, hertz=500), 16_000)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "AUDIOTAGGER_EPOCHS": "2", "AUDIOTAGGER_CACHE": str(tmp_path / "cache")}
    printed = {}
    for line in commands("own-labels.md"):
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, capture_output=True, check=False, text=True, timeout=600, env=env
        )
        assert done.returncode == 0, f"{line}: {done.stderr}"
        printed[line.split()[1]] = done
    assert list(printed) == ["data", "train", "export", "evaluate", "tag"]
    assert "a new head" in printed["train"].stderr
    assert [line.split("/")[1].split(".")[0] for line in printed["export"].stdout.splitlines()] == ["mel", "wave"]
    # Such sounds are far apart: two epochs are enough.
    average = next(line for line in printed["evaluate"].stdout.splitlines() if line.startswith("average"))
    assert float(average.split()[3]) == 1
    assert printed["tag"].stdout.split("\t")[0] == "recordings/door.wav"
    assert re.search(r"\b(Doorbell|Drill)\b", printed["tag"].stdout)
