"""Training runs in a list: how far they are and how they do. Needs no tensorflow."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from audiotagger.errors import RunError
from audiotagger.training.runs import Config
from audiotagger.writers import printable


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
