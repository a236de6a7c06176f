from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES

pytest.importorskip("build", reason="needs the extra dev")


def test_a_wheel_brings_its_models_and_tags_outside_the_checkout(tmp_path: Path) -> None:
    build = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(tmp_path),
        str(EXAMPLES.parent),
    ]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    tagged = subprocess.run(
        [sys.executable, "-P", "-m", "audiotagger", "tag", str(EXAMPLES / "glockenspiel.wav"), "--format", "jsonl"],
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
    )
    assert json.loads(tagged.stdout)["tags"][0]["label"] == "Glockenspiel"
    assert (site / "audiotagger" / "py.typed").exists()
    models = subprocess.run(
        [sys.executable, "-P", "-m", "audiotagger", "models"],
        capture_output=True,
        check=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
    )
    assert [line.split("\t")[-1] for line in models.stdout.splitlines()] == [
        str(site / "audiotagger" / "models" / name) for name in ("mel.onnx", "wave.onnx")
    ]
