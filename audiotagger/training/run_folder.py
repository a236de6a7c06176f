"""The folder of a training run. Reading it needs no TensorFlow.

config.json      what was asked for: kind, arch, data, labels, recipe, seed
init.keras       the model it was initialized from, if not from random weights
lock             held by the process that trains it
checkpoint.npz   everything needed to resume; replaced as a whole after each epoch
history.csv      one row per epoch, as in the checkpoint
curves.png       the same as a plot
tensorboard/     the same for TensorBoard, with --tensorboard
model.keras      the finished model: averaged weights, no optimizer; logits, not probabilities
windows.npy      a few windows of validation clips, to compare an export with
report.csv       validation scores of the finished model, for each label
confusion.png    its confusion matrix on the validation clips
report.html      all of this as a page for the browser, with the worst clips to listen to
result.json      date, temperature and validation scores of the finished model; written last
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audiotagger.datasets.dataset import Dataset, dataset_id
from audiotagger.errors import DataError, RunError
from audiotagger.evaluation.evaluator import Predictions
from audiotagger.evaluation.report import as_csv
from audiotagger.evaluation.scores import EvaluationReport, score_models
from audiotagger.output import files
from audiotagger.output.figures import write_figure
from audiotagger.training.recipes import SAMPLE_RATE, Recipe
from audiotagger.training.validation import FEWEST_TO_CALIBRATE, Validation

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

RUNS = Path("runs")
"""Default folder of runs."""

SCRATCH, BODY, WHOLE = "scratch", "body", "whole"
"""Initialization: random weights, those of the shipped model except its output layer, or all of them."""


@dataclass(frozen=True)
class Config:
    """What a run was asked for. Two runs with one config see the same batches and differ by rounding alone."""

    kind: str
    arch: str
    data: str
    data_id: str
    labels: tuple[str, ...]
    has_other_class: bool
    """Whether the model has one more output, its last, for sounds that have none of the labels."""
    recipe: Recipe
    teacher: str | None
    """The ONNX file that is learned from in place of the labels, if any."""
    teacher_id: str
    """Tells this teacher from others."""
    fold: int | None
    """Of the clips held out for validation; None if none are."""
    seed: int
    init: str = SCRATCH
    """`SCRATCH`, `BODY` or `WHOLE`."""

    @property
    def n_outputs(self) -> int:
        return len(self.labels) + self.has_other_class

    @classmethod
    def read(cls, run: Path) -> Config:
        """Read a run's config.json. Raises RunError if `run` is not a run, or one of another version."""
        try:
            values = json.loads((run / "config.json").read_text(encoding="utf-8"))
            return cls(**{**values, "labels": tuple(values["labels"]), "recipe": Recipe(**values["recipe"])})
        except FileNotFoundError:
            raise RunError(f"{run}: not a training run (no config.json); `audiotagger train` creates runs") from None
        except ValueError as error:
            raise RunError(f"{run / 'config.json'}: damaged ({error}); train again") from None
        except (KeyError, TypeError):
            raise RunError(f"{run}: created by another version of audiotagger; train again") from None


def new_config(
    kind: str,
    arch: str,
    dataset: Dataset,
    recipe: Recipe,
    seed: int,
    teacher: Path | None,
    fold: int | None,
    init: str = SCRATCH,
) -> Config:
    """Return the config of a new run on `dataset`. Raises DataError if the teacher cannot be read."""
    teacher_id = ""
    if teacher:
        try:
            teacher_id = hashlib.sha256(teacher.read_bytes()).hexdigest()[:12]
        except OSError as error:
            raise DataError(f"{teacher}: {error.strerror}; --teacher takes an ONNX model") from None
    labels = dataset.all_labels if recipe.other else dataset.labels
    return Config(
        kind=kind,
        arch=arch,
        data=str(dataset.root.resolve()),
        data_id=dataset_id(dataset),
        labels=labels,
        has_other_class=recipe.other > 0 and dataset.has_other_class,
        recipe=recipe,
        teacher=str(teacher.resolve()) if teacher else None,
        teacher_id=teacher_id,
        fold=fold,
        seed=seed,
        init=init,
    )


def newest_unfinished(kind: str, arch: str, data: Path | None) -> Path:
    """Return the newest unfinished run of this model under `RUNS`, of this data if there is one.

    Raises RunError if there is none.
    """
    unfinished = [
        (run, config)
        for run, config in reversed(_runs(RUNS, "config.json"))
        if (config.kind, config.arch) == (kind, arch) and not (run / "result.json").exists()
    ]
    if unfinished:
        same = [run for run, config in unfinished if data and config.data == str(data.resolve())]
        return same[0] if same else unfinished[0][0]
    raise RunError(f"{RUNS}: no unfinished run of --model {kind} --arch {arch}; omit --resume to start one")


