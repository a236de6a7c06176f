"""Training needs no TensorFlow where Keras has another backend."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("keras", reason="needs the extra train")

import keras

from audiotagger.training import layers  # noqa: F401 (Keras must know them)

TWO_STEPS = """
import sys
import numpy as np
sys.modules["tensorflow"] = None  # not even there
import keras
from audiotagger.training import networks
from audiotagger.training.batches import Batch
from audiotagger.training.losses import MaskedCrossentropy
from audiotagger.training.workers import Workers

workers, rng = Workers(), np.random.default_rng(0)
model = networks.build(sys.argv[1], "default", 3)
model.compile("adam", {"logits": MaskedCrossentropy(0.8, workers.global_max)}, jit_compile=False)
targets = np.concatenate([np.eye(3), np.ones((3, 1))], axis=1).astype("float32")
batch = Batch(rng.normal(size=(3, 16_000)).astype("float32"), {"logits": targets})
step = workers.train_step(model)
assert all(np.isfinite(step(batch)) for _ in range(2))
keras.Model(model.input, model.output["logits"]).save(sys.argv[2])
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mel", "wave"])
def test_two_steps_on_another_backend(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = next((name for name in ("jax", "torch") if importlib.util.find_spec(name)), None)
    if backend is None:
        pytest.skip("neither JAX nor PyTorch is installed")
    monkeypatch.setenv("KERAS_BACKEND", backend)
    saved = tmp_path / "model.keras"
    done = subprocess.run(
        [sys.executable, "-c", TWO_STEPS, kind, saved], capture_output=True, check=False, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    # And here, on TensorFlow, it can be exported.
    assert keras.saving.load_model(saved, compile=False).output.shape == (None, 3)
