from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from audiotagger.inference.labels import LabelSubset

KNOWN = [f"label {i}" for i in range(8)]


@st.composite
def probabilities(draw: st.DrawFn) -> NDArray[np.float32]:
    """As a model gives them: in [0, 1], with a sum of at most 1 but for rounding; 0 for silence."""
    numbers = draw(arrays.arrays(np.float32, len(KNOWN), elements=st.floats(0, 1, width=32)))
    total = numbers.sum(dtype=np.float64)
    return np.asarray(numbers / total if total > 1 else numbers, np.float32)


chosen_labels = st.sets(st.sampled_from(KNOWN), min_size=1)


@given(probabilities(), chosen_labels)
def test_renormalized_scores_sum_to_1_in_the_same_ratios(mean: NDArray[np.float32], chosen: set[str]) -> None:
    subset = LabelSubset(KNOWN, chosen)
    assert list(subset.labels) == [label for label in KNOWN if label in chosen]
    scores = subset.renormalize(mean)
    assert scores.dtype == np.float32
    assert len(scores) == len(chosen)
    before = mean[[KNOWN.index(label) for label in subset.labels]].astype(np.float64)
    if before.any():
        assert scores.sum(dtype=np.float64) == pytest.approx(1, abs=1e-6)
        np.testing.assert_allclose(scores, before / before.sum(), rtol=1e-6, atol=1e-30)
    else:
        assert not scores.any()


@given(probabilities())
def test_without_a_choice_no_probability_changes(mean: NDArray[np.float32]) -> None:
    np.testing.assert_array_equal(LabelSubset(KNOWN).renormalize(mean), mean)


@given(probabilities(), st.none() | chosen_labels, st.integers(1, 10), st.floats(0, 1))
def test_the_top_are_the_best_in_order(
    mean: NDArray[np.float32], chosen: set[str] | None, k: int, min_score: float
) -> None:
    subset = LabelSubset(KNOWN, chosen)
    tags = subset.top(mean, k, min_score)
    scores = dict(zip(subset.labels, map(float, subset.renormalize(mean)), strict=True))
    assert len(tags) <= k
    assert len({tag.label for tag in tags}) == len(tags)
    assert all(tag.score == scores[tag.label] >= np.float32(min_score) for tag in tags)
    assert [tag.score for tag in tags] == sorted((tag.score for tag in tags), reverse=True)
    others = [score for label, score in scores.items() if label not in {tag.label for tag in tags}]
    if len(tags) == k:
        assert max(others, default=0) <= tags[-1].score
    elif mean.any() and any(scores.values()):
        assert max(others, default=-1) < np.float32(min_score)
    assert subset.top(mean, k + 1, min_score)[:k] == tags


@given(probabilities(), st.none() | chosen_labels, st.floats(0, 1))
def test_what_is_confident_has_a_score_of_the_threshold(
    mean: NDArray[np.float32], chosen: set[str] | None, threshold: float
) -> None:
    subset = LabelSubset(KNOWN, chosen)
    best = subset.top(mean, 1, 0.0)
    if subset.reaches(threshold, mean):
        assert best[0].score >= threshold - 1e-6
    elif chosen is None:
        assert not best or best[0].score < np.float32(threshold)


@given(st.floats(0, 1), st.floats(0, 1))
def test_what_is_certainly_a_label_that_was_left_out_is_not_confident(share: float, threshold: float) -> None:
    mean = np.zeros(len(KNOWN), np.float32)
    mean[:3] = 1e-9 * share, 1e-9 * (1 - share), 1  # in float32, their sum is 1
    subset = LabelSubset(KNOWN, KNOWN[:2])
    best = max(share, 1 - share)
    if abs(best - threshold) > 1e-6:
        assert subset.reaches(threshold, mean) == (best >= threshold)
