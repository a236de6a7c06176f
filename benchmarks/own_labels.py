"""Train both models on five new labels with ten clips each, and evaluate them and their ensemble.

    python benchmarks/own_labels.py --five 0

The labels are from the other sounds of the project's corpus (`other.csv`), in disjoint sets of five. Hyper-parameters
were chosen on sets 3 to 5, so report the others. Ten clips of each label are for training and the rest for testing;
clips of one group are in the same split. Training is with `--init pretrained` and with `--init scratch`.

The pretrained models were trained on most of these clips, though not with these labels. Clips that they were not
trained on (`Dataset.other_test`) are among the test clips and are also scored alone, as "unseen".
"""

from __future__ import annotations

import csv
import random
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from audiotagger.datasets.clip import Clip
from audiotagger.datasets.dataset import find_data, read_split
from audiotagger.evaluation import metrics
from audiotagger.evaluation.evaluator import evaluate
from audiotagger.export.onnx import export
from audiotagger.inference.tagger import Tagger
from audiotagger.training.trainer import train

LABELS, TRAIN_CLIPS, MIN_TEST_CLIPS = 5, 10, 5
"""Labels of a set; clips of each label."""


def main(
    five: Annotated[int, typer.Option(help="Number of the set of five labels.")] = 0,
    init: Annotated[list[str] | None, typer.Option(help="pretrained or scratch. [default: both]")] = None,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    data: Annotated[Path | None, typer.Option(help="Dataset.")] = None,
) -> None:
    """Train, export and evaluate the models, and print a table."""
    rows, unseen = choose_clips(find_data(data), five)
    typer.echo(f"{', '.join(sorted({row['label'] for row in rows}))}; {len(unseen)} test clips, {sum(unseen)} unseen")
    typer.echo(
        f"{'init':<12}{'model':<10}{'top-1':>8}{'MAP@3':>8}{'unseen top-1':>16}{'minutes':>10}{'CPU minutes':>13}"
    )
    for one in init or ("pretrained", "scratch"):
        with tempfile.TemporaryDirectory() as folder:
            train_and_evaluate(one, Path(folder), rows, np.array(unseen), seed)


def choose_clips(data: Path, five: int) -> tuple[list[dict[str, str]], list[bool]]:
    """Return the rows of a CSV dataset (path, label, group, split) and, for each test clip, whether it is unseen."""
    held_out = read_split(data, "other_test")
    clips = [*read_split(data, "other"), *held_out]
    groups: dict[str, dict[str, list[Clip]]] = defaultdict(lambda: defaultdict(list))
    for clip in clips:
        groups[clip.label][clip.group].append(clip)
    enough = [label for label in sorted(groups) if len(groups[label]) >= TRAIN_CLIPS + MIN_TEST_CLIPS]
    rng = random.Random(0)
    rng.shuffle(enough)
    rows, unseen = [], []
    for label in enough[LABELS * five : LABELS * (five + 1)]:
        names = sorted(groups[label])
        rng.shuffle(names)
        names.sort(key=lambda name: groups[label][name][0] in held_out)  # last, so in the test split
        count = 0
        for name in names:
            split = "train" if count < TRAIN_CLIPS else "test"
            for clip in groups[label][name]:
                rows.append({"path": str(clip.path.resolve()), "label": label, "group": name, "split": split})
                unseen += [clip in held_out] if split == "test" else []
                count += 1
    return rows, unseen


def train_and_evaluate(init: str, folder: Path, rows: list[dict[str, str]], unseen: np.ndarray, seed: int) -> None:
    """Train both models in `folder`; print a line for each and for their ensemble."""
    table = folder / "sounds.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    runs, spent = [], {}
    for kind in ("mel", "wave"):
        began = time.monotonic(), time.process_time()
        train(kind, table, Console(stderr=True), run=folder / kind, init=init, seed=seed)
        runs.append(folder / kind)
        spent[kind] = (time.monotonic() - began[0]) / 60, (time.process_time() - began[1]) / 60
    spent["ensemble"] = tuple(np.sum(list(spent.values()), axis=0))
    export(runs, folder / "models")
    results = evaluate(Tagger.load(folder / "models"), table, "test", lambda *_: None).predictions
    for model, scores in results.scores.items():
        top1, unseen_top1 = (metrics.top_1(scores[clips], results.truth[clips]) for clips in (slice(None), unseen))
        typer.echo(
            f"{init:<12}{model:<10}{top1:>8.3f}{metrics.map_at(scores, results.truth):>8.3f}{unseen_top1:>16.3f}"
            f"{spent[model][0]:>10.1f}{spent[model][1]:>13.1f}"
        )


if __name__ == "__main__":
    typer.run(main)
