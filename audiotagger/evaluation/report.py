"""How the figures of an evaluation are shown: a table for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from audiotagger.evaluation.scores import EvaluationReport
from audiotagger.output.writers import printable

COLUMNS = {"map3": "MAP@3", "macro_map3": "macro", "top1": "top-1", "ece": "ECE"}
"""What the figures of a net are called in the table."""


def table(figures: EvaluationReport) -> str:
    """Aligned text, for two nets with usual names no wider than 100 columns."""
    return "\n".join([*_scores(figures), "", *_intervals(figures), "", *_remarks(figures), "", *_labels(figures)])


def _scores(figures: EvaluationReport) -> Iterator[str]:
    yield f"{'':<24}" + "".join(f"{title:>10}" for title in COLUMNS.values())
    for name, net in figures.nets.items():
        yield f"{name:<24}" + "".join(f"{getattr(net, column):>10.3f}" for column in COLUMNS)


def _intervals(figures: EvaluationReport) -> Iterator[str]:
    columns = next(iter(figures.nets.values())).intervals
    yield f"{'95% intervals':<24}" + "".join(f"{COLUMNS[column]:>15}" for column in columns)
    for name, net in figures.nets.items():
        yield f"{name:<24}" + "".join(f"    {low:.3f}-{high:.3f}" for low, high in net.intervals.values())


def _remarks(figures: EvaluationReport) -> Iterator[str]:
    for gain in figures.gains:
        low, high = gain.interval
        yield f"averaging adds {gain.map3:+.3f} to {gain.net}'s MAP@3 (95% interval {low:+.3f} to {high:+.3f})"
    for one in figures.complements:
        yield f"{one.helper} is right on {one.rate:.0%} of the clips that {one.net} gets wrong"
    yield f"{figures.confident:.0%} of the clips get a confident answer"
    if figures.others:
        yield (
            f"{figures.others.confident:.0%} of {figures.others.clips} clips of other sounds do; "
            f"their best scores are lower with an AUROC of {figures.others.auroc:.3f}"
        )


def _labels(figures: EvaluationReport) -> Iterator[str]:
    nets = [*figures.nets.values()]
    width = max(8, *(len(name) + 1 for name in figures.nets))
    yield f"{'':<30}{'MAP@3':>{width}}{'':<{width * (len(nets) - 1)}}   of the average"
    titles = "".join(f"{name:>{width}}" for name in figures.nets)
    yield f"{'label':<24}{'clips':>6}{titles}{'AP':>8}{'recall':>8}  most frequent wrong answer"
    for label, average in nets[-1].labels.items():
        precision = "".join(f"{net.labels[label].map3:>{width}.3f}" for net in nets)
        wrong = f"  {printable(average.wrong_label)} {average.wrong_clips}" if average.wrong_label else ""
        yield f"{printable(label):<24}{average.clips:>6}{precision}{average.ap:>8.3f}{average.recall:>8.3f}{wrong}"


def as_json(figures: EvaluationReport) -> str:
    """One object with the fields of EvaluationReport."""
    return json.dumps(asdict(figures), indent=2)


def as_csv(figures: EvaluationReport) -> str:
    """A row for each net and label, and before them one for each net over all labels, with an empty label."""
    with_interval = next(iter(figures.nets.values())).intervals
    columns = ["net", "label", "clips"]
    for column in COLUMNS:
        columns += [column, f"{column}_low", f"{column}_high"] if column in with_interval else [column]
    columns += ["ap", "recall", "wrong_label", "wrong_clips"]
    file = io.StringIO()
    rows = csv.DictWriter(file, columns, lineterminator="\n", extrasaction="ignore")
    rows.writeheader()
    for name, net in figures.nets.items():
        ends: dict[str, Any] = {}
        for column, (low, high) in net.intervals.items():
            ends |= {f"{column}_low": low, f"{column}_high": high}
        rows.writerow({"net": name, "clips": figures.clips} | asdict(net) | ends)
        rows.writerows({"net": name, "label": label} | asdict(one) for label, one in net.labels.items())
    return file.getvalue().rstrip("\n")


REPORTS: Mapping[str, Callable[[EvaluationReport], str]] = {"table": table, "json": as_json, "csv": as_csv}
