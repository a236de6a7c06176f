"""One training run, new or resumed, from top to bottom."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import keras
from rich.console import Console

from audiotagger.datasets.dataset import find_data, read_dataset
from audiotagger.datasets.splits import hold_out
from audiotagger.errors import RunError
from audiotagger.extras import require_extra
from audiotagger.output.files import named
from audiotagger.training.batches import Batch, prefetch
from audiotagger.training.checkpoint import State, steps_done
from audiotagger.training.initialization import choose_initialization, initial_model, set_trainable
from audiotagger.training.losses import MaskedCrossentropy
from audiotagger.training.progress import Display, TensorBoardLogger
from audiotagger.training.recipes import Recipe, epochs_for, frozen_steps, learning_rate
from audiotagger.training.run_data import load_run_data
from audiotagger.training.run_folder import (
    RUNS,
    SCRATCH,
    Config,
    locked,
    new_config,
    newest_unfinished,
    write_artifacts,
    write_history,
    write_text,
)
from audiotagger.training.workers import Workers


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
    teacher: Path | None = None,
    fold: int | None = 0,
    init: str | None = None,
    distributed: bool = False,
    tensorboard: bool = False,
) -> Path | None:
    """Train a model.

    Parameters
    ----------
    kind, arch
        "mel" or "wave"; "default" or "baseline".
    data
        A data folder or file, by default that of `find_data`.
    console
        Where progress and messages go.
    run
        The run folder, by default a new one under `RUNS`, or with `resume` the newest unfinished one of this model.
    resume
        Continue a run from its last checkpoint.
    epochs, seed
        By default those of `epochs_for` and 0, or with `resume` those of the run.
    teacher
        An ONNX model to match in place of the labels.
    fold
        Which clips are held out for validation; None holds out none.
    init
        "scratch" for random weights, "pretrained" for those of the shipped model; by default what
        `choose_initialization` takes.
    distributed
        Train as one worker of the cluster in TF_CONFIG.
    tensorboard
        Also write TensorBoard's event files.

    Returns
    -------
    The run folder; None for workers other than the chief, as the folder is the chief's.

    Raises
    ------
    DataError
        The dataset or the teacher cannot be used.
    ExtraError
        A package is missing.
    RunError
        The run is in the way, missing, damaged, in use, or has other options; its folder cannot be written to; a worker
        does not join, does not fit, or has ended.
    """
    if tensorboard:
        require_extra("tensorboard", "--tensorboard")
    workers = Workers()
    if distributed:
        from audiotagger.training.distributed import DistributedWorkers  # the only part that needs TensorFlow

        workers = DistributedWorkers.from_environment()
    console.quiet = not workers.chief
    if resume:
        run = run or newest_unfinished(kind, arch, data)
        config = Config.read(run)
        if data and not workers.chief:
            config = replace(config, data=str(data.resolve()))  # every worker has its own
        asked = {"kind": kind, "arch": arch, "epochs": epochs, "seed": seed, "data": data and str(data.resolve())}
        # Options left at their defaults need not be given again.
        asked |= {"teacher": teacher and str(teacher.resolve()), "hold-out": None if fold is not None else False}
        asked["init"] = init
        began = vars(config) | {"epochs": config.recipe.epochs, "hold-out": config.fold is not None}
        began["init"] = "scratch" if config.init == SCRATCH else "pretrained"
        for name, value in asked.items():
            if value not in (None, began[name]):
                raise RunError(
                    f"{run}: this run has {name} {began[name]}, not {value}; "
                    "resume it with its own options, or name another run with --output"
                )
    else:
        run = run or RUNS / f"{kind}-{datetime.now():%Y%m%d-%H%M%S}"
        if (run / "checkpoint.npz").exists() or (run / "result.json").exists():
            raise RunError(f"{run}: holds a run already; add --resume to continue it or give another --output")
        dataset = read_dataset(find_data(data))
        start = choose_initialization(kind, arch, init, dataset, has_teacher=teacher is not None)
        clips = len(dataset.train if fold is None else hold_out(dataset.train, fold=fold)[0])
        recipe = replace(start.recipe, epochs=epochs or epochs_for(start.recipe, clips))
        config = new_config(kind, arch, dataset, recipe, seed or 0, teacher, fold, start.init)
        console.print(f"{run}: {start.reason}", soft_wrap=True)
    if config.recipe.batch_size % workers.count:
        raise RunError(f"{workers.count} workers cannot split batches of {config.recipe.batch_size} clips evenly")
    with workers.folder(run) as own:
        own.mkdir(parents=True, exist_ok=True)
        with locked(own):
            if not resume:
                if start.pretrained:
                    with named(own / "init.keras"):
                        shutil.copyfile(start.pretrained, own / "init.keras")
                write_text(own / "config.json", json.dumps(asdict(config), indent=2))
            elif not workers.chief:
                shutil.copytree(run, own, dirs_exist_ok=True)
            console.print(f"{run}: {kind} model, epochs: {config.recipe.epochs}, data: {config.data}", soft_wrap=True)
            plan = {**asdict(config), "step": steps_done(own / "checkpoint.npz")}
            del plan["data"], plan["teacher"]  # each worker has its own; they are compared by their ids
            if workers.count > 1:
                console.print(f"{run}: waiting for {workers.count} workers to join")
            try:
                with workers.cluster(plan):
                    fit(config, own, console, workers, tensorboard)
            except KeyboardInterrupt:
                console.print(f"{run}: stopped; resume with the same command and --resume")
                raise
    return run if workers.chief else None


def fit(config: Config, run: Path, console: Console, workers: Workers, tensorboard: bool = False) -> None:
    """Train a model into a run folder, from its last checkpoint if it has one.

    All workers do this at once, each in a folder of its own and with the same result.

    Parameters
    ----------
    config, run
        The run.
    console
        Where progress and messages go.
    workers
        The processes that train together.
    tensorboard
        Also write TensorBoard's event files.

    Raises
    ------
    DataError
        The dataset or the teacher cannot be used.
    RunError
        The run cannot be resumed, or its folder cannot be written to.
    """
    keras.utils.set_random_seed(config.seed)
    recipe = config.recipe
    data = load_run_data(config, run, console)
    batches, held_out = data.batches, data.held_out
    epoch_steps, total_steps = data.epoch_steps, recipe.epochs * data.epoch_steps

    model = initial_model(config, run, batches.embedding_size)
    crossentropy = keras.losses.CategoricalCrossentropy(from_logits=True)
    masked = MaskedCrossentropy(recipe.loss_mask_threshold, workers.global_max)
    loss: dict[str, Any] = {"logits": crossentropy if data.trusted else masked}
    weights = {"logits": 1.0}
    if batches.embedding_size:
        loss["teacher"], weights["teacher"] = "mean_squared_error", recipe.teacher_weight
    averaged = keras.models.clone_model(model)
    student = keras.Model(averaged.input, averaged.output["logits"], name=averaged.name)
    # XLA makes TensorFlow slower on a CPU; JAX cannot do without it.
    jit_compile = keras.backend.backend() == "jax"
    student.jit_compile = jit_compile
    model = workers.replica(model)

    def begin_phase(frozen: bool) -> tuple[keras.optimizers.Optimizer, Callable[[Batch], float]]:
        set_trainable(model, frozen)
        with workers.scope():
            optimizer = keras.optimizers.AdamW(recipe.learning_rate, weight_decay=recipe.weight_decay)
            optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
            optimizer.build(model.trainable_variables)
            model.compile(optimizer=optimizer, loss=loss, loss_weights=weights, jit_compile=jit_compile)
        return optimizer, workers.train_step(model)

    checkpoint = run / "checkpoint.npz"
    first, frozen_until = steps_done(checkpoint), frozen_steps(recipe, total_steps)
    # A checkpoint of the last frozen step has the optimizer of the frozen ones.
    optimizer, train_step = begin_phase(frozen=0 < frozen_until >= first)
    state = State(model, optimizer)
    if checkpoint.exists():
        state.load(checkpoint)
        write_history(run, state.history)  # which may be an epoch behind
    tensorboard_logger = TensorBoardLogger(run / "tensorboard" if tensorboard else None, model)
    for row in state.history:
        state.optimizer.learning_rate.assign(learning_rate(recipe, row["epoch"] * epoch_steps - 1, total_steps))
        tensorboard_logger.epoch(row)
    with Display(console, config.kind, recipe.epochs, total_steps) as display:
        display.begin(state.step, state.history)
        started, loss_sum = time.monotonic(), 0.0
        last = first if _out_of_patience(recipe, state.history) else total_steps
        for step, batch in zip(range(first, last), prefetch(batches, range(first, last)), strict=False):
            if step == frozen_until > 0:
                state.optimizer, train_step = begin_phase(frozen=False)
            state.optimizer.learning_rate.assign(learning_rate(recipe, step, total_steps))
            step_loss = train_step(batch)
            if not math.isfinite(step_loss):
                remedy = f"check {config.data} with `audiotagger data validate`"
                raise RunError(f"{run}: the loss of step {step} is not finite; {remedy}")
            loss_sum += step_loss
            state.step = step + 1
            if recipe.ema:
                state.average(recipe.ema)
            display.step(state.step, step_loss)
            if state.step % epoch_steps:
                continue
            averaged.set_weights(state.averages if recipe.ema else model.get_weights())
            summary: dict[str, float] = {}
            if data.validated:
                scores = held_out.scores(held_out.logits(student))
                summary = {"loss": held_out.loss(scores), **held_out.summary(scores)}
            summary = workers.mean(summary)
            seconds = time.monotonic() - started
            row = {
                "epoch": state.step // epoch_steps,
                "loss": round(loss_sum / epoch_steps, 5),
                **{f"val_{name}": round(value, 5) for name, value in summary.items()},
                "clips_per_second": round((state.step - first) * recipe.batch_size / seconds, 1),
            }
            loss_sum = 0.0
            state.history.append(row)
            if not recipe.ema and (not recipe.patience or _best_epoch(state.history) == len(state.history)):
                state.averages = averaged.get_weights()
            state.save(checkpoint)
            write_history(run, state.history)
            tensorboard_logger.epoch(row)
            display.epoch(state.history)
            if _out_of_patience(recipe, state.history):
                break

    tensorboard_logger.close()
    averaged.set_weights(state.averages)
    write_artifacts(run, config, student, held_out, data.validated, state.history)


def _best_epoch(history: list[dict[str, Any]]) -> int:
    """Return the first epoch of the best validation top-1; the last one where nothing is held out."""
    top1 = [row.get("val_top1", row["epoch"]) for row in history]
    return top1.index(max(top1)) + 1


def _out_of_patience(recipe: Recipe, history: list[dict[str, Any]]) -> bool:
    return bool(recipe.patience and history and len(history) - _best_epoch(history) >= recipe.patience)
