"""Training needs no TensorFlow where Keras has another backend."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import invoke

pytest.importorskip("tensorflow", reason="needs the extra train")


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.parametrize("kind", ["mel", "wave"])
def test_a_model_trained_without_tensorflow_can_be_exported(
    kind: str, backend: str, corpus: Path, tmp_path: Path
) -> None:
    if not importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is not installed")
    absent = tmp_path / "absent"
    absent.mkdir()
    (absent / "tensorflow.py").write_text("raise ModuleNotFoundError(name='tensorflow')")
    done = subprocess.run(
        [sys.executable, "-m", "audiotagger", "train", "--model", kind, "--epochs", "1", "-o", "run", corpus],
        capture_output=True,
        check=False,
        text=True,
        timeout=600,
        cwd=tmp_path,
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(absent)},
    )
    assert done.returncode == 0, done.stderr
    exported = invoke("export", "run", "-o", "models", cwd=tmp_path)
    assert exported.exit_code == 0, exported.output
    verified = invoke("models", "verify", "--models", "models", cwd=tmp_path)
    assert verified.exit_code == 0, verified.output
