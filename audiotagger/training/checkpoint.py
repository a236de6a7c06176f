"""All that a run needs to go on after it was stopped."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from audiotagger.errors import RunError
from audiotagger.training.run_folder import replacing


class State:
    """All that a run needs to go on: weights, optimizer, moving average, step, history."""

    def __init__(self, net: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
        self._net, self._optimizer = net, optimizer
        self.averages: list[NDArray[np.float32]] = net.get_weights()
        self.step = 0
        self.history: list[dict[str, Any]] = []

    def average(self, momentum: float) -> None:
        """Move the averages towards the net's weights, faster in the first steps."""
        keep = min(momentum, (1 + self.step) / (10 + self.step)) if momentum else 0.0
        for mean, weight in zip(self.averages, self._net.get_weights(), strict=True):
            mean += (1 - keep) * (weight - mean)

    def forget_gradients(self) -> None:
        """Begin a new phase: an optimizer that has seen nothing yet of the layers that join in."""
        for variable in self._optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))

    def save(self, path: Path) -> None:
        # With the net's variables go the states of its dropout's random generators.
        arrays = {f"net{i}": value.numpy() for i, value in enumerate(self._net.variables)}
        arrays |= {f"optimizer{i}": value.numpy() for i, value in enumerate(self._optimizer.variables)}
        arrays |= {f"average{i}": value for i, value in enumerate(self.averages)}
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez(file, step=self.step, history=json.dumps(self.history), **arrays)

    def load(self, path: Path) -> None:
        """Raises RunError if the file is damaged."""
        with _reading(path) as arrays:
            self.step, self.history = int(arrays["step"]), json.loads(str(arrays["history"]))
            for i, variable in enumerate(self._net.variables):
                variable.assign(arrays[f"net{i}"])
            for i, variable in enumerate(self._optimizer.variables):
                variable.assign(arrays[f"optimizer{i}"])
            self.averages = [arrays[f"average{i}"] for i in range(len(self.averages))]


def steps_done(path: Path) -> int:
    """The step of a saved state; 0 if there is none. Raises RunError if the file is damaged."""
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
            f"{path}: damaged, or of another version; without it the same command and --resume begin this run anew"
        ) from None
