"""Loss functions."""

from __future__ import annotations

from typing import Any

import keras

from audiotagger.training.distributed import global_max


class MaskedCrossentropy(keras.losses.Loss):
    """Cross-entropy that ignores unverified labels that are probably wrong (batch-wise loss masking).

    `y_true` is [batch, n + 1]: the probabilities of the outputs and, last, the verified share of the clip, in [0, 1].
    `y_pred` is [batch, n]: logits. If a clip's loss is above the threshold, only its verified share counts: none of an
    unverified clip; of a mixture, the verified part's.

    Parameters
    ----------
    loss_mask_threshold
        As a fraction of the largest loss in the batch, in [0, 1]. At 1 nothing is ignored.

    References
    ----------
    Jeong & Lim, DCASE 2018
    """

    def __init__(self, loss_mask_threshold: float) -> None:
        super().__init__(name="masked_crossentropy")
        self._loss_mask_threshold = loss_mask_threshold

    def call(self, y_true: Any, y_pred: Any) -> Any:
        verified = y_true[:, -1]
        losses = keras.ops.categorical_crossentropy(y_true[:, :-1], y_pred, from_logits=True)
        doubtful = losses > self._loss_mask_threshold * global_max(losses)
        return losses * keras.ops.where(doubtful, verified, 1.0)
