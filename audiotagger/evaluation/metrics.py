"""How good a ranking of labels is. Everything here takes scores [clips, labels] and the true label's index [clips]."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]
Labels = NDArray[np.integer]


def precision_at(scores: Scores, truth: Labels, k: int = 3) -> NDArray[np.float64]:
    """Average precision at `k` of each clip, [clips]: 1 / rank of its true label, 0 beyond rank `k`.

    FSDKaggle2018's measure, where each clip has one label. A label that ties with the true one ranks before it, so
    that constant scores earn nothing.
    """
    true_score = np.take_along_axis(scores, truth[:, None], axis=1)
    rank = np.sum(scores >= true_score, axis=1)
    return np.where(rank <= k, 1 / rank, 0.0)


def map_at(scores: Scores, truth: Labels, k: int = 3) -> float:
    """Mean average precision at `k` over clips, in [0, 1]."""
    return float(np.mean(precision_at(scores, truth, k)))


def macro_map_at(scores: Scores, truth: Labels, k: int = 3) -> float:
    """Mean over labels of their clips' mean average precision at `k`: rare labels count as much as common ones."""
    return macro_mean(precision_at(scores, truth, k), truth)


def macro_mean(values: NDArray[np.floating], truth: Labels) -> float:
    """Mean over the labels in `truth` of the mean of `values` [clips] over their clips."""
    clips = np.bincount(truth)
    sums = np.bincount(truth, weights=values)
    return float(np.mean(sums[clips > 0] / clips[clips > 0]))


def top_1(scores: Scores, truth: Labels) -> float:
    """Share of clips whose best label is the true one, in [0, 1]."""
    return map_at(scores, truth, k=1)


def average_precision(scores: NDArray[np.floating], relevant: NDArray[np.bool_]) -> float:
    """Average precision of a ranking of clips by one label's scores [clips], in (0, 1]: mean over the `relevant` clips
    [clips], of which there must be one, of the share of relevant ones among all that score at least as much.

    The area under the curve of precision over recall, in steps, ties together, as scikit-learn's
    average_precision_score.
    """
    positive, everything = np.sort(scores[relevant]), np.sort(scores)
    hits = len(positive) - np.searchsorted(positive, positive, "left")
    found = len(everything) - np.searchsorted(everything, positive, "left")
    return float(np.mean(hits / found))


def confusions(scores: Scores, truth: Labels) -> NDArray[np.int64]:
    """How many clips of the row's label have the column's as their best, [labels, labels]. Clips of which nothing was
    heard, with no score but 0, have none.
    """
    heard = scores.any(axis=1)
    counts = np.zeros((scores.shape[1], scores.shape[1]), np.int64)
    np.add.at(counts, (truth[heard], scores[heard].argmax(axis=1)), 1)
    return counts


def interval(
    measure: Callable[..., float], *of_clips: NDArray[np.generic], resamples: int = 1_000, seed: int = 0
) -> tuple[float, float]:
    """The 95 % confidence interval (low, high) of `measure(*of_clips)`, whose arguments are [clips, ...]: percentiles
    of what it says of `resamples` sets of as many clips, drawn with replacement (the bootstrap: Efron 1979,
    doi:10.1214/aos/1176344552).

    The same clips are drawn for the same seed and number of clips. In a macro mean, labels of which a draw has no clip
    do not count.
    """
    rng, clips = np.random.default_rng(seed), len(of_clips[0])
    draws = (rng.integers(clips, size=clips) for _ in range(resamples))
    low, high = np.percentile([measure(*(values[draw] for values in of_clips)) for draw in draws], [2.5, 97.5])
    return float(low), float(high)


def calibration_error(scores: Scores, truth: Labels, bins: int = 15) -> float:
    """Expected calibration error of the best label, in [0, 1]: how far its score is from the share of clips on which
    it is right, mean over `bins` equal bins of the score, weighted by clips (Guo et al. 2017, arXiv:1706.04599).
    """
    best = scores.max(axis=1)
    right = scores.argmax(axis=1) == truth
    of_bin = np.minimum((best * bins).astype(int), bins - 1)
    gaps = [abs(np.sum(best[of_bin == i]) - np.sum(right[of_bin == i])) for i in range(bins)]
    return float(np.sum(gaps) / len(truth))


def complement_rate(scores: Scores, helper: Scores, truth: Labels) -> float:
    """Share of the clips that `scores` gets wrong on which `helper` ranks the true label first, in [0, 1]."""
    wrong = precision_at(scores, truth, 1) == 0
    return float(precision_at(helper, truth, 1)[wrong].mean()) if wrong.any() else 0.0


def auroc(positive: NDArray[np.floating], negative: NDArray[np.floating]) -> float:
    """How often a positive one has the higher score, ties counting half: the area under the ROC curve, in [0, 1]."""
    higher = np.searchsorted(np.sort(negative), positive, "left") + np.searchsorted(
        np.sort(negative), positive, "right"
    )
    return float(np.mean(higher) / (2 * len(negative)))
