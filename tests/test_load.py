"""Many files, many commands at once, long files, kills at random moments: small runs of the benchmarks of these."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="reads /proc"),
]


def benchmark(*args: object) -> str:
    name, *options = map(str, args)
    script = EXAMPLES.parent / "benchmarks" / name
    done = subprocess.run([sys.executable, script, *options], capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "line",
    ["files --count 1000", "processes --count 4 --clips 150", "hours --count 2"],
    ids=["files", "processes", "hours"],
)
def test_memory_open_files_and_speed_stay_as_they_are(line: str) -> None:
    assert benchmark("load.py", *line.split()).endswith("\n0 faults\n")


@pytest.mark.parametrize("victim", ["output", "resume", "write", "evaluate"])
def test_kills_at_random_moments_lose_nothing(victim: str) -> None:
    if victim == "write":
        pytest.importorskip("mutagen", reason="needs the extra metadata")
        pytest.importorskip("av", reason="needs the extra metadata")
    assert "8 kills" in benchmark("kills.py", victim, "--count", 8)


@pytest.mark.parametrize("victim", ["train", "export"])
def test_kills_of_trainings_and_exports_lose_nothing(victim: str) -> None:
    pytest.importorskip("tensorflow", reason="needs the extra train")
    assert "2 kills" in benchmark("kills.py", victim, "--count", 2)
