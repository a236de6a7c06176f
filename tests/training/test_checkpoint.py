"""Checkpoints contain everything needed to resume; incomplete ones are refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from audiotagger.errors import RunError

pytest.importorskip("tensorflow", reason="needs the extra train")

import keras

from audiotagger.training.checkpoint import State

BATCH = np.linspace(-1, 1, 80, dtype=np.float32).reshape(8, 10)


def new_state(seed: int) -> tuple[keras.Model, State]:
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((10,)), keras.layers.Dropout(0.5), keras.layers.Dense(3)])
    optimizer = keras.optimizers.AdamW(0.01)
    model.compile(optimizer, "mean_squared_error", jit_compile=False)
    optimizer.build(model.trainable_variables)
    return model, State(model, optimizer)


def losses(model: keras.Model) -> list[float]:
    values = []
    for _ in range(3):
        model.reset_metrics()
        values.append(float(model.train_on_batch(BATCH, np.zeros((8, 3)))))
    return values


def test_a_checkpoint_restores_weights_optimizer_and_random_state(tmp_path: Path) -> None:
    model, state = new_state(0)
    losses(model)
    state.step, state.history = 3, [{"epoch": 1, "loss": 0.5}]
    state.save(tmp_path / "checkpoint.npz")
    other, resumed = new_state(1)
    resumed.load(tmp_path / "checkpoint.npz")
    assert (resumed.step, resumed.history) == (state.step, state.history)
    assert losses(other) == pytest.approx(losses(model), rel=1e-6)


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_checkpoint_is_refused(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "checkpoint.npz"
    _, state = new_state(0)
    state.save(path)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(RunError, match=r"checkpoint\.npz: damaged"):
        state.load(path)


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    _, state = new_state(0)
    state.save(path)
    data = bytearray(path.read_bytes())
    middle = data.index(b"net1.npy") + 150  # in the values of an array
    data[middle] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(RunError, match=r"checkpoint\.npz: damaged"):
        state.load(path)


def test_a_process_killed_while_writing_leaves_a_complete_file(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    script = """
import itertools, pathlib, sys
from audiotagger.training.run_folder import replacing
for i in itertools.count():
    with replacing(pathlib.Path(sys.argv[1])) as partial, partial.open("wb") as file:
        for part in range(200):
            file.write(bytes([i % 256]) * 20_000)
            if part % 50 == 0:
                print(flush=True)
"""
    for parts_of_the_second in range(1, 5):
        path.unlink(missing_ok=True)
        with subprocess.Popen([sys.executable, "-c", script, path], stdout=subprocess.PIPE) as process:
            assert process.stdout
            for _ in range(4 + parts_of_the_second):
                assert process.stdout.readline() == b"\n"
            process.kill()
        data = path.read_bytes()
        assert len(data) == 200 * 20_000
        assert len(set(data)) == 1
