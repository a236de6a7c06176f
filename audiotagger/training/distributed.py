"""One run on several machines: each learns from its share of every batch, and all hold the same weights.

TensorFlow's MultiWorkerMirroredStrategy carries variables, gradients and synchronised statistics of Keras 3 nets.
Keras' own loop fails on it when it averages the loss over workers, so the step around `train_step` is ours.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from audiotagger.errors import RunError
from audiotagger.training.batches import Array, Batch
from audiotagger.training.rendezvous import meet

PATIENCE = 600.0
"""Seconds to wait for workers that have not come."""

_EXAMPLE = '{"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, "task": {"type": "worker", "index": 0}}'


class Workers:
    """Who trains together; by default a process on its own. The worker of index 0, the chief, keeps the run folder and
    is the one that speaks.
    """

    def __init__(self, addresses: tuple[str, ...] = ("",), index: int = 0) -> None:
        """addresses: "host:port" of each worker, the chief first."""
        self.addresses, self.count, self.index = addresses, len(addresses), index
        self.strategy = tf.distribute.get_strategy()

    @classmethod
    def from_environment(cls) -> Workers:
        """The workers of TF_CONFIG. Raises RunError if it is missing or cannot be understood."""
        try:
            config = json.loads(os.environ["TF_CONFIG"])
            addresses, task = tuple(config["cluster"]["worker"]), config["task"]
            for address in addresses:
                int(address.rpartition(":")[2])
            if len(config["cluster"]) > 1 or task["type"] != "worker" or task["index"] not in range(len(addresses)):
                raise ValueError
        except (AttributeError, KeyError, TypeError, ValueError):
            raise RunError(f"--distributed needs the environment variable TF_CONFIG, such as {_EXAMPLE}") from None
        return cls(addresses, task["index"])

    @property
    def chief(self) -> bool:
        return self.index == 0

    @contextmanager
    def folder(self, run: Path) -> Iterator[Path]:
        """Where this worker keeps its run: the chief in `run`, the others in a folder that nobody needs afterwards."""
        if self.chief:
            yield run
        else:
            with tempfile.TemporaryDirectory(prefix="audiotagger-") as folder:
                yield Path(folder)

    @contextmanager
    def together(self, plan: Mapping[str, Any], waiting: Callable[[str], None]) -> Iterator[None]:
        """Wait until all workers are here with the same `plan`; `waiting` is called with who is missing.

        Must come before TensorFlow has done anything else. Raises RunError if that cannot be, and for a worker that
        goes while the others train.
        """
        if self.count == 1:
            yield
            return
        meet(self.addresses, self.index, plan, PATIENCE, waiting)
        try:
            self.strategy = tf.distribute.MultiWorkerMirroredStrategy()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # TensorFlow lets nobody terminate it
            if self.strategy.num_replicas_in_sync != self.count:
                raise RunError("a worker has several GPUs: start one for each and give it CUDA_VISIBLE_DEVICES")
            yield
        except (tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.UnavailableError):
            raise RunError("another worker has gone: start all of them again with --resume") from None

    def replica(self, net: keras.Model) -> keras.Model:
        """Return `net` as this worker is to train it: batch normalization and dropout as of the whole batch."""
        if self.count == 1:
            return net
        with self.strategy.scope():
            replica = keras.models.clone_model(net, clone_function=self._clone)
            replica.set_weights(net.get_weights())
        return replica

    def _clone(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if isinstance(layer, keras.layers.BatchNormalization):
            config["synchronized"] = True
        if isinstance(layer, keras.layers.Dropout):
            return _SharedDropout(self, layer)
        return layer.from_config(config)

    def share(self, array: Array) -> Array:
        """This worker's part of what there is for each clip of a batch."""
        size = len(array) // self.count
        return array[self.index * size : (self.index + 1) * size]

    def train_step(self, net: keras.Model) -> Callable[[Batch], float]:
        """A function that trains the compiled `net` on a batch, and returns its loss before that: the mean over all
        workers, which is the batch's where all have shares of one size.
        """

        def step(waveforms: Any, targets: Any) -> Any:
            logs = self.strategy.run(net.train_step, args=((waveforms, targets),))
            return self.strategy.reduce("MEAN", logs["loss"], axis=None)

        compiled = tf.function(step)

        def train(batch: Batch) -> float:
            net.reset_metrics()  # or Keras would report the mean since the start
            targets = {name: self.share(target) for name, target in batch.targets.items()}
            return float(compiled(self.share(batch.waveforms), targets))

        return train

    def agree(self, values: Mapping[str, float]) -> dict[str, float]:
        """The mean of each value over the workers, so that all decide alike."""
        return {
            name: float(self.strategy.reduce("MEAN", tf.constant(v, tf.float64), None)) for name, v in values.items()
        }


def whole_batch(values: Any) -> Any:
    """What each worker knows of its clips, [share], of all clips of the batch, [batch]. No gradient flows back."""
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return values
    return context.all_gather(tf.stop_gradient(values), axis=0)


class _SharedDropout(keras.layers.Layer):
    """A worker's part of the dropout that one process would draw for the whole batch."""

    def __init__(self, workers: Workers, dropout: keras.layers.Dropout) -> None:
        super().__init__(name=dropout.name)
        self._workers, self._rate = workers, dropout.rate
        self.seed_generator = keras.random.SeedGenerator(0)
        self.seed_generator.state.assign(dropout.seed_generator.state)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        size, *rest = tf.unstack(tf.shape(inputs))
        ones = tf.ones((size * self._workers.count, *rest), inputs.dtype)
        mask = keras.random.dropout(ones, self._rate, seed=self.seed_generator)
        return inputs * mask[self._workers.index * size : (self._workers.index + 1) * size]
