"""What a training run was asked for, and where its folder is.

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

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from audiotagger.errors import RunError
from audiotagger.output import lock
from audiotagger.training.corpus import Corpus
from audiotagger.training.recipes import Recipe

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
    none: bool
    """Whether the net has one more output, its last, for sounds that are none of the labels."""
    recipe: Recipe
    teacher: bool
    fold: int | None
    """Which clips are held out for validation; None for none."""
    seed: int
    init: str = SCRATCH
    """`SCRATCH`, `BODY` or `WHOLE`."""

    @property
    def n_outputs(self) -> int:
        return len(self.labels) + self.none

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
    teacher: bool,
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
        none=recipe.other > 0 and bool(corpus.other),
        recipe=recipe,
        teacher=teacher and recipe.teacher_weight > 0 and corpus.teacher is not None,
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


def corpus_id(corpus: Corpus) -> str:
    """A short name for what a net was trained on: a hash over the lists of all training clips."""
    listed = (*corpus.train, *corpus.other, *corpus.unlabelled)
    doubt = {True: "", False: ",unverified"}
    lines = "".join(
        f"{c.path.parent.name}/{c.path.name},{c.label},{c.source},{c.group}{doubt[c.verified]}\n" for c in listed
    )
    return hashlib.sha256(lines.encode()).hexdigest()[:12]


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Keep other processes from training `run` meanwhile. Raises RunError if one does."""
    with (run / "lock").open("a") as file:
        if not lock(file):
            raise RunError(f"{run}: another process trains it; wait for it, or give another --run")
        yield


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside a run's file to write to; what is there at the end replaces the file as a whole: whatever
    happens, there is the old one or the new one.

    Raises RunError if the disk is full or the folder may not be written to.
    """
    partial = path.with_name(f"partial.{path.name}")
    try:
        try:
            yield partial
            with partial.open("rb+") as file:
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error.strerror or str(error)) from None


def unwritable(path: Path | None, why: str) -> RunError:
    """What to raise if one of a run's files cannot be written."""
    return RunError(f"{path}: {why}; make room or mend this, then go on with the same command and --resume")


def write_text(path: Path, text: str) -> None:
    """Replace a run's file as `replacing` does."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
