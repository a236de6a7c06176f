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


@pytest.mark.slow
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
        [sys.executable, "-P", "-m", "audiotagger", "models", "list", "--format", "json"],
        capture_output=True,
        check=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
    )
    assert [model["path"] for model in json.loads(models.stdout)] == [
        str(site / "audiotagger" / "models" / name) for name in ("mel.onnx", "wave.onnx")
    ]
    # What is missing is installed from where pip had the wheel; nobody owns its name on the public index.
    lacking = (
        "import sys; sys.modules |= dict.fromkeys(['librosa', 'tensorflow']); from audiotagger.cli import app; app()"
    )
    (metadata,) = site.glob("*.dist-info")
    for origin, expected in (
        ({"url": wheel.as_uri(), "archive_info": {}}, f'pip install "{wheel.name}[train]"'),
        ({"url": EXAMPLES.parent.as_uri(), "dir_info": {}}, f'pip install "{EXAMPLES.parent}[train]"'),
        (
            {"url": "https://host/a.whl", "archive_info": {}},
            'pip install "audiotagger-nets[train] @ https://host/a.whl"',
        ),
        ({"url": (tmp_path / "gone.whl").as_uri(), "archive_info": {}}, "pip install librosa tensorflow"),
    ):
        (metadata / "direct_url.json").write_text(json.dumps(origin))
        refused = subprocess.run(
            [sys.executable, "-P", "-c", lacking, "train", "--model", "mel"],
            capture_output=True,
            check=False,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(site)},
        )
        assert refused.returncode == 1
        assert refused.stderr == f"audiotagger: training needs librosa, tensorflow: {expected}\n"
