from __future__ import annotations

import numpy as np
import pytest

from audiotagger import metrics

SCORES = np.array([[0.7, 0.2, 0.1, 0.0], [0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]])


def test_precision_is_one_over_the_rank_up_to_the_third() -> None:
    truth = np.array([0, 1, 1, 3])
    assert metrics.precision_at(SCORES, truth).tolist() == pytest.approx([1, 1 / 2, 1 / 3, 0])
    assert metrics.map_at(SCORES, truth) == pytest.approx((1 + 1 / 2 + 1 / 3) / 4)
    assert metrics.top_1(SCORES, truth) == 0.25


def test_macro_counts_every_label_the_same() -> None:
    truth = np.array([0, 1, 1, 1])
    assert metrics.macro_map_at(SCORES, truth) == pytest.approx((1 + (1 / 2 + 1 / 3 + 1 / 2) / 3) / 2)


def test_constant_scores_earn_nothing() -> None:
    assert metrics.map_at(np.full((4, 4), 0.25), np.array([0, 1, 2, 3])) == 0
