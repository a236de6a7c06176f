"""Plots: the curves of a training run and the confusion matrix of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from audiotagger.errors import OutputError
from audiotagger.evaluation import metrics
from audiotagger.evaluation.evaluator import Predictions
from audiotagger.output.figures import plain, write_figure
from audiotagger.output.files import check_output, replacing


def plot_curves(history: Sequence[Mapping[str, float]]) -> Figure:
    """Plot the losses of each epoch and, if there are any, the validation scores.

    Parameters
    ----------
    history
        The rows of history.csv.
    """
    epochs = [row["epoch"] for row in history]
    figure = Figure(figsize=(7, 4), layout="constrained")
    losses = figure.subplots()
    losses.plot(epochs, [row["loss"] for row in history], "C7.-", label="loss")
    losses.set_xlabel("epoch")
    losses.set_ylabel("loss")
    losses.xaxis.set_major_locator(MaxNLocator(integer=True))
    if "val_loss" in history[-1]:
        losses.plot(epochs, [row.get("val_loss", np.nan) for row in history], "C3.-", label="validation loss")
    if "val_map3" in history[0]:
        scores = losses.twinx()
        for name in ("map3", "top1"):
            values = [row[f"val_{name}"] for row in history]
            scores.plot(epochs, values, ".-", label=f"validation {metrics.MEASURES[name]}")
        scores.set_ylim(0, 1)
        scores.set_ylabel("validation")
    figure.legend(loc="outside upper center", ncols=4)
    return figure


def plot_confusion(predictions: Predictions) -> Figure:
    """Plot the confusion matrix of the ensemble: clips by true label (row) and best label (column)."""
    labels = predictions.labels
    counts = metrics.confusion_matrix([*predictions.scores.values()][-1], predictions.truth)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = 2.5 + 0.22 * len(labels)
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(counts > 0):
        dark = shares[row, column] > 0.5
        axes.text(column, row, f"{counts[row, column]}", ha="center", va="center", size=6, color="w" if dark else "k")
    names = [plain(label) for label in labels]
    axes.set_xticks(range(len(labels)), names, rotation=90, size=7)
    axes.set_yticks(range(len(labels)), names, size=7)
    axes.set_xlabel("predicted label")
    axes.set_ylabel("true label")
    axes.set_title("Confusion matrix (row-normalized)", size=9)
    return figure


def check_plot(path: Path) -> None:
    """Raise OutputError if no figure can be saved as `path`, for its suffix or its folder."""
    formats = FigureCanvasBase.get_supported_filetypes()
    if path.suffix.lower().removeprefix(".") not in formats:
        raise OutputError(f"{path}: no format of plots; choose another --plot, such as confusion.png")
    check_output(path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure in the format of `path`'s suffix. Raises OutputError."""
    try:
        with replacing(path) as partial:
            write_figure(figure, partial)
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror or error}; choose another --plot") from None
