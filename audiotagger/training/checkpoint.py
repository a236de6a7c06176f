"""Checkpoints: everything that is needed to resume a run."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from audiotagger.audio.types import Array
from audiotagger.errors import RunError
from audiotagger.training.run_folder import replacing


class State:
    """The state of a training run.

    Parameters
    ----------
    model
        The model being trained.
    optimizer
        As the attribute.

    Attributes
    ----------
    optimizer
        The model's optimizer, built for the variables that are being trained.
    averages
        Moving averages of the model's weights, in the order of `model.get_weights()`.
    step
        Number of finished steps.
    history
        One row per finished epoch: the columns of history.csv.
    """

    def __init__(self, model: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
        self._model, self.optimizer = model, optimizer
        self.averages: list[Array] = model.get_weights()
        self.step = 0
        self.history: list[dict[str, Any]] = []

    def average(self, momentum: float) -> None:
        """Update the moving averages, with a smaller `momentum` in the first steps."""
        keep = min(momentum, (1 + self.step) / (10 + self.step)) if momentum else 0.0
        for mean, weight in zip(self.averages, self._model.get_weights(), strict=True):
            mean += (1 - keep) * (weight - mean)

    def save(self, path: Path) -> None:
        """Replace a checkpoint as a whole. Raises RunError if it cannot be written."""
        # The model's variables include the states of its dropout layers' random generators. The names of the arrays
        # are the format of checkpoints.
        arrays = {f"net{i}": keras.ops.convert_to_numpy(value) for i, value in enumerate(self._model.variables)}
        arrays |= {
            f"optimizer{i}": keras.ops.convert_to_numpy(value) for i, value in enumerate(self.optimizer.variables)
        }
        arrays |= {f"average{i}": value for i, value in enumerate(self.averages)}
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez(file, step=self.step, history=json.dumps(self.history), **arrays)

    def load(self, path: Path) -> None:
        """Restore a checkpoint. Raises RunError if it is damaged."""
        with _reading(path) as arrays:
            self.step, self.history = int(arrays["step"]), json.loads(str(arrays["history"]))
            for i, variable in enumerate(self._model.variables):
                variable.assign(arrays[f"net{i}"])
            for i, variable in enumerate(self.optimizer.variables):
                variable.assign(arrays[f"optimizer{i}"])
            self.averages = [arrays[f"average{i}"] for i in range(len(self.averages))]


def steps_done(path: Path) -> int:
    """Return the number of finished steps in a checkpoint, 0 without one. Raises RunError if it is damaged."""
    if not path.exists():
        return 0
    with _reading(path) as arrays:
        return int(arrays["step"])


@contextmanager
def _reading(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            yield arrays
    except (EOFError, KeyError, ValueError, zipfile.BadZipFile):
        raise RunError(
            f"{path}: damaged or written by another version; delete it and --resume starts this run again"
        ) from None
