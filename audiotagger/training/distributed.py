"""One run on several machines: each trains on its share of every batch, and all have the same weights.

TensorFlow's MultiWorkerMirroredStrategy carries variables, gradients and synchronized statistics of Keras 3 models.
Keras' own loop fails on it when it averages the loss over workers, so the step around `train_step` is ours.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.distribute.collective_all_reduce_strategy import CollectiveAllReduceExtended
from tensorflow.python.eager import context

from audiotagger import __version__
from audiotagger.audio.types import Array
from audiotagger.errors import RunError
from audiotagger.training.batches import Batch
from audiotagger.training.workers import Workers

JOIN_TIMEOUT = 600
"""Seconds to wait for workers that have not joined."""

HEALTH_INTERVAL = 10
"""Seconds from one look whether all workers are still there to the next."""

_EXAMPLE = '{"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, "task": {"type": "worker", "index": 0}}'


class DistributedWorkers(Workers):
    """A worker of the cluster in TF_CONFIG. The worker of index 0 is the chief.

    Parameters
    ----------
    addresses
        "host:port" of each worker, the chief first.
    index
        Which of them this process is.
    """

    def __init__(self, addresses: tuple[str, ...], index: int) -> None:
        self.addresses, self.count, self.index = addresses, len(addresses), index
        self.strategy = tf.distribute.get_strategy()

    @classmethod
    def from_environment(cls) -> DistributedWorkers:
        """Return this worker of TF_CONFIG. Raises RunError if that is missing or invalid."""
        if keras.backend.backend() != "tensorflow":
            raise RunError(f"--distributed needs Keras on TensorFlow; KERAS_BACKEND is {keras.backend.backend()}")
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

    @contextmanager
    def folder(self, run: Path) -> Iterator[Path]:
        """Yield the folder in which this worker keeps its run: the chief in `run`, the others in a temporary one."""
        if self.chief:
            yield run
        else:
            with tempfile.TemporaryDirectory(prefix="audiotagger-") as folder:
                yield Path(folder)

    @contextmanager
    def cluster(self, plan: Mapping[str, object]) -> Iterator[None]:
        """Train with all the other workers.

        Must come before TensorFlow has done anything else.

        Parameters
        ----------
        plan
            What all workers must have in common, by what to call it; JSON can hold it.

        Raises
        ------
        RunError
            If a worker does not join in time, has another plan, or goes while the others train.
        """
        try:
            self.strategy = self._join()
            if self.strategy.num_replicas_in_sync != self.count:
                raise RunError("a worker has several GPUs; start one per GPU and set CUDA_VISIBLE_DEVICES")
            self._compare({"version": __version__})
            self._compare(plan)
            yield
        except (tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.UnavailableError) as error:
            # A call of TensorFlow's that was cut off has a pool of threads, which prints a traceback if closed at exit.
            traceback.clear_frames(error.__traceback__)
            raise RunError("another worker has ended; start all of them again with --resume") from None

    def _join(self) -> tf.distribute.Strategy:
        # TensorFlow's coordination service would let the chief wait for an hour, deaf to interrupts. Without it the
        # strategy waits for the others itself, which has a limit, and looks after them in a thread.
        context.context().configure_coordination_service(service_type="")
        CollectiveAllReduceExtended._check_health_initial_timeout = JOIN_TIMEOUT
        CollectiveAllReduceExtended._check_health_interval = HEALTH_INTERVAL
        tf.get_logger().setLevel("CRITICAL")  # what that thread logs is raised as well
        try:
            return tf.distribute.MultiWorkerMirroredStrategy()
        except RuntimeError:
            raise RunError(
                f"not all {self.count} workers joined within {JOIN_TIMEOUT} s; start all of them, and check TF_CONFIG"
            ) from None
        except tf.errors.UnknownError:
            raise RunError(
                f"worker {self.index} cannot listen at {self.addresses[self.index]}; choose another port in TF_CONFIG"
            ) from None

    def _compare(self, plan: Mapping[str, object]) -> None:
        """Raise RunError, on all workers, for what is not the same on all of them."""
        texts = [json.dumps(part, sort_keys=True).encode() for part in plan.values()]
        hashes = [int.from_bytes(hashlib.sha256(text).digest()[:6]) for text in texts]
        digests = self._gather(np.array(hashes, np.int64))
        different = [name for name, digest in zip(plan, digests.T, strict=True) if np.ptp(digest)]
        if different:
            raise RunError(f"the workers differ in {', '.join(different)}; start all of them with the same")

    def _gather(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values [n] of each worker as [workers, n]."""
        gathered: NDArray[Any] = self.strategy.gather(tf.constant(values)[None], axis=0).numpy()
        return gathered

    def scope(self) -> AbstractContextManager[None]:
        """Return the scope of the strategy."""
        scope: AbstractContextManager[None] = self.strategy.scope()
        return scope

    def replica(self, model: keras.Model) -> keras.Model:
        """Return this worker's copy of `model`: with batch normalization and dropout as of the whole batch."""
        with self.strategy.scope():
            replica = keras.models.clone_model(model, clone_function=self._clone)
            replica.set_weights(model.get_weights())
        return replica

    def _clone(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if isinstance(layer, keras.layers.BatchNormalization):
            config["synchronized"] = True
        if isinstance(layer, keras.layers.Dropout):
            return _SharedDropout(self, layer)
        return layer.from_config(config)

    def share(self, array: Array) -> Array:
        """Return this worker's part of an array [batch, ...]."""
        size = len(array) // self.count
        return array[self.index * size : (self.index + 1) * size]

    def train_step(self, model: keras.Model) -> Callable[[Batch], float]:
        """Return a function that trains the compiled `model` on a batch and returns its loss before that.

        It is the mean over all workers: as all have shares of one size, that of the whole batch.
        """

        def step(waveforms: Any, targets: Any) -> Any:
            logs = self.strategy.run(model.train_step, args=((waveforms, targets),))
            return self.strategy.reduce("MEAN", logs["loss"], axis=None)

        compiled = tf.function(step)

        def train(batch: Batch) -> float:
            model.reset_metrics()  # or Keras would report the mean since the start
            targets = {name: self.share(target) for name, target in batch.targets.items()}
            return float(compiled(self.share(batch.waveforms), targets))

        return train

    def mean(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the mean of each value over the workers, so that all decide alike."""
        if not values:
            return dict(values)
        means = self._gather(np.array([*values.values()])).mean(axis=0)
        return dict(zip(values, means.tolist(), strict=True))

    @staticmethod
    def global_max(values: Any) -> Any:
        """Return the largest of the values [share] of all workers, not negative; no gradient flows back."""
        replica = tf.distribute.get_replica_context()
        place = tf.one_hot(replica.replica_id_in_sync_group, replica.num_replicas_in_sync)
        return tf.reduce_max(replica.all_reduce("SUM", place * tf.stop_gradient(tf.reduce_max(values))))


class _SharedDropout(keras.layers.Layer):
    """A worker's part of the dropout that one process would draw for the whole batch."""

    def __init__(self, workers: DistributedWorkers, dropout: keras.layers.Dropout) -> None:
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
