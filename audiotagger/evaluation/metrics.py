"""How good rankings of labels are, given scores [clips, labels] and the true label's index [clips]."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]
Truth = NDArray[np.integer]

FEW_CLIPS = 30
"""With fewer, percentiles of resampled scores are no confidence interval."""

FEW_LABELS = 10
"""With fewer, the best three are a large part of all labels, so top-1 tells more than MAP@3."""

MEASURES = {"map3": "MAP@3", "macro_map3": "macro", "top1": "top-1"}
"""What reports call the fields of `summarize`."""


def summarize(scores: Scores, truth: Truth) -> dict[str, float]:
    """Return the fields of `MEASURES`, each in [0, 1], in the order of `leading`."""
    precision = precision_at(scores, truth)
    values = {"map3": precision.mean(), "macro_map3": macro_mean(precision, truth), "top1": top_1(scores, truth)}
    return {name: float(values[name]) for name in leading(scores.shape[1])}


def leading(labels: int) -> list[str]:
    """Return the fields of `MEASURES`, the one that tells most among so many labels first."""
    return list(MEASURES) if labels >= FEW_LABELS else ["top1", "map3", "macro_map3"]


def precision_at(scores: Scores, truth: Truth, k: int = 3) -> NDArray[np.float64]:
    """Return the average precision at `k` of each clip.

    FSDKaggle2018's measure, where each clip has one label. A label that ties with the true one ranks before it, so
    that constant scores earn nothing.

    Parameters
    ----------
    scores
        [clips, labels]
    truth
        [clips], indices of labels.
    k
        Lowest rank that counts.

    Returns
    -------
    NDArray
        [clips]: 1 / rank of the true label, 0 beyond rank `k`.
    """
    true_score = np.take_along_axis(scores, truth[:, None], axis=1)
    rank = np.sum(scores >= true_score, axis=1)
    return np.where(rank <= k, 1 / rank, 0.0)


def map_at(scores: Scores, truth: Truth, k: int = 3) -> float:
    """Return the mean average precision at `k` over clips, in [0, 1]."""
    return float(np.mean(precision_at(scores, truth, k)))


def macro_map_at(scores: Scores, truth: Truth, k: int = 3) -> float:
    """Return the mean over labels of their clips' `map_at`: rare labels count as much as common ones."""
    return macro_mean(precision_at(scores, truth, k), truth)


def macro_mean(values: NDArray[np.floating], truth: Truth) -> float:
    """Return the mean over the labels in `truth` of the mean of `values` [clips] over their clips."""
    clips = np.bincount(truth)
    sums = np.bincount(truth, weights=values)
    return float(np.mean(sums[clips > 0] / clips[clips > 0]))


def top_1(scores: Scores, truth: Truth) -> float:
    """Return the share of clips whose best label is the true one, in [0, 1]."""
    return map_at(scores, truth, k=1)


def average_precision(scores: NDArray[np.floating], relevant: NDArray[np.bool_]) -> float:
    """Return the average precision of a ranking of clips by one label's scores, in (0, 1].

    The area under the curve of precision over recall, in steps, ties together, as scikit-learn's
    average_precision_score.

    Parameters
    ----------
    scores
        [clips]
    relevant
        [clips], whether a clip has the label; at least one must.
    """
    positive, everything = np.sort(scores[relevant]), np.sort(scores)
    hits = len(positive) - np.searchsorted(positive, positive, "left")
    retrieved = len(everything) - np.searchsorted(everything, positive, "left")
    return float(np.mean(hits / retrieved))


def average_precision_interval(
    scores: NDArray[np.floating], relevant: NDArray[np.bool_], resamples: int = 200
) -> tuple[float, float] | None:
    """Return the 95 % confidence interval of `average_precision`, by the percentile bootstrap.

    Clips with the label and those without are drawn apart, so that every draw has some. None for fewer than 5 clips
    with it, and where all draws agree.
    """
    rng = np.random.default_rng(0)
    with_label, without = np.flatnonzero(relevant), np.flatnonzero(~relevant)
    if len(with_label) < 5:
        return None
    known = np.arange(len(scores)) < len(with_label)
    draws = (np.concatenate([rng.choice(part, len(part)) for part in (with_label, without)]) for _ in range(resamples))
    low, high = np.percentile([average_precision(scores[draw], known) for draw in draws], [2.5, 97.5])
    return (float(low), float(high)) if low < high else None


