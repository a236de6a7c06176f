"""The report of an evaluation: tables for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict

from audiotagger.evaluation.metrics import FEW_CLIPS, MEASURES, leading
from audiotagger.evaluation.scores import EvaluationReport, Interval, ModelScores
from audiotagger.inference.tagger import DEFAULT_THRESHOLD
from audiotagger.output.tables import make_table
from audiotagger.output.writers import not_formula

COLUMNS = {**MEASURES, "ece": "ECE"}


def as_text(report: EvaluationReport) -> str:
    """Return tables that fit into 80 columns, unless names are long."""
    models = report.models if len(report.models) > 2 else dict(list(report.models.items())[:1])
    parts = ["\n".join(_heading(report)), _scores(models, leading(report.labels))]
    if report.further:
        shown = {name: report.further.models[name] for name in models}
        count = _count(len(_last(shown).labels), "label")
        title = f"{_count(report.further.clips, 'test clip')} of further sounds, {count}"
        parts.append(f"{title}\n\n{_scores(shown, leading(report.known_labels))}")
    return "\n\n".join([*parts, "\n".join(_remarks(report)), _labels(_last(models), leading(report.labels)[0])])


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _last(models: Mapping[str, ModelScores]) -> ModelScores:
    return list(models.values())[-1]


def _heading(report: EvaluationReport) -> Iterator[str]:
    split = "" if report.split == "all" else f"{report.split} "
    yield f"{_count(report.clips, f'{split}clip')} of {_count(len(_last(report.models).labels), 'label')}"
    if report.labels < report.known_labels:
        yield (
            f"scored over {report.labels} of the models' {report.known_labels} labels, renormalized (see --all-labels)"
        )
    if report.clips < FEW_CLIPS:
        yield f"fewer than {FEW_CLIPS} clips: scores are rough, and have no confidence intervals"


def _scores(models: Mapping[str, ModelScores], fields: list[str]) -> str:
    with_intervals = [field for field in fields if any(model.intervals[field] for model in models.values())]
    titles, rows = ["model"], [[name] for name in models]
    for field in [*fields, "ece"]:
        titles.append(f">{COLUMNS[field]}")
        for row, model in zip(rows, models.values(), strict=True):
            row.append(f"{getattr(model, field):.3f}")
            if field in with_intervals:
                row.append(_range(model.intervals[field]))
        titles += [">95% CI"] if field in with_intervals else []
    return make_table(titles, rows)


def _range(interval: Interval, sign: str = "") -> str:
    return f"{interval[0]:{sign}.3f}{' to ' if sign else '-'}{interval[1]:{sign}.3f}" if interval else ""


def _remarks(report: EvaluationReport) -> Iterator[str]:
    field = "map3" if leading(report.labels)[0] == "map3" else "top1"
    for gain in report.gains:
        interval = _range(gain.intervals[field], "+")
        certainty = f" (95% CI {interval})" if interval else ""
        yield f"the ensemble gains {getattr(gain, field):+.3f} {COLUMNS[field]} over {gain.model}{certainty}"
    for one in report.complements:
        if report.models[one.model].top1 == 1:
            continue
        yield f"{one.helper} is right on {one.rate:.0%} of the clips that {one.model} gets wrong"
    yield f"{report.confident:.0%} of the clips get a confident label (score of {DEFAULT_THRESHOLD} or more)"
    if other := report.out_of_domain:
        yield f"{other.confident:.0%} of {other.clips} clips of other sounds do, too (AUROC {other.auroc:.3f})"


def _labels(model: ModelScores, first: str) -> str:
    columns = {"map3": ">MAP@3", "ap": ">AP", "recall": ">recall"}
    fields = sorted(columns, key=lambda field: field == "map3") if first == "top1" else list(columns)
    rows = []
    for label, one in model.labels.items():
        confused = f"{one.confused_with} ({one.confused_clips})" if one.confused_with else ""
        rows.append([label, str(one.clips), *(f"{getattr(one, field):.3f}" for field in fields), confused])
    return make_table(["label", ">clips", *(columns[field] for field in fields), "most confused with"], rows)


def as_json(report: EvaluationReport) -> str:
    """Return one object with the fields of EvaluationReport."""
    return json.dumps(asdict(report), indent=2)


def as_csv(report: EvaluationReport) -> str:
    """Return a row for each model over all labels, with an empty label, and one for each model and label.

    Further sounds have rows for each label only.
    """
    columns = ["model", "label", "clips"]
    for field in COLUMNS:
        columns += [field] if field == "ece" else [field, f"{field}_low", f"{field}_high"]
    columns += ["ap", "recall", "confused_with", "confused_clips"]
    file = io.StringIO()
    rows = csv.DictWriter(file, columns, lineterminator="\n", extrasaction="ignore")
    rows.writeheader()

    def write(row: dict[str, object]) -> None:
        rows.writerow({key: not_formula(value) if isinstance(value, str) else value for key, value in row.items()})

    for name, model in report.models.items():
        ends: dict[str, float] = {}
        for field, interval in model.intervals.items():
            if interval:
                ends |= {f"{field}_low": interval[0], f"{field}_high": interval[1]}
        write({"model": name, "clips": report.clips} | asdict(model) | ends)
        further = report.further.models[name].labels if report.further else {}
        for label, one in (*model.labels.items(), *further.items()):
            write({"model": name, "label": label} | asdict(one))
    return file.getvalue().rstrip("\n")


REPORTS: Mapping[str, Callable[[EvaluationReport], str]] = {"table": as_text, "json": as_json, "csv": as_csv}
