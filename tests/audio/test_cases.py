"""Any folder of difficult files, named by AUDIOTAGGER_CASES: each gets its result or one line, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import EXAMPLES

pytest.importorskip("av", reason="needs the extra formats")
pytest.importorskip("mutagen", reason="needs the extra metadata")

SCRIPT = EXAMPLES.parent / "benchmarks" / "cases.py"


@pytest.mark.slow
@pytest.mark.skipif(
    "AUDIOTAGGER_CASES" not in os.environ, reason="set AUDIOTAGGER_CASES to a folder of difficult files"
)
def test_each_file_gets_the_right_answer_with_and_without_the_extras() -> None:
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_examples_get_the_right_answer_with_and_without_the_extras() -> None:
    done = subprocess.run([sys.executable, SCRIPT, EXAMPLES], capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()[1:-1]
    assert done.stdout.count("right") == 3 * len(lines)
    assert [line.split()[0] for line in lines if "needs_extra" in line] == ["make_examples.py"]
