"""Training runs on any backend of Keras that can train, without TensorFlow where it is another."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import invoke

pytest.importorskip("tensorflow", reason="needs the extra train")


def train(folder: Path, backend: str, *args: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `audiotagger train` on a backend."""
    return subprocess.run(
        [sys.executable, "-m", "audiotagger", "train", "-o", "run", *map(str, args)],
        capture_output=True,
        check=False,
        text=True,
        timeout=600,
        cwd=folder,
        env={**os.environ, "KERAS_BACKEND": backend, **environment},
    )


@pytest.mark.parametrize("backend", ["jax", "numpy", "torch", "typo"])
def test_a_backend_that_cannot_train_is_refused_in_one_line(backend: str, corpus: Path, tmp_path: Path) -> None:
    installed = importlib.util.find_spec(backend)
    if installed and backend != "numpy":
        pytest.skip(f"{backend} is installed")
    refused = train(tmp_path, backend, "--model", "mel", corpus)
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert line.startswith(f"audiotagger: KERAS_BACKEND is {backend}")
    assert not (tmp_path / "run").exists()


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
    done = train(tmp_path, backend, "--model", kind, "--epochs", "1", corpus, PYTHONPATH=str(absent))
    assert done.returncode == 0, done.stderr
    exported = invoke("export", "run", "-o", "models", cwd=tmp_path)
    assert exported.exit_code == 0, exported.output
    verified = invoke("models", "verify", "--models", "models", cwd=tmp_path)
    assert verified.exit_code == 0, verified.output
