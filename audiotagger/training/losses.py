"""Learn from labels that nobody has verified without believing all of them."""

from __future__ import annotations

from typing import Any

import keras

from audiotagger.training.distributed import global_max


class MaskedCrossentropy(keras.losses.Loss):
    """Cross-entropy that leaves out what is likely a wrong label (batch-wise loss masking, Jeong & Lim, DCASE 2018).

    y_true: [batch, n + 1], probabilities of the outputs and, last, the verified share of the clip in [0, 1]; y_pred:
    [batch, n], logits. Where a clip's loss exceeds `loss_mask_threshold` of the largest in its batch, only its verified
    share counts: nothing of an unverified clip, of a mixture what its verified part contributes.
    """

    def __init__(self, loss_mask_threshold: float) -> None:
        super().__init__(name="masked_crossentropy")
        self._loss_mask_threshold = loss_mask_threshold

    def call(self, y_true: Any, y_pred: Any) -> Any:
        verified = y_true[:, -1]
        losses = keras.ops.categorical_crossentropy(y_true[:, :-1], y_pred, from_logits=True)
        doubtful = losses > self._loss_mask_threshold * global_max(losses)
        return losses * keras.ops.where(doubtful, verified, 1.0)
