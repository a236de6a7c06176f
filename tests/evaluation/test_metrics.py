from __future__ import annotations

import numpy as np
import pytest

from audiotagger.evaluation import metrics

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


def test_average_precision_is_the_share_of_relevant_ones_above_each() -> None:
    ranked = np.array([0.9, 0.8, 0.7, 0.1])
    assert metrics.average_precision(ranked, np.array([True, False, True, False])) == pytest.approx((1 + 2 / 3) / 2)
    assert metrics.average_precision(ranked, np.array([True, True, False, False])) == 1.0
    assert metrics.average_precision(np.zeros(4), np.array([True, False, False, False])) == 0.25


def test_average_precision_is_that_of_scikit_learn() -> None:
    sklearn = pytest.importorskip("sklearn.metrics", reason="needs the extra train")
    rng = np.random.default_rng(0)
    scores, relevant = rng.integers(0, 20, 200) / 20, rng.random(200) < 0.1  # with many ties
    assert metrics.average_precision(scores, relevant) == pytest.approx(
        sklearn.average_precision_score(relevant, scores)
    )


def test_confusions_count_what_each_label_is_taken_for() -> None:
    counts = metrics.confusion_matrix(np.vstack([SCORES, np.zeros(4)]), np.array([0, 1, 3, 1, 2]))
    assert counts.tolist() == [[1, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]]


def test_an_interval_holds_the_mean_of_most_samples() -> None:
    rng = np.random.default_rng(1)
    intervals = [metrics.interval(np.mean, rng.random(100) < 0.3, resamples=200) or (0, 0) for _ in range(100)]
    assert np.mean([low <= 0.3 <= high for low, high in intervals]) > 0.88
    assert np.mean([high - low for low, high in intervals]) == pytest.approx(
        2 * 1.96 * np.sqrt(0.3 * 0.7 / 100), rel=0.1
    )


def test_an_interval_is_the_same_every_time_and_narrower_for_more_clips() -> None:
    truth = np.arange(400) % 4
    scores = np.random.default_rng(2).random((400, 4)) + 0.3 * np.eye(4)[truth]
    few, many = (metrics.interval(metrics.macro_map_at, scores[:n], truth[:n], resamples=100) for n in (40, 400))
    assert few
    assert many
    assert few == metrics.interval(metrics.macro_map_at, scores[:40], truth[:40], resamples=100)
    assert few[0] < many[0] < metrics.macro_map_at(scores, truth) < many[1] < few[1]


def test_no_interval_is_given_where_it_would_mean_nothing() -> None:
    values = np.random.default_rng(3).random(30)
    assert metrics.interval(np.mean, values)
    assert metrics.interval(np.mean, values[:29]) is None  # too few
    assert metrics.interval(np.mean, np.ones(100)) is None  # no width


def test_top_1_leads_where_there_are_few_labels() -> None:
    scores, truth = np.eye(12), np.arange(12)
    assert list(metrics.summarize(scores, truth)) == ["map3", "macro_map3", "top1"]
    assert list(metrics.summarize(scores[:9, :9], truth[:9])) == ["top1", "map3", "macro_map3"]


def test_auroc_is_how_often_the_positive_one_is_higher() -> None:
    assert metrics.auroc(np.array([0.8, 0.9]), np.array([0.1, 0.2])) == 1.0
    assert metrics.auroc(np.array([0.5]), np.array([0.5])) == 0.5
    assert metrics.auroc(np.array([0.1, 0.9]), np.array([0.5, 0.0])) == 0.75


def test_interval_of_average_precision_is_around_it() -> None:
    rng = np.random.default_rng(0)
    relevant = np.arange(200) < 40
    scores = rng.normal(size=200) + relevant
    interval = metrics.average_precision_interval(scores, relevant)
    assert interval
    assert 0 < interval[0] < metrics.average_precision(scores, relevant) < interval[1] < 1
    assert metrics.average_precision_interval(scores, np.arange(200) < 4) is None
    assert metrics.average_precision_interval(relevant * 1.0, relevant) is None


def test_labels_that_are_confused_are_neighbours() -> None:
    counts = 10 * np.eye(6, dtype=int)
    for one, other in ((0, 3), (1, 5), (2, 4)):
        counts[one, other] = counts[other, one] = 5
    order = metrics.cluster_order(counts)
    assert sorted(order) == list(range(6))
    assert all(abs(order.index(one) - order.index(other)) == 1 for one, other in ((0, 3), (1, 5), (2, 4)))
    assert metrics.cluster_order(np.zeros((0, 0), int)) == []


def test_reliability_compares_score_and_success() -> None:
    scores = np.array([[0.95, 0.05]] * 4 + [[0.55, 0.45]] * 2)
    bins = metrics.reliability(scores, np.array([0, 0, 0, 1, 0, 1]))
    assert [clips for clips, _, _ in bins] == [2, 4]
    assert bins[0][1:] == pytest.approx((0.55, 0.5))
    assert bins[1][1:] == pytest.approx((0.95, 0.75))
