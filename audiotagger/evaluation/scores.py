"""Every figure of an evaluation: of all clips and of each label's, of each net and of their average."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from audiotagger.evaluation import metrics
from audiotagger.evaluation.evaluator import Evaluation
from audiotagger.inference.tagger import DEFAULT_THRESHOLD


@dataclass(frozen=True)
class LabelScores:
    """What a net makes of one label. All but the counts are in [0, 1]."""

    clips: int
    """How many have this label."""
    ap: float
    """Average precision of the ranking of all clips by this label's score."""
    map3: float
    recall: float
    """Share of its clips whose best label it is."""
    wrong_label: str | None
    """Which other label its clips get most often; of several, the first. None if they get no other."""
    wrong_clips: int
    """How many get that."""


@dataclass(frozen=True)
class ModelScores:
    """How a net, or the average, does on all clips, in [0, 1]."""

    map3: float
    macro_map3: float
    top1: float
    ece: float
    """Expected calibration error of the best label."""
    intervals: dict[str, tuple[float, float]]
    """The 95 % confidence intervals (low, high) of map3, macro_map3 and top1 over clips."""
    labels: dict[str, LabelScores]
    """Of the labels that have clips."""


@dataclass(frozen=True)
class Gain:
    """What averaging gains over `net` alone."""

    net: str
    map3: float
    """Of the average less that of the net, in [-1, 1]."""
    interval: tuple[float, float]
    """Its 95 % confidence interval (low, high) over clips, on each of which both are compared."""


@dataclass(frozen=True)
class Complement:
    """Share of the clips that `net` gets wrong on which `helper` is right, in [0, 1]."""

    net: str
    helper: str
    rate: float


@dataclass(frozen=True)
class OutOfDomainScores:
    """What the average makes of sounds that are none of the labels."""

    clips: int
    confident: float
    """Share of them that get a confident answer, in [0, 1]."""
    auroc: float
    """How often a labelled clip's best score is higher than that of one of these, in [0, 1]."""


@dataclass(frozen=True)
class EvaluationReport:
    """All that `audiotagger evaluate` reports."""

    clips: int
    nets: dict[str, ModelScores]
    """By name; the last is "average", unless there is but one."""
    gains: list[Gain]
    """Over each net; empty for one net."""
    complements: list[Complement]
    """Of each pair of nets, either way; empty for one net."""
    confident: float
    """Share of the clips that get a confident answer from the average, in [0, 1]."""
    others: OutOfDomainScores | None
    """None if there are no such sounds."""


def figures(evaluation: Evaluation) -> EvaluationReport:
    """Work out what is to be reported of an evaluation."""
    scores, truth = evaluation.scores, evaluation.truth
    names = [name for name in scores if name != "average"]
    known, other = evaluation.answer.max(axis=1), evaluation.other_scores.max(axis=1)
    return EvaluationReport(
        clips=len(truth),
        nets={name: _of_net(evaluation, name) for name in scores},
        gains=[_gain(evaluation, name) for name in names] if len(names) > 1 else [],
        complements=[
            Complement(net, helper, metrics.complement_rate(scores[net], scores[helper], truth))
            for net, helper in itertools.permutations(names, 2)
        ],
        confident=float(np.mean(known >= DEFAULT_THRESHOLD)),
        others=OutOfDomainScores(len(other), float(np.mean(other >= DEFAULT_THRESHOLD)), metrics.auroc(known, other))
        if len(other)
        else None,
    )


def _gain(evaluation: Evaluation, name: str) -> Gain:
    of_average, of_net = (metrics.precision_at(evaluation.scores[one], evaluation.truth) for one in ("average", name))
    gained = of_average - of_net
    return Gain(name, float(gained.mean()), metrics.interval(np.mean, gained))


def _of_net(evaluation: Evaluation, name: str) -> ModelScores:
    scores, truth = evaluation.scores[name], evaluation.truth
    precision, right = metrics.precision_at(scores, truth), metrics.precision_at(scores, truth, 1)
    wrong = metrics.confusions(scores, truth)
    np.fill_diagonal(wrong, 0)

    def of_label(index: int) -> LabelScores:
        own, commonest = truth == index, int(wrong[index].argmax())
        clips = int(wrong[index, commonest])
        return LabelScores(
            clips=int(own.sum()),
            ap=metrics.average_precision(scores[:, index], own),
            map3=float(precision[own].mean()),
            recall=float(right[own].mean()),
            wrong_label=evaluation.labels[commonest] if clips else None,
            wrong_clips=clips,
        )

    return ModelScores(
        map3=float(precision.mean()),
        macro_map3=metrics.macro_mean(precision, truth),
        top1=float(right.mean()),
        ece=metrics.calibration_error(scores, truth),
        intervals={
            "map3": metrics.interval(np.mean, precision),
            "macro_map3": metrics.interval(metrics.macro_mean, precision, truth),
            "top1": metrics.interval(np.mean, right),
        },
        labels={evaluation.labels[index]: of_label(index) for index in np.unique(truth)},
    )
