"""Begin a training run, or go on with one."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from rich.console import Console

from audiotagger.errors import RunError
from audiotagger.training.board import need_tensorboard
from audiotagger.training.corpus import find_data
from audiotagger.training.fit import fit
from audiotagger.training.recipes import RECIPES
from audiotagger.training.runs import RUNS, Config, locked, new_config, newest_unfinished, write_text


def train(
    kind: str,
    data: Path | None,
    console: Console,
    *,
    arch: str = "default",
    run: Path | None = None,
    resume: bool = False,
    epochs: int | None = None,
    seed: int | None = None,
    teacher: bool = True,
    fold: int | None = 0,
    init: Path | None = None,
    tensorboard: bool = False,
) -> Path:
    """Train a net and return its run folder: `run`, else a new one under `RUNS`, or with `resume` the newest
    unfinished one of this kind there. `fold` says which clips are held out for validation, None holds out none.
    `init` is a .keras file of the same net whose weights are where it begins.

    With `tensorboard` the run folder gets TensorBoard's event files too.

    Raises DataError, ExtraError, or RunError for a run that is in the way, not there, resumed with other options, being
    trained already, or whose folder cannot be written to.
    """
    if tensorboard:
        need_tensorboard()
    if resume:
        run = run or newest_unfinished(kind, arch)
        config = Config.read(run)
        asked = {"kind": kind, "arch": arch, "epochs": epochs, "seed": seed, "data": data and str(data.resolve())}
        # What these are by default says nothing: they need not be given again.
        asked |= {"teacher": None if teacher else False, "hold-out": None if fold is not None else False}
        began = vars(config) | {"epochs": config.recipe.epochs, "hold-out": config.fold is not None}
        for name, value in asked.items():
            if value not in (None, began[name]):
                raise RunError(
                    f"{run}: this run has {name} {began[name]}, not {value}; resume it with what it began with"
                )
    else:
        run = run or RUNS / f"{kind}-{datetime.now():%Y%m%d-%H%M%S}"
        if (run / "checkpoint.npz").exists():
            raise RunError(f"{run}: holds a run already; add --resume to go on with it or give another --run")
        if init and arch != "default":
            raise RunError(f"--arch {arch}: no shipped net of this architecture to begin with; use --init scratch")
        recipe = RECIPES[kind, arch]
        # What is known already would be lost at the full rate.
        rate = recipe.learning_rate / (2 if init else 1)
        recipe = replace(recipe, epochs=epochs or recipe.epochs, learning_rate=rate)
        config = new_config(kind, arch, find_data(data), recipe, seed or 0, teacher, fold)
        run.mkdir(parents=True, exist_ok=True)
    with locked(run):
        if init and not resume:
            shutil.copyfile(init, run / "init.keras")
        if not resume:
            write_text(run / "config.json", json.dumps(asdict(config), indent=2))
        console.print(f"{run}: {kind} net, {config.recipe.epochs} epochs on {config.data}")
        try:
            fit(config, run, console, tensorboard)
        except KeyboardInterrupt:
            console.print(f"{run}: stopped; go on with the same command and --resume")
            raise
    return run
