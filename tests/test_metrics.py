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


def test_calibration_error_is_the_gap_between_score_and_success() -> None:
    sure = np.tile([0.9, 0.1], (10, 1))
    assert metrics.calibration_error(sure, np.zeros(10, int)) == pytest.approx(0.1)
    assert metrics.calibration_error(sure, np.array([0] * 9 + [1])) == pytest.approx(0.0)
    assert metrics.calibration_error(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx(1.0)


def test_complement_rate_is_what_the_helper_gets_right_of_the_rest() -> None:
    truth = np.array([0, 1, 2, 0])
    right = np.eye(4)[truth]
    assert metrics.complement_rate(SCORES, right, truth) == 1.0
    assert metrics.complement_rate(SCORES, SCORES, truth) == 0.0
    assert metrics.complement_rate(right, SCORES, truth) == 0.0


def test_auroc_is_how_often_the_positive_one_is_higher() -> None:
    assert metrics.auroc(np.array([0.8, 0.9]), np.array([0.1, 0.2])) == 1.0
    assert metrics.auroc(np.array([0.5]), np.array([0.5])) == 0.5
    assert metrics.auroc(np.array([0.1, 0.9]), np.array([0.5, 0.0])) == 0.75
