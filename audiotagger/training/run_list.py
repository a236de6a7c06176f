"""The list of training runs: how far they are, and how they score. Needs no TensorFlow."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from audiotagger.errors import RunError
from audiotagger.evaluation.metrics import MEASURES
from audiotagger.output.tables import make_table
from audiotagger.training.run_folder import Config


@dataclass(frozen=True)
class RunInfo:
    """What is known of a run; None is not."""

    run: str
    """Its folder."""
    model: str | None = None
    arch: str | None = None
    data: str | None = None
    epochs: int | None = None
    """Finished epochs."""
    total_epochs: int | None = None
    """What was asked for. A finished run may have fewer epochs, if its recipe stops early."""
    map3: float | None = None
    """Validation scores, of the last epoch or the finished model."""
    macro_map3: float | None = None
    top1: float | None = None
    state: str = "broken"
    """ "finished"; "unfinished", which can be resumed; or "broken"."""
    error: str | None = None
    """Why it is broken."""


def list_runs(folder: Path) -> list[RunInfo]:
    """Return the runs in `folder`, or the run that it is, the newest last.

    Raises RunError if there is no such folder.
    """
    if not folder.is_dir():
        raise RunError(f"{folder}: no such folder; `audiotagger train` creates runs")
    configs = [folder / "config.json"] if (folder / "config.json").exists() else folder.glob("*/config.json")
    return [_info(config.parent) for config in sorted(configs, key=lambda path: (path.stat().st_mtime_ns, path))]


def _info(run: Path) -> RunInfo:
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
        map3, macro_map3, top1 = (round(float(scores[name]), 5) if name in scores else None for name in MEASURES)
    except (RunError, OSError, ValueError, LookupError, TypeError) as error:
        return RunInfo(str(run), error=str(error))
    return RunInfo(
        run=str(run),
        model=config.kind,
        arch=config.arch,
        data=config.data,
        epochs=len(history),
        total_epochs=config.recipe.epochs,
        map3=map3,
        macro_map3=macro_map3,
        top1=top1,
        state="finished" if finished else "unfinished",
    )


def _history(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def as_table(runs: Sequence[RunInfo]) -> str:
    """Return the list of runs for people."""
    rows = []
    for run in runs:
        model = " ".join(name for name in (run.model, run.arch) if name and name != "default")
        epochs = "" if run.epochs is None else f"{run.epochs}/{run.total_epochs}"
        scores = (getattr(run, name) for name in MEASURES)
        rows.append([run.run, model, epochs, *("" if x is None else f"{x:.3f}" for x in scores), run.state])
    return make_table(["run", "model", ">epochs", *(f">{title}" for title in MEASURES.values()), "state"], rows)


def as_json(runs: Sequence[RunInfo]) -> str:
    """Return the list of runs as an array of objects with the fields of RunInfo."""
    return json.dumps([asdict(run) for run in runs], indent=2)
