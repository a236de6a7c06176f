"""Pictures of how a training run goes, and of what a set of nets confuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from audiotagger.errors import OutputError
from audiotagger.evaluation import metrics
from audiotagger.evaluation.evaluator import Evaluation
from audiotagger.output.files import replacing


def curves(history: Sequence[Mapping[str, float]]) -> Figure:
    """Draw the loss of each epoch and, where there are, the validation scores. history: rows of history.csv."""
    epochs = [row["epoch"] for row in history]
    figure = Figure(figsize=(7, 4), layout="constrained")
    losses = figure.subplots()
    losses.plot(epochs, [row["loss"] for row in history], "C7.-", label="loss")
    losses.set_xlabel("epoch")
    losses.set_ylabel("loss")
    losses.xaxis.set_major_locator(MaxNLocator(integer=True))
    if "val_map3" in history[0]:
        scores = losses.twinx()
        for name, title in (("val_map3", "validation MAP@3"), ("val_top1", "validation top-1")):
            scores.plot(epochs, [row[name] for row in history], ".-", label=title)
        scores.set_ylim(0, 1)
        scores.set_ylabel("validation")
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def confusion(evaluation: Evaluation) -> Figure:
    """Draw which label is given to the clips of each, as shares of a row."""
    labels = evaluation.labels
    counts = metrics.confusions(evaluation.answer, evaluation.truth)
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
    axes.set_title("Clips by true label and by the best one heard; colour: share of the row", size=9)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write the picture in the format of `path`'s suffix. Raises OutputError."""
    try:
        with replacing(path) as partial:
            figure.savefig(partial, dpi=110)
    except (OSError, ValueError) as error:  # ValueError: no format of that suffix
        raise OutputError(f"{path}: {error}; give another --plot, such as confusion.png") from None
