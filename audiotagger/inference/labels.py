"""Probabilities to tags, of all the labels that a model knows or of some."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from audiotagger.audio.types import Array
from audiotagger.inference.results import Tag


class LabelSubset:
    """Some of a model's labels, and probabilities renormalized over them.

    Parameters
    ----------
    known
        All labels of the model.
    chosen
        The labels to keep; by default all of them, which changes no probability.

    Raises
    ------
    ValueError
        `chosen` is empty or has labels that the model does not know.
    """

    def __init__(self, known: Sequence[str], chosen: Collection[str] | None = None) -> None:
        if chosen is not None:
            _check(known, chosen)
        self._columns = [index for index, label in enumerate(known) if chosen is None or label in chosen]
        self._all = chosen is None
        self.labels = tuple(known[index] for index in self._columns)
        """In the model's order."""

    def renormalize(self, probabilities: Array) -> Array:
        """Return probabilities [chosen labels] that sum to 1, or all 0, given those [known labels]."""
        if self._all:
            return probabilities
        chosen = probabilities[self._columns].astype(np.float64)  # in which no sum of float32 is too small to divide by
        return (chosen / (chosen.sum() or 1.0)).astype(np.float32)

    def top(self, probabilities: Array, k: int, min_score: float) -> tuple[Tag, ...]:
        """Return at most `k` tags with at least `min_score`, best first, given probabilities [known labels]."""
        scores = self.renormalize(probabilities)
        if not scores.any():  # silence
            return ()
        best = np.argsort(-scores, kind="stable")[:k]
        return tuple(Tag(self.labels[i], float(scores[i])) for i in best if scores[i] >= min_score)

    def reaches(self, threshold: float, probabilities: Array) -> bool:
        """Return whether the best label is confident, given probabilities [known labels].

        What counts is its probability if the labels that were left out are impossible: the probability of none of the
        known labels still speaks against it, though renormalized scores no longer show that.
        """
        chosen = probabilities[self._columns].astype(np.float64)
        none_of_the_known = max(0.0, 1.0 - probabilities.sum(dtype=np.float64))  # rounding may make it negative
        possible = min(1.0, chosen.sum() + none_of_the_known)
        return bool(chosen.any() and chosen.max() >= np.float32(threshold * possible))


def _check(known: Sequence[str], chosen: Collection[str]) -> None:
    from difflib import get_close_matches  # rarely needed

    if not chosen:
        raise ValueError("no labels to choose from; name at least one")
    by_lower = {label.lower(): label for label in known}
    unknown = []
    for label in chosen:
        if label not in known:
            lower = label.lower()
            close = [lower] if lower in by_lower else get_close_matches(lower, by_lower)
            hint = f" (did you mean {' or '.join(by_lower[match] for match in close)}?)" if close else ""
            unknown.append(repr(label) + hint)
    if unknown:
        plural = "s" * (len(unknown) > 1)
        raise ValueError(f"unknown label{plural}: {', '.join(unknown)}; see `audiotagger models list --format json`")
