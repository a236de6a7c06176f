"""A process that trains a model, on any backend of Keras; distributed.py has several that train one together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import keras

from audiotagger.training.batches import Batch


class Workers:
    """A process that trains on its own.

    Attributes
    ----------
    count, index
        Number of workers, and which of them this process is.
    """

    count, index = 1, 0

    @property
    def chief(self) -> bool:
        """Whether this worker writes the run folder and the messages."""
        return self.index == 0

    @contextmanager
    def folder(self, run: Path) -> Iterator[Path]:
        """Yield the folder in which this worker keeps its run: of the chief, `run`."""
        yield run

    @contextmanager
    def cluster(self, plan: Mapping[str, object]) -> Iterator[None]:
        """Train with all other workers, which must have the same `plan`."""
        yield

    def scope(self) -> AbstractContextManager[None]:
        """Return the context in which the optimizer is made and the model is compiled."""
        return nullcontext()

    def replica(self, model: keras.Model) -> keras.Model:
        """Return this worker's copy of `model`, which is the one to train."""
        return model

    def train_step(self, model: keras.Model) -> Callable[[Batch], float]:
        """Return a function that trains the compiled `model` on a batch and returns its loss before that."""

        def train(batch: Batch) -> float:
            model.reset_metrics()  # or Keras would report the mean since the start
            return float(model.train_on_batch(batch.waveforms, batch.targets, return_dict=True)["loss"])

        return train

    def mean(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the mean of each value over the workers, so that all decide alike."""
        return dict(values)

    @staticmethod
    def global_max(values: Any) -> Any:
        """Return the largest of the values [clips] of all workers' clips; they must not be negative."""
        return keras.ops.max(values)
