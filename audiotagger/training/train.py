"""Begin a training run, or go on with one."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from rich.console import Console

from audiotagger import __version__
from audiotagger.errors import RunError
from audiotagger.training.board import need_tensorboard
from audiotagger.training.checkpoint import steps_done
from audiotagger.training.corpus import find_data, hold_out, read_corpus
from audiotagger.training.distributed import Workers
from audiotagger.training.fit import fit
from audiotagger.training.recipes import epochs_for
from audiotagger.training.runs import RUNS, SCRATCH, Config, locked, new_config, newest_unfinished, write_text
from audiotagger.training.start import choose_start


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
    init: str | None = None,
    distributed: bool = False,
    tensorboard: bool = False,
) -> Path | None:
    """Train a net and return its run folder: `run`, else a new one under `RUNS`, or with `resume` the newest
    unfinished one of this kind there. `fold` says which clips are held out for validation, None holds out none.
    `init` is "scratch" for random weights, "pretrained" for those of the shipped net, None for what `choose_start`
    takes. Without `epochs`, `epochs_for` says how many. With `distributed` this process is one of the workers of
    TF_CONFIG; all but the chief return None, as the run folder is the chief's.

    With `tensorboard` the run folder gets TensorBoard's event files too.

    Raises DataError, ExtraError, or RunError for a run that is in the way, not there, resumed with other options, being
    trained already, or whose folder cannot be written to, and for workers that do not come, do not fit together, or go.
    """
    if tensorboard:
        need_tensorboard()
    workers = Workers.from_environment() if distributed else Workers()
    console.quiet = not workers.chief
    if resume:
        run = run or newest_unfinished(kind, arch)
        config = Config.read(run)
        if data and not workers.chief:
            config = replace(config, data=str(data.resolve()))  # every worker has its own
        asked = {"kind": kind, "arch": arch, "epochs": epochs, "seed": seed, "data": data and str(data.resolve())}
        # What these are by default says nothing: they need not be given again.
        asked |= {"teacher": None if teacher else False, "hold-out": None if fold is not None else False}
        asked["init"] = init
        began = vars(config) | {"epochs": config.recipe.epochs, "hold-out": config.fold is not None}
        began["init"] = "scratch" if config.init == SCRATCH else "pretrained"
        for name, value in asked.items():
            if value not in (None, began[name]):
                raise RunError(
                    f"{run}: this run has {name} {began[name]}, not {value}; resume it with what it began with"
                )
    else:
        run = run or RUNS / f"{kind}-{datetime.now():%Y%m%d-%H%M%S}"
        if (run / "checkpoint.npz").exists():
            raise RunError(f"{run}: holds a run already; add --resume to go on with it or give another --run")
        corpus = read_corpus(find_data(data))
        start = choose_start(kind, arch, init, corpus, teacher)
        clips = len(corpus.train if fold is None else hold_out(corpus.train, fold=fold)[0])
        recipe = replace(start.recipe, epochs=epochs or epochs_for(start.recipe, clips))
        config = new_config(kind, arch, corpus, recipe, seed or 0, teacher, fold, start.init)
        console.print(f"{run}: begins with {start.reason}", soft_wrap=True)
    if config.recipe.batch_size % workers.count:
        raise RunError(f"{workers.count} workers cannot share batches of {config.recipe.batch_size} clips evenly")
    with workers.folder(run) as own:
        own.mkdir(parents=True, exist_ok=True)
        with locked(own):
            if not resume:
                if start.net:
                    shutil.copyfile(start.net, own / "init.keras")
                write_text(own / "config.json", json.dumps(asdict(config), indent=2))
            elif not workers.chief:
                shutil.copytree(run, own, dirs_exist_ok=True)
            console.print(f"{run}: {kind} net, {config.recipe.epochs} epochs on {config.data}")
            plan = {**asdict(config), "data": None, "step": steps_done(own / "checkpoint.npz"), "version": __version__}
            try:
                with workers.together(plan, lambda missing: console.print(f"waiting for {missing}")):
                    fit(config, own, console, workers, tensorboard)
            except KeyboardInterrupt:
                console.print(f"{run}: stopped; go on with the same command and --resume")
                raise
    return run if workers.chief else None
