"""A training run's folder: what was asked for, what it leaves, and the list of runs. Listing needs no TensorFlow.

A run is a folder:

config.json      what was asked for: kind, arch, data, labels, recipe, seed
init.keras       the net it began with, if not with random weights
lock             held by the process that trains it
checkpoint.npz   everything needed to go on; replaced as a whole after each epoch
history.csv      one row an epoch, as the checkpoint has them
curves.png       the same as a picture
tensorboard/     the same for TensorBoard, if that was asked for
model.keras      the finished net: averaged weights, no optimizer; logits, not probabilities
windows.npy      a few windows of validation clips, to compare an export with
report.csv       how the finished net does on the validation clips, label by label
confusion.png    which of their labels it confuses
result.json      date, temperature and validation scores of the finished net; written last
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audiotagger.datasets.dataset import Corpus, corpus_id
from audiotagger.errors import RunError
from audiotagger.evaluation.evaluator import Evaluation
from audiotagger.evaluation.report import as_csv
from audiotagger.evaluation.scores import figures
from audiotagger.output import files
from audiotagger.output.writers import printable
from audiotagger.training.recipes import Recipe
from audiotagger.training.validation import FEWEST_TO_CALIBRATE, Validation

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

RUNS = Path("runs")
"""Where runs go if not told otherwise."""

SCRATCH, BODY, WHOLE = "scratch", "body", "whole"
"""What a net begins with: random weights, those of the shipped net up to its head, or all of these."""


@dataclass(frozen=True)
class Config:
    """What a run was asked for. Two runs of one config see the same batches and differ by rounding alone."""

    kind: str
    arch: str
    data: str
    data_id: str
    labels: tuple[str, ...]
    has_other_class: bool
    """Whether the net has one more output, its last, for sounds that are none of the labels."""
    recipe: Recipe
    teacher: str | None
    """The ONNX file that is learned from in place of the labels, if any."""
    teacher_id: str
    """Tells this teacher from others."""
    fold: int | None
    """Which clips are held out for validation; None for none."""
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
            raise RunError(f"{run}: no config.json, so no training run; see `audiotagger train --help`") from None
        except ValueError as error:
            raise RunError(f"{run / 'config.json'}: damaged, {error}; put it right or train anew") from None
        except (KeyError, TypeError):
            raise RunError(f"{run}: a run of another version of audiotagger; train it again") from None


def new_config(
    kind: str,
    arch: str,
    corpus: Corpus,
    recipe: Recipe,
    seed: int,
    teacher: Path | None,
    fold: int | None,
    init: str = SCRATCH,
) -> Config:
    """The config of a new run on `corpus`."""
    return Config(
        kind=kind,
        arch=arch,
        data=str(corpus.root.resolve()),
        data_id=corpus_id(corpus),
        labels=corpus.labels,
        has_other_class=recipe.other > 0 and bool(corpus.other),
        recipe=recipe,
        teacher=str(teacher.resolve()) if teacher else None,
        teacher_id=hashlib.sha256(teacher.read_bytes()).hexdigest()[:12] if teacher else "",
        fold=fold,
        seed=seed,
        init=init,
    )


def newest_unfinished(kind: str, arch: str) -> Path:
    """Return the newest run of this net under `RUNS` that has no result. Raises RunError for none."""
    for run, config in reversed(_runs(RUNS, "config.json")):
        if (config.kind, config.arch) == (kind, arch) and not (run / "result.json").exists():
            return run
    raise RunError(f"{RUNS}: no unfinished run of --model {kind} --arch {arch} to resume; leave --resume out")


def newest_finished(folder: Path) -> list[Path]:
    """Return the newest finished run of each net under `folder`, those of 2018 left out. Raises RunError for none."""
    newest = {config.kind: run for run, config in _runs(folder, "result.json") if config.arch == "default"}
    if not newest:
        raise RunError(f"{folder}: holds no finished training run; `audiotagger train --model mel` makes one")
    return list(newest.values())


def _runs(folder: Path, file: str) -> list[tuple[Path, Config]]:
    """The runs under `folder` that have `file`, oldest first; those of other versions are left out."""
    found = []
    for path in sorted(folder.glob(f"*/{file}"), key=lambda path: path.stat().st_mtime):
        with suppress(RunError):
            found.append((path.parent, Config.read(path.parent)))
    return found


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Keep other processes from training `run` meanwhile. Raises RunError if one does."""
    busy = RunError(f"{run}: another process trains it; wait for it, or give another --run")
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
    """What to raise if one of a run's files cannot be written."""
    return RunError(f"{path}: {why}; make room or mend this, then go on with the same command and --resume")


