"""Train a model with a variant of its recipe, evaluate it on held-out sources, and add a row to recipes.csv.

    python benchmarks/recipes.py "no mixup" --model mel --epochs 10 --set mix=0
    python benchmarks/recipes.py "no mixup" --model wave --epochs 10 --set mix=0
    python benchmarks/recipes.py "teacher" --model mel --epochs 10 --teacher FILE

Training starts from random weights, with --teacher FILE (an ONNX model) by distillation. Once both models of a variant
are trained, two rows for their ensemble follow: the arithmetic mean of the probabilities and the geometric one. --fold
chooses the held-out sources; test clips are never used. Repeat the command to resume an interrupted run.
"""

from __future__ import annotations

import csv
import json
import time
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console

from audiotagger.datasets.cache import decode_all
from audiotagger.datasets.dataset import find_data, read_dataset
from audiotagger.datasets.splits import hold_out
from audiotagger.evaluation import metrics
from audiotagger.training.keras_file import load_keras
from audiotagger.training.recipes import RECIPES, SAMPLE_RATE, with_teacher
from audiotagger.training.run_folder import Config, new_config, write_text
from audiotagger.training.trainer import fit
from audiotagger.training.validation import Validation
from audiotagger.training.workers import Workers

TABLE = Path(__file__).parent / "recipes.csv"
COLUMNS = ("date", "name", "fold", "seed", "model", "epochs", "minutes", "settings", "clips", "map3", "macro", "top1")


def main(
    name: Annotated[str, typer.Argument(help="Name of the variant.")],
    model: Annotated[str, typer.Option(help="mel or wave.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=JSON", help="Change the recipe.")
    ] = None,
    epochs: Annotated[int, typer.Option(help="Number of training epochs.")] = 10,
    fold: Annotated[int, typer.Option(help="Which sources to hold out.")] = 0,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    teacher: Annotated[Path | None, typer.Option(metavar="FILE", help="Teacher for distillation.")] = None,
    data: Annotated[Path | None, typer.Option(help="Dataset.")] = None,
    runs: Annotated[Path, typer.Option(help="Folder for the runs.")] = Path("runs/bench"),
    table: Annotated[Path, typer.Option(help="CSV file that rows are added to.")] = TABLE,
) -> None:
    """Train a variant of a recipe and add a row to the table."""
    changes = {field: json.loads(value) for field, value in (pair.split("=", 1) for pair in settings or ())}
    base = RECIPES[model, "default"]
    recipe = replace(with_teacher(base) if teacher else base, epochs=epochs, **changes)
    folder = runs / f"{name.replace(' ', '-')}-{fold}-{seed}"
    run = folder / model
    config = new_config(model, "default", read_dataset(find_data(data)), recipe, seed, teacher, fold)
    if not run.exists():
        run.mkdir(parents=True)
        write_text(run / "config.json", json.dumps(asdict(config), indent=2))
    elif Config.read(run) != config:
        raise typer.BadParameter(f"{run}: another variant has this name; choose another one")
    began = time.monotonic()
    fit(config, run, Console(stderr=True), Workers())
    minutes = f"{(time.monotonic() - began) / 60:.0f}"

    scores, truth = predict(run)
    row = {"date": date.today().isoformat(), "name": name, "fold": fold, "seed": seed, "clips": len(truth)}
    options = {
        "epochs": epochs,
        "minutes": minutes,
        "settings": " ".join([*(settings or ()), *([f"--teacher {teacher.name}"] if teacher else [])]),
    }
    add(table, row | options | {"model": model} | summarize(scores, truth))
    partner = folder / {"mel": "wave", "wave": "mel"}[model]
    if (partner / "result.json").is_file():
        other, _ = predict(partner)
        add(table, row | {"model": "ensemble"} | summarize((scores + other) / 2, truth))
        add(table, row | {"model": "geometric mean"} | summarize(np.sqrt(scores * other), truth))


def predict(run: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the scores [clips, labels] of a finished run's held-out clips, and their true labels [clips]."""
    config = Config.read(run)
    dataset = read_dataset(Path(config.data))
    _, clips = hold_out(dataset.train, fold=config.fold or 0)
    everything = [*dataset.train, *dataset.other, *dataset.unlabelled]
    decoded = decode_all(everything, SAMPLE_RATE, lambda *_: None)
    waveforms = decoded.take([everything.index(clip) for clip in clips])
    held_out = Validation(clips, waveforms, dataset.labels, round(config.recipe.window * SAMPLE_RATE))
    model = load_keras(run / "model.keras")
    temperature = json.loads((run / "result.json").read_text())["temperature"]
    return held_out.scores(held_out.logits(model), temperature), held_out.truth


def summarize(scores: NDArray[np.float64], truth: NDArray[np.int64]) -> dict[str, str]:
    """Return MAP@3, macro MAP@3 and top-1 of scores [clips, labels], as text."""
    measures = {"map3": metrics.map_at, "macro": metrics.macro_map_at, "top1": metrics.top_1}
    return {name: f"{measure(scores, truth):.3f}" for name, measure in measures.items()}


def add(table: Path, row: dict[str, object]) -> None:
    """Append a row to the table and print it."""
    new = not table.exists()
    with table.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)
    typer.echo(" ".join(f"{key}={value}" for key, value in row.items()))


if __name__ == "__main__":
    typer.run(main)
