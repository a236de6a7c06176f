"""What a training run leaves: the net, how it does on the validation clips, and the pictures of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure

from audiotagger.training.evaluate import Evaluation
from audiotagger.training.figures import figures
from audiotagger.training.plots import confusion, curves
from audiotagger.training.report import as_csv
from audiotagger.training.runs import Config, replacing, write_text
from audiotagger.training.validation import FEWEST_TO_CALIBRATE, Validation


def write_history(run: Path, history: Sequence[dict[str, Any]]) -> None:
    """Write history.csv and curves.png. Raises RunError."""
    table = io.StringIO()
    writer = csv.DictWriter(table, fieldnames=list(history[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    write_text(run / "history.csv", table.getvalue())
    _draw(curves(history), run / "curves.png")


def finish(run: Path, config: Config, net: keras.Model, held_out: Validation, judged: bool) -> None:
    """Judge the finished net and write all that is said of it; result.json, which tells that it is finished, last.

    Not `judged`, the clips of `held_out` are training clips, which tell nothing of how good it is. Raises RunError if
    there is no room for it.
    """
    logits = held_out.logits(net)
    enough = judged and len(held_out.truth) >= FEWEST_TO_CALIBRATE
    temperature = held_out.best_temperature(logits) if enough else config.recipe.temperature
    scores = held_out.scores(logits, temperature)
    if judged:
        nothing = np.empty((0, len(config.labels)), np.float32)
        evaluation = Evaluation(config.labels, held_out.truth, {config.kind: scores.astype(np.float32)}, nothing)
        write_text(run / "report.csv", as_csv(figures(evaluation)) + "\n")
        _draw(confusion(evaluation), run / "confusion.png")
    result = {
        "finished": datetime.now(UTC).date().isoformat(),
        "temperature": temperature,
        "validation": {"clips": len(held_out.truth), **held_out.summary(scores)} if judged else {},
    }
    with replacing(run / "windows.npy") as partial:
        np.save(partial, held_out.windows[:32])
    with replacing(run / "model.keras") as partial:
        net.save(partial)
    write_text(run / "result.json", json.dumps(result, indent=2))


def _draw(figure: Figure, path: Path) -> None:
    with replacing(path) as partial:
        figure.savefig(partial, dpi=110)
