"""The loss that masks labels which are probably wrong."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras", reason="needs the extra train")

import keras

from audiotagger.training.losses import MaskedCrossentropy

LABELS = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32)
LOGITS = np.array([[2, 0], [-3, 0], [3, 0], [0, 1]], np.float32)
"""Predictions of four clips: the first and third are right, the others wrong."""


def loss(verified: list[float], loss_mask_threshold: float = 0.8) -> float:
    y_true = np.column_stack([LABELS, np.array(verified, np.float32)])
    return float(MaskedCrossentropy(loss_mask_threshold)(y_true, LOGITS))


def test_a_verified_batch_has_the_cross_entropy() -> None:
    plain = float(keras.losses.CategoricalCrossentropy(from_logits=True)(LABELS, LOGITS))
    assert loss([1, 1, 1, 1]) == pytest.approx(plain)
    assert loss([0, 0, 0, 0], loss_mask_threshold=1.0) == pytest.approx(plain)


def test_unverified_labels_with_a_large_loss_are_ignored() -> None:
    wrong = float(np.log1p(np.exp(3))) / 4
    assert loss([1, 0, 1, 1]) == pytest.approx(loss([1, 1, 1, 1]) - wrong)
    assert loss([1, 0.25, 1, 1]) == pytest.approx(loss([1, 1, 1, 1]) - 0.75 * wrong)
    assert loss([0, 1, 1, 0]) == pytest.approx(loss([1, 1, 1, 1]))


def test_ignored_clips_have_no_gradient() -> None:
    import tensorflow

    logits = tensorflow.Variable(LOGITS)
    with tensorflow.GradientTape() as tape:
        value = MaskedCrossentropy(0.8)(np.column_stack([LABELS, [1, 0, 1, 0]]).astype(np.float32), logits)
    gradient = tape.gradient(value, logits).numpy()
    assert [bool(row.any()) for row in gradient] == [True, False, True, True]
