"""Pictures of how a set of nets does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from audiotagger import metrics
from audiotagger.errors import OutputError
from audiotagger.training.evaluate import Evaluation


def confusion(evaluation: Evaluation, path: Path) -> None:
    """Draw which label the average gives to the clips of each, as shares of a row. Raises OutputError."""
    labels = evaluation.labels
    counts = metrics.confusions(evaluation.scores["average"], evaluation.truth)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = 2.5 + 0.22 * len(labels)
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(counts > 0):
        dark = shares[row, column] > 0.5
        axes.text(column, row, f"{counts[row, column]}", ha="center", va="center", size=6, color="w" if dark else "k")
    axes.set_xticks(range(len(labels)), labels, rotation=90, size=7)
    axes.set_yticks(range(len(labels)), labels, size=7)
    axes.set_xlabel("heard")
    axes.set_ylabel("true label")
    axes.set_title("Clips by true label and by the average's best one; colour: share of the row", size=9)
    try:
        figure.savefig(path, dpi=110)
    except (OSError, ValueError) as error:  # ValueError: no format of that suffix
        raise OutputError(f"{path}: {error}; give another --plot, such as confusion.png") from None
