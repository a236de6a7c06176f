"""The page about an evaluation or a training run: charts, and the clips that it gets most wrong."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from audiotagger.datasets.cache import cached_blocks
from audiotagger.datasets.clip import Clip
from audiotagger.errors import AudioTaggerError
from audiotagger.evaluation import metrics
from audiotagger.evaluation.evaluator import Predictions
from audiotagger.evaluation.scores import ModelScores
from audiotagger.report.page import Page, relative_url
from audiotagger.report.pictures import Picture

WORST = 60
"""Clips that have a picture: those of which the true label has the lowest score."""


def write_page(
    file: TextIO,
    folder: Path,
    title: str,
    predictions: Predictions | None,
    models: Mapping[str, ModelScores],
    clips: Sequence[Clip],
    sample_rate: int,
    history: Sequence[Mapping[str, float]] = (),
) -> None:
    """Write the page.

    Parameters
    ----------
    file
        An open text file.
    folder
        Where the page will be: audio is found from there.
    title
        What is evaluated.
    predictions
        Scores of the clips; None if none were held out.
    models
        Scores of each model in `predictions`.
    clips
        The clips of `predictions`, in their order.
    sample_rate
        Of the models, in Hz.
    history
        The rows of history.csv of a training run.
    """
    about: dict[str, Any] = {"title": title, "history": list(history), "models": {}, "charts": {}}
    if predictions:
        about |= {"labels": predictions.labels, "charts": _charts(predictions, models)}
    with Page(file, "evaluation", about) as page:
        if predictions:
            _add_clips(page, folder, predictions, clips, sample_rate)


def _charts(predictions: Predictions, models: Mapping[str, ModelScores]) -> dict[str, Any]:
    """Return what is drawn of each model, by name."""
    charts = {}
    for name, scores in predictions.scores.items():
        counts, truth, summary = metrics.confusion_matrix(scores, predictions.truth), predictions.truth, models[name]
        index = {label: number for number, label in enumerate(predictions.labels)}
        present = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
        charts[name] = {
            "scores": {field: getattr(summary, field) for field in (*metrics.MEASURES, "ece")},
            "intervals": summary.intervals,
            "order": [int(present[one]) for one in metrics.cluster_order(counts[np.ix_(present, present)])],
            "confusion": [[int(i), int(j), int(counts[i, j])] for i, j in np.argwhere(counts)],
            "labels": [
                {
                    "label": label,
                    "clips": of_label.clips,
                    "ap": of_label.ap,
                    "interval": metrics.average_precision_interval(scores[:, index[label]], truth == index[label]),
                }
                for label, of_label in summary.labels.items()
            ],
            "reliability": metrics.reliability(scores, truth),
        }
    return charts


def _add_clips(page: Page, folder: Path, predictions: Predictions, clips: Sequence[Clip], sample_rate: int) -> None:
    """Add all clips, the worst first."""
    last = list(predictions.scores.values())[-1]
    of_truth = np.take_along_axis(last, predictions.truth[:, None], axis=1)[:, 0]
    for rank, i in enumerate(np.argsort(of_truth, kind="stable")):
        ranked = {name: np.argsort(-scores[i], kind="stable")[:3] for name, scores in predictions.scores.items()}
        values = {
            "path": str(clips[i].path),
            "src": relative_url(str(clips[i].path), folder),
            "truth": int(predictions.truth[i]),
            "tags": {
                name: [[int(j), round(float(predictions.scores[name][i, j]), 4)] for j in best]
                for name, best in ranked.items()
            },
            "score": {name: round(float(of[i, predictions.truth[i]]), 4) for name, of in predictions.scores.items()},
        }
        picture = _picture(clips[i].path, sample_rate) if rank < WORST else b""
        page.add(values, {"picture": base64.b64encode(picture).decode(), "audio": ""})


def _picture(path: Path, sample_rate: int) -> bytes:
    picture = Picture(sample_rate)
    try:
        for block in cached_blocks(path, sample_rate):
            picture.add(block)
    except AudioTaggerError:  # it was there when it was scored
        return b""
    return picture.draw()[1]
