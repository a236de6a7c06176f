"""How good a ranking of labels is. Everything here takes scores [clips, labels] and the true label's index [clips]."""

from __future__ import annotations

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
    precision = precision_at(scores, truth, k)
    return float(np.mean([precision[truth == label].mean() for label in np.unique(truth)]))


def top_1(scores: Scores, truth: Labels) -> float:
    """Share of clips whose best label is the true one, in [0, 1]."""
    return map_at(scores, truth, k=1)
