"""Evaluate the shipped models on the test clips and write docs/scores.json, the source of the tables in the docs.

python benchmarks/card.py data
cog -r -I docs README.md docs/*.md
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from audiotagger import Tagger
from audiotagger.datasets.clip import Clip
from audiotagger.datasets.dataset import find_data, read_dataset
from audiotagger.evaluation.evaluator import evaluate
from audiotagger.evaluation.plots import plot_confusion, save
from audiotagger.evaluation.scores import make_report

DOCS = Path(__file__).parent.parent / "docs"


def main(data: Annotated[Path | None, typer.Argument()] = None) -> None:
    """Write docs/scores.json and the confusion matrix."""
    root, tagger = find_data(data), Tagger.load()
    dataset = read_dataset(root)
    scored = evaluate(tagger, root, "test", lambda *_: None, all_labels=False)
    over_all = evaluate(tagger, root, "test", lambda *_: None, all_labels=True)
    clips: dict[str, list[Clip]] = defaultdict(list)
    for clip in (*dataset.train, *dataset.other):
        clips[clip.label].append(clip)
    training = {
        label: {"clips": len(clips[label]), "sources": len({clip.source for clip in clips[label]})}
        for label in tagger.labels
    }
    figures = {
        "labels": asdict(make_report(scored)),
        "all_labels": asdict(make_report(over_all)),
        "training": training,
    }
    (DOCS / "scores.json").write_text(json.dumps(_rounded(figures), indent=1) + "\n", encoding="utf-8")
    save(plot_confusion(scored.predictions), DOCS / "images" / "confusion.png")


def _rounded(value: object) -> object:
    """Round all numbers to four decimals."""
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


if __name__ == "__main__":
    typer.run(main)
