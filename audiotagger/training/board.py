"""The curves of a training run for TensorBoard."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import keras
import tensorflow as tf

from audiotagger.errors import ExtraError
from audiotagger.training.runs import unwritable


def need_tensorboard() -> None:
    """Raise ExtraError if TensorBoard is not installed. TensorFlow no longer brings it along."""
    if not find_spec("tensorboard"):
        raise ExtraError('--tensorboard needs tensorboard: pip install "audiotagger-nets[tensorboard]"')


class Board:
    """Event files in `folder`, or nothing where that is None. Every method raises RunError if they cannot be written.

    Those of before are removed: of a run that goes on, the epochs that are done are to be told again, as what was not
    yet on the disk when it was stopped would be missing.
    """

    def __init__(self, folder: Path | None, net: keras.Model) -> None:
        self._folder = folder
        callbacks = []
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
            callbacks.append(keras.callbacks.TensorBoard(folder, write_graph=False))
        self._callbacks = keras.callbacks.CallbackList(callbacks, model=net)
        self._guard(self._callbacks.on_train_begin)

    def epoch(self, row: Mapping[str, float]) -> None:
        """Tell of an epoch by its row of the history, at the learning rate that the net's optimizer has now."""
        logs = {name: value for name, value in row.items() if name != "epoch"}
        self._guard(lambda: self._callbacks.on_epoch_end(row["epoch"], logs))

    def close(self) -> None:
        """Put on the disk what is not there yet."""
        self._guard(self._callbacks.on_train_end)

    def _guard(self, tell: Callable[[], None]) -> None:
        try:
            tell()
        except tf.errors.OpError as error:
            raise unwritable(self._folder, str(error.message).partition("\n")[0]) from None