def newest_finished(folder: Path) -> list[Path]:
    """Return the newest finished run of each kind under `folder`, without the baseline's.

    Raises RunError if there is none.
    """
    newest = {config.kind: run for run, config in _runs(folder, "result.json") if config.arch == "default"}
    if not newest:
        raise RunError(f"{folder}: no finished training run; `audiotagger train --model mel` creates one")
    return list(newest.values())


def _runs(folder: Path, file: str) -> list[tuple[Path, Config]]:
    """Return the runs under `folder` that have `file`, oldest first, without those of other versions."""
    found = []
    for path in sorted(folder.glob(f"*/{file}"), key=lambda path: path.stat().st_mtime):
        with suppress(RunError):
            found.append((path.parent, Config.read(path.parent)))
    return found


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Keep other processes from training `run` at the same time. Raises RunError if one does."""
    busy = RunError(f"{run}: another process is training it; wait for it or choose another --output")
    with files.locked(run / "lock", busy):
        for leftover in run.glob(".*.partial"):  # of a process that was killed while it wrote
            shutil.rmtree(leftover)
        yield


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Replace one of a run's files as a whole, as `audiotagger.output.files.replacing` does.

    Raises RunError if the disk is full or the folder may not be written to.
    """
    try:
        with files.replacing(path) as partial:
            yield partial
    except OSError as error:
        raise unwritable(path, error.strerror or str(error)) from None


def unwritable(path: Path | None, why: str) -> RunError:
    """Return the error to raise if one of a run's files cannot be written."""
    return RunError(f"{path}: {why}; fix this, then resume with the same command and --resume")


def write_text(path: Path, text: str) -> None:
    """Replace a run's file as `replacing` does."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_history(run: Path, history: Sequence[dict[str, Any]]) -> None:
    """Write history.csv and curves.png. Raises RunError."""
    from audiotagger.evaluation.plots import plot_curves

    table = io.StringIO()
    columns = dict.fromkeys(name for row in history for name in row)  # a resumed run of an older version has fewer
    writer = csv.DictWriter(table, fieldnames=list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    write_text(run / "history.csv", table.getvalue())
    _save(plot_curves(history), run / "curves.png")


def write_artifacts(
    run: Path,
    config: Config,
    model: keras.Model,
    held_out: Validation,
    judged: bool,
    history: Sequence[Mapping[str, float]],
) -> None:
    """Write the finished model and its validation scores; result.json, which marks the run as finished, last.

    Parameters
    ----------
    run, config
        The run.
    model
        The finished model.
    held_out
        Clips to score it on.
    judged
        False if these are training clips, on which scores mean nothing.
    history
        The rows of history.csv.

    Raises
    ------
    RunError
        The folder cannot be written to.
    """
    from audiotagger.evaluation.page import write_page
    from audiotagger.evaluation.plots import plot_confusion

    logits = held_out.logits(model)
    enough = judged and len(held_out.truth) >= FEWEST_TO_CALIBRATE
    temperature = held_out.best_temperature(logits) if enough else config.recipe.temperature
    scores = held_out.scores(logits, temperature)
    predictions, models = None, {}
    if judged:
        predictions = Predictions(held_out.labels, held_out.truth, {config.kind: scores})
        n_labels = len(held_out.labels)
        models = score_models(predictions)
        report = EvaluationReport("validation", len(scores), n_labels, n_labels, models)
        write_text(run / "report.csv", as_csv(report) + "\n")
        _save(plot_confusion(predictions), run / "confusion.png")
    with replacing(run / "report.html") as partial, partial.open("w", encoding="utf-8") as page:
        title = f"Training run {run.name}"
        write_page(page, run.resolve(), title, predictions, models, held_out.clips, SAMPLE_RATE, history)
    result = {
        "finished": datetime.now(UTC).date().isoformat(),
        "temperature": temperature,
        "validation": {"clips": len(held_out.truth), **held_out.summary(scores)} if judged else {},
    }
    with replacing(run / "windows.npy") as partial:
        np.save(partial, held_out.windows[:32])
    with replacing(run / "model.keras") as partial:
        model.save(partial)
    write_text(run / "result.json", json.dumps(result, indent=2))


def _save(figure: Figure, path: Path) -> None:
    with replacing(path) as partial:
        write_figure(figure, partial)
