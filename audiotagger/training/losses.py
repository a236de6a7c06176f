"""Loss functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras


class MaskedCrossentropy(keras.losses.Loss):
    """Cross-entropy that ignores unverified labels that are probably wrong (batch-wise loss masking).

    `y_true` is [batch, n + 1]: the probabilities of the outputs and, last, the verified share of the clip, in [0, 1].
    `y_pred` is [batch, n]: logits. If a clip's loss is above the threshold, only its verified share counts: none of an
    unverified clip; of a mixture, the verified part's.

    Parameters
    ----------
    loss_mask_threshold
        As a fraction of the largest loss in the batch, in [0, 1]. At 1 nothing is ignored.
    largest
        Returns the largest of the losses of a batch [clips].

    References
    ----------
    Jeong & Lim, DCASE 2018
    """

    def __init__(self, loss_mask_threshold: float, largest: Callable[[Any], Any] = keras.ops.max) -> None:
        super().__init__(name="masked_crossentropy")
        self._loss_mask_threshold, self._largest = loss_mask_threshold, largest

    def call(self, y_true: Any, y_pred: Any) -> Any:
        verified = y_true[:, -1]
        losses = keras.ops.categorical_crossentropy(y_true[:, :-1], y_pred, from_logits=True)
        doubtful = losses > self._loss_mask_threshold * self._largest(losses)
        return losses * keras.ops.where(doubtful, verified, 1.0)