def write_text(path: Path, text: str) -> None:
    """Replace a run's file as `replacing` does."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Row:
    """What the list says of a run. Scores are validation's, with three decimals; what is not known is empty."""

    name: str
    net: str = ""
    arch: str = ""
    data: str = ""
    epochs: str = ""
    """Done / asked for. A finished run may have fewer, if its recipe stops early."""
    map3: str = ""
    macro: str = ""
    top1: str = ""
    state: str = ""
    """finished; unfinished, which can be resumed; or broken, and why."""


TITLES = ("run", "net", "arch", "data", "epochs", "MAP@3", "macro", "top-1", "state")


def list_runs(folder: Path) -> list[Row]:
    """The runs in `folder`, or the run that it is, the newest last. Raises RunError if there is no such folder."""
    if not folder.is_dir():
        raise RunError(f"{folder}: no such folder; `audiotagger train` makes runs")
    configs = [folder / "config.json"] if (folder / "config.json").exists() else folder.glob("*/config.json")
    return [_row(config.parent) for config in sorted(configs, key=lambda path: (path.stat().st_mtime_ns, path))]


def _row(run: Path) -> Row:
    try:
        config = Config.read(run)
        history = _history(run / "history.csv")
        finished = (run / "result.json").exists()
        if finished:
            scores = json.loads((run / "result.json").read_text(encoding="utf-8"))["validation"]
        else:
            scores = {name.removeprefix("val_"): value for name, value in history[-1].items()} if history else {}
            if (run / "checkpoint.npz").exists() and not zipfile.is_zipfile(run / "checkpoint.npz"):
                raise RunError(f"{run / 'checkpoint.npz'}: damaged")
        shown = {name: f"{float(scores[name]):.3f}" for name in ("map3", "macro_map3", "top1") if name in scores}
    except (RunError, OSError, ValueError, LookupError, TypeError) as error:
        return Row(run.name, state=f"broken: {error}")
    return Row(
        name=run.name,
        net=config.kind,
        arch=config.arch,
        data=config.data,
        epochs=f"{len(history)}/{config.recipe.epochs}",
        map3=shown.get("map3", ""),
        macro=shown.get("macro_map3", ""),
        top1=shown.get("top1", ""),
        state="finished" if finished else "unfinished",
    )


def _history(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def as_text(rows: Sequence[Row]) -> str:
    """A line a run, its fields separated by tabs."""
    return "".join("\t".join(map(printable, astuple(row))) + "\n" for row in rows)


def as_table(rows: Sequence[Row]) -> str:
    """For people, as wide as the terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*TITLES, box=None)
    for row in rows:
        table.add_row(*(Text(printable(cell), overflow="fold") for cell in astuple(row)))
    console = Console()
    with console.capture() as rendered:
        console.print(table)
    return rendered.get()


def write_history(run: Path, history: Sequence[dict[str, Any]]) -> None:
    """Write history.csv and curves.png. Raises RunError."""
    from audiotagger.evaluation.plots import curves

    table = io.StringIO()
    writer = csv.DictWriter(table, fieldnames=list(history[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    write_text(run / "history.csv", table.getvalue())
    _draw(curves(history), run / "curves.png")


def write_artifacts(run: Path, config: Config, net: keras.Model, held_out: Validation, judged: bool) -> None:
    """Judge the finished net and write all that is said of it; result.json, which tells that it is finished, last.

    Not `judged`, the clips of `held_out` are training clips, which tell nothing of how good it is. Raises RunError if
    there is no room for it.
    """
    from audiotagger.evaluation.plots import confusion

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
