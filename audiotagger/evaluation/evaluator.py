"""Predict the labelled clips of a dataset with each model and with their ensemble."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audiotagger.datasets.cache import cached_blocks
from audiotagger.datasets.clip import Clip
from audiotagger.datasets.dataset import dataset_id, read_dataset, read_split
from audiotagger.datasets.splits import hold_out
from audiotagger.errors import DataError
from audiotagger.evaluation.metrics import Scores, Truth
from audiotagger.inference.labels import LabelSubset
from audiotagger.inference.parallel import available_cores, ordered_map
from audiotagger.inference.tagger import Tagger

ENSEMBLE = "ensemble"
"""What reports call the mean over the models, as if it were one of them."""

TEST_DATA = "test.csv beside audio_test/, a folder test/ beside train/, or rows of split test in a CSV file"


@dataclass(frozen=True)
class Predictions:
    """Scores of clips with one true label each."""

    labels: tuple[str, ...]
    truth: Truth
    """[clips], indices of `labels`."""
    scores: dict[str, Scores]
    """Of each model by name, and last of the ensemble: [clips, labels]."""


@dataclass(frozen=True)
class Confidence:
    """How sure the ensemble is that a clip has one of the labels that it is scored over, before renormalization."""

    best: Scores
    """[clips], the highest probability of a label."""
    total: Scores
    """[clips], the probability that it is any of them."""


@dataclass(frozen=True)
class Evaluation:
    """What the models predict for a split of a dataset."""

    split: str
    """ "test", "validation", or "all" where there is no test split."""
    seen_in_training: bool
    """Whether clips of "all" are those that the models were trained on."""
    known_labels: int
    """How many labels the models know."""
    predictions: Predictions
    known: Confidence
    """Of the clips; `best` is over all labels that the models know, as in tagging."""
    outside: Confidence
    """Of the test clips of sounds outside the labels."""
    clips: tuple[Clip, ...]
    """Those of `predictions`, in their order."""
    further: Predictions | None
    """Of the test clips of further sounds, with --all-labels."""


def evaluate(
    tagger: Tagger,
    data: Path,
    split: str | None,
    progress: Callable[[int, int], None],
    all_labels: bool = False,
) -> Evaluation:
    """Predict a split of `data`, and the other sounds that are never trained on.

    Parameters
    ----------
    tagger
        Models that know all labels of the clips.
    data
        A data folder or file.
    split
        "test"; "validation", the clips that training holds out; None for test, or all clips if there are none.
    progress
        Called with (done, total) clips.
    all_labels
        Score over all labels that the models know, and the test clips of other sounds with such a label too. By
        default scores are renormalized over the labels of `data`, as by `audiotagger tag --labels`.

    Raises
    ------
    DataError
        There are no such clips, or they have labels that the models do not know.
    """
    clips, split = _choose_clips(tagger, data, split)
    if unknown := sorted({clip.label for clip in clips} - set(tagger.labels)):
        raise DataError(
            f"{data}: the models do not know these labels: {', '.join(unknown)}; "
            "give models trained on them with --models"
        )
    of_data = {clip.label for name in ("train", "test") for clip in read_split(data, name)} & set(tagger.labels)
    subset = LabelSubset(tagger.labels, None if all_labels or of_data == set(tagger.labels) else of_data)
    other_test = read_split(data, "other_test")
    outside = [clip for clip in other_test if clip.label not in subset.labels]
    further = [clip for clip in other_test if clip.label in tagger.labels] if all_labels else []

    probabilities = _predict(tagger, [*clips, *outside, *further], progress)
    first, last = len(clips), len(clips) + len(outside)
    of_all = probabilities[ENSEMBLE]
    chosen = of_all[:, [label in subset.labels for label in tagger.labels]]
    total = chosen.sum(axis=1)
    scores = {name: np.apply_along_axis(subset.renormalize, 1, of[:first]) for name, of in probabilities.items()}
    return Evaluation(
        split=split,
        seen_in_training=split == "all" and _trained_on(tagger, data),
        known_labels=len(tagger.labels),
        predictions=Predictions(subset.labels, _truth(clips, subset.labels), scores),
        known=Confidence(of_all[:first].max(axis=1), total[:first]),
        outside=Confidence(chosen[first:last].max(axis=1), total[first:last]),
        clips=tuple(clips),
        further=Predictions(
            tagger.labels, _truth(further, tagger.labels), {name: of[last:] for name, of in probabilities.items()}
        )
        if further
        else None,
    )


def _choose_clips(tagger: Tagger, data: Path, split: str | None) -> tuple[list[Clip], str]:
    """Return the clips of a split, and its name."""
    if split == "validation":
        if not all(model.scores for model in tagger.models):
            raise DataError("the models were trained on all clips, including validation; use --split test")
        clips = hold_out(read_dataset(data).train)[1]
    else:
        clips = list(read_split(data, "test"))
        if split is None:
            split = "test" if clips else "all"
            clips = clips or list(read_split(data, "train"))
    if not clips:
        raise DataError(f"{data}: no {split} clips; test clips are in {TEST_DATA}")
    return clips, split


def _predict(tagger: Tagger, clips: Sequence[Clip], progress: Callable[[int, int], None]) -> dict[str, Scores]:
    """Return the probabilities of each model by name, and last of the ensemble: [clips, known labels]."""

    def predict(clip: Clip) -> dict[str, Scores]:
        return dict(tagger.probabilities(cached_blocks(clip.path, tagger.sample_rate)))

    results: list[dict[str, Scores]] = []
    for result in ordered_map(predict, clips, available_cores(), lambda: None):
        results.append(result)
        progress(len(results), len(clips))
    scores = {model.name: np.stack([result[model.name] for result in results]) for model in tagger.models}
    return {**scores, ENSEMBLE: np.mean(list(scores.values()), axis=0)}


def _truth(clips: Sequence[Clip], labels: Sequence[str]) -> Truth:
    return np.array([labels.index(clip.label) for clip in clips], np.int64)


def _trained_on(tagger: Tagger, data: Path) -> bool:
    try:
        trained = dataset_id(read_dataset(data))
    except DataError:  # no data that anything can be trained on
        return False
    return any(model.data_id == trained for model in tagger.models)
