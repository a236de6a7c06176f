"""All scores of an evaluation: over all clips and for each label, of each model and of their ensemble."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np

from audiotagger.evaluation import metrics
from audiotagger.evaluation.evaluator import ENSEMBLE, Evaluation, Predictions
from audiotagger.inference.tagger import DEFAULT_THRESHOLD

Interval = tuple[float, float] | None
"""A 95 % confidence interval (low, high) over clips; None where there are too few clips for one."""


@dataclass(frozen=True)
class LabelScores:
    """Scores for one label. All but the counts are in [0, 1]."""

    clips: int
    ap: float
    """Average precision of the ranking of all clips by this label's score."""
    map3: float
    recall: float
    """Share of its clips whose best label it is."""
    confused_with: str | None
    """Which other label its clips get most often; of several, the first. None if they get no other."""
    confused_clips: int
    """How many get that."""


@dataclass(frozen=True)
class ModelScores:
    """Scores over all clips, in [0, 1]."""

    map3: float
    macro_map3: float
    top1: float
    ece: float
    """Expected calibration error of the best label."""
    intervals: dict[str, Interval]
    """Of map3, macro_map3 and top1."""
    labels: dict[str, LabelScores]
    """Of the labels that have clips."""


@dataclass(frozen=True)
class Gain:
    """What the ensemble gains over one of its models: differences of scores, in [-1, 1]."""

    model: str
    map3: float
    top1: float
    intervals: dict[str, Interval]
    """Of map3 and top1; each clip is compared with itself."""


@dataclass(frozen=True)
class Complement:
    """Share of the clips that `model` gets wrong on which `helper` is right, in [0, 1]."""

    model: str
    helper: str
    rate: float


@dataclass(frozen=True)
class OutOfDomainScores:
    """How the ensemble scores sounds outside the labels that clips are scored over."""

    clips: int
    confident: float
    """Share of them of which the probability of a label reaches the default threshold, in [0, 1]."""
    auroc: float
    """How often the probability of any of the labels is higher for a labelled clip than for one of these, in [0, 1]."""


@dataclass(frozen=True)
class FurtherScores:
    """Scores of the test clips of further sounds that the models know, over all labels."""

    clips: int
    models: dict[str, ModelScores]


@dataclass(frozen=True)
class EvaluationReport:
    """All that `audiotagger evaluate` reports."""

    split: str
    clips: int
    labels: int
    """How many labels the clips are scored over."""
    known_labels: int
    """How many labels the models know."""
    models: dict[str, ModelScores]
    """By name; the last is the ensemble."""
    gains: list[Gain] = field(default_factory=list)
    """Of each model; empty for a single one."""
    complements: list[Complement] = field(default_factory=list)
    """Of each pair of models, either way; empty for a single one."""
    confident: float | None = None
    """Share of the clips of which the probability of a label reaches the default threshold, in [0, 1]."""
    out_of_domain: OutOfDomainScores | None = None
    """None if there are no such sounds."""
    further: FurtherScores | None = None
    """None without --all-labels, and if there are no such sounds."""


def make_report(evaluation: Evaluation) -> EvaluationReport:
    """Compute all scores of an evaluation."""
    predictions, further = evaluation.predictions, evaluation.further
    known, outside = evaluation.known, evaluation.outside
    scores = predictions.scores
    models = [name for name in scores if name != ENSEMBLE]
    return EvaluationReport(
        split=evaluation.split,
        clips=len(predictions.truth),
        labels=len(predictions.labels),
        known_labels=evaluation.known_labels,
        models=score_models(predictions),
        gains=[_gain(predictions, name) for name in models] if len(models) > 1 else [],
        complements=[
            Complement(name, helper, metrics.complement_rate(scores[name], scores[helper], predictions.truth))
            for name, helper in itertools.permutations(models, 2)
        ],
        confident=_confident(known.best),
        out_of_domain=OutOfDomainScores(
            len(outside.best), _confident(outside.best), metrics.auroc(known.total, outside.total)
        )
        if len(outside.best)
        else None,
        further=FurtherScores(len(further.truth), score_models(further)) if further else None,
    )


def score_models(predictions: Predictions) -> dict[str, ModelScores]:
    """Return the scores of each model by name, and last of the ensemble."""
    return {name: _score_model(predictions, name) for name in predictions.scores}


def _score_model(predictions: Predictions, name: str) -> ModelScores:
    scores, truth = predictions.scores[name], predictions.truth
    precision, right = metrics.precision_at(scores, truth), metrics.precision_at(scores, truth, 1)
    wrong = metrics.confusion_matrix(scores, truth)
    np.fill_diagonal(wrong, 0)

    def score_label(index: int) -> LabelScores:
        own, commonest = truth == index, int(wrong[index].argmax())
        clips = int(wrong[index, commonest])
        return LabelScores(
            clips=int(own.sum()),
            ap=metrics.average_precision(scores[:, index], own),
            map3=float(precision[own].mean()),
            recall=float(right[own].mean()),
            confused_with=predictions.labels[commonest] if clips else None,
            confused_clips=clips,
        )

    return ModelScores(
        **metrics.summarize(scores, truth),
        ece=metrics.calibration_error(scores, truth),
        intervals={
            "map3": metrics.interval(np.mean, precision),
            "macro_map3": metrics.interval(metrics.macro_mean, precision, truth),
            "top1": metrics.interval(np.mean, right),
        },
        labels={predictions.labels[index]: score_label(index) for index in np.unique(truth)},
    )


def _gain(predictions: Predictions, name: str) -> Gain:
    ensemble, model, truth = predictions.scores[ENSEMBLE], predictions.scores[name], predictions.truth
    gained = {
        field: metrics.precision_at(ensemble, truth, k) - metrics.precision_at(model, truth, k)
        for field, k in (("map3", 3), ("top1", 1))
    }
    intervals = {field: metrics.interval(np.mean, values) for field, values in gained.items()}
    return Gain(name, float(gained["map3"].mean()), float(gained["top1"].mean()), intervals)


def _confident(scores: metrics.Scores) -> float:
    return float(np.mean(scores >= DEFAULT_THRESHOLD))
