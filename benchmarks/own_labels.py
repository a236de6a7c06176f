"""How well are five new labels learned from ten clips of each?

    python benchmarks/own_labels.py --five 0

The labels are from the corpus's other sounds (`other.csv`), in fives that do not overlap: hyper-parameters were chosen
on fives 3 to 5, so report the others. Ten clips of each label are for training and the rest for testing; no group is on
both sides. Each model is trained with `--init pretrained` and with `--init scratch`, and the ensembles are evaluated.

The shipped models have been trained on most of these clips, though never with a label of their own. What is kept from
training (`Dataset.other_test`) goes to the test clips, and is scored apart as "unheard".
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

LABELS, TRAIN_CLIPS, FEWEST_TEST_CLIPS = 5, 10, 5


def main(
    five: Annotated[int, typer.Option(help="Which five labels.")] = 0,
    init: Annotated[list[str] | None, typer.Option(help="pretrained or scratch. [default: both]")] = None,
    seed: int = 0,
    data: Path | None = None,
) -> None:
    """Train, export, evaluate, print."""
    rows, unheard = choose(find_data(data), five)
    typer.echo(
        f"{', '.join(sorted({row['label'] for row in rows}))}; {len(unheard)} test clips, {sum(unheard)} unheard"
    )
    typer.echo(
        f"{'init':<12}{'net':<10}{'top-1':>8}{'MAP@3':>8}{'unheard top-1':>16}{'minutes':>10}{'CPU minutes':>13}"
    )
    for start in init or ("pretrained", "scratch"):
        with tempfile.TemporaryDirectory() as folder:
            compare(start, Path(folder), rows, np.array(unheard), seed)


def choose(data: Path, five: int) -> tuple[list[dict[str, str]], list[bool]]:
    """Rows of a CSV file of clips (path, label, group, split); for each test clip, whether it is unheard."""
    held_out = read_split(data, "other_test")
    clips = [*read_split(data, "other"), *held_out]
    groups: dict[str, dict[str, list[Clip]]] = defaultdict(lambda: defaultdict(list))
    for clip in clips:
        groups[clip.label][clip.group].append(clip)
    enough = [label for label in sorted(groups) if len(groups[label]) >= TRAIN_CLIPS + FEWEST_TEST_CLIPS]
    rng = random.Random(0)
    rng.shuffle(enough)
    rows, unheard = [], []
    for label in enough[LABELS * five : LABELS * (five + 1)]:
        names = sorted(groups[label])
        rng.shuffle(names)
        names.sort(key=lambda name: groups[label][name][0] in held_out)  # those come last, for the test
        count = 0
        for name in names:
            split = "train" if count < TRAIN_CLIPS else "test"
            for clip in groups[label][name]:
                rows.append({"path": str(clip.path.resolve()), "label": label, "group": name, "split": split})
                unheard += [clip in held_out] if split == "test" else []
                count += 1
    return rows, unheard


def compare(init: str, folder: Path, rows: list[dict[str, str]], unheard: np.ndarray, seed: int) -> None:
    """Train both models in `folder` and print a line for each and for their ensemble."""
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
    for net, scores in results.scores.items():
        top1, of_unheard = (metrics.top_1(scores[one], results.truth[one]) for one in (slice(None), unheard))
        typer.echo(
            f"{init:<12}{net:<10}{top1:>8.3f}{metrics.map_at(scores, results.truth):>8.3f}{of_unheard:>16.3f}"
            f"{spent[net][0]:>10.1f}{spent[net][1]:>13.1f}"
        )


if __name__ == "__main__":
    typer.run(main)