def confusion_matrix(scores: Scores, truth: Truth) -> NDArray[np.int64]:
    """Return the number of clips by true label (row) and best label (column), [labels, labels].

    Silent clips, whose scores are all 0, do not count.
    """
    audible = scores.any(axis=1)
    counts = np.zeros((scores.shape[1], scores.shape[1]), np.int64)
    np.add.at(counts, (truth[audible], scores[audible].argmax(axis=1)), 1)
    return counts


def cluster_order(counts: NDArray[np.integer]) -> list[int]:
    """Return an order of labels in which those that are mistaken for each other are neighbours.

    Groups of labels are merged two by two, those first that are confused most (average linkage).

    Parameters
    ----------
    counts
        A confusion matrix [labels, labels].
    """
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    mutual = shares + shares.T
    groups = [[label] for label in range(len(counts))]
    while len(groups) > 1:
        sizes = np.array([len(group) for group in groups])
        mean = mutual / np.outer(sizes, sizes)
        np.fill_diagonal(mean, -1)
        first, second = sorted(np.unravel_index(mean.argmax(), mean.shape))
        groups[first] = groups[first] + groups.pop(second)
        mutual[first] += mutual[second]
        mutual[:, first] += mutual[:, second]
        mutual = np.delete(np.delete(mutual, second, 0), second, 1)
    return [int(label) for label in groups[0]] if groups else []


def reliability(scores: Scores, truth: Truth, bins: int = 10) -> list[tuple[int, float, float]]:
    """Return how sure the best label is and how often it is right, in equal bins of its score.

    Returns
    -------
    list of tuple
        Number of clips, mean score and share of them on which it is right, of each bin that has clips.
    """
    best, right = scores.max(axis=1), scores.argmax(axis=1) == truth
    of_bin = np.minimum((best * bins).astype(int), bins - 1)
    counted = [(of_bin == index) for index in range(bins) if (of_bin == index).any()]
    return [(int(own.sum()), float(best[own].mean()), float(right[own].mean())) for own in counted]


def interval(
    measure: Callable[..., float], *of_clips: NDArray[np.generic], resamples: int = 1_000, seed: int = 0
) -> tuple[float, float] | None:
    """Return the 95 % confidence interval of a measure over clips, by the percentile bootstrap.

    In a macro mean, labels of which a draw has no clip do not count.

    Parameters
    ----------
    measure
        Called with `of_clips`, of as many clips drawn with replacement.
    of_clips
        Arrays [clips, ...].
    resamples
        Number of draws.
    seed
        The same clips are drawn for the same seed and number of clips.

    Returns
    -------
    tuple or None
        (low, high); None for fewer than `FEW_CLIPS` clips, and where all draws agree.

    References
    ----------
    Efron 1979, doi:10.1214/aos/1176344552
    """
    rng, clips = np.random.default_rng(seed), len(of_clips[0])
    if clips < FEW_CLIPS:
        return None
    draws = (rng.integers(clips, size=clips) for _ in range(resamples))
    low, high = np.percentile([measure(*(values[draw] for values in of_clips)) for draw in draws], [2.5, 97.5])
    return (float(low), float(high)) if low < high else None


def calibration_error(scores: Scores, truth: Truth, bins: int = 15) -> float:
    """Return the expected calibration error of the best label, in [0, 1].

    How far its score is from the share of clips on which it is right: mean over `bins` equal bins of the score,
    weighted by clips.

    References
    ----------
    Guo et al. 2017, arXiv:1706.04599
    """
    best = scores.max(axis=1)
    right = scores.argmax(axis=1) == truth
    of_bin = np.minimum((best * bins).astype(int), bins - 1)
    gaps = [abs(np.sum(best[of_bin == i]) - np.sum(right[of_bin == i])) for i in range(bins)]
    return float(np.sum(gaps) / len(truth))


def complement_rate(scores: Scores, helper: Scores, truth: Truth) -> float:
    """Return the share of the clips that `scores` gets wrong on which `helper` is right, in [0, 1]."""
    wrong = precision_at(scores, truth, 1) == 0
    return float(precision_at(helper, truth, 1)[wrong].mean()) if wrong.any() else 0.0


def auroc(positive: NDArray[np.floating], negative: NDArray[np.floating]) -> float:
    """Return the area under the ROC curve, in [0, 1]: how often a positive has the higher score, ties counting half."""
    ranked = np.sort(negative)
    higher = np.searchsorted(ranked, positive, "left") + np.searchsorted(ranked, positive, "right")
    return float(np.mean(higher) / (2 * len(negative)))
