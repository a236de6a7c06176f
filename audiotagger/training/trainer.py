"""One training run, begun or gone on with, from top to bottom."""

from __future__ import annotations

import hashlib
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
import numpy as np
from rich.console import Console

from audiotagger.datasets.cache import cache_folder, decode_all
from audiotagger.datasets.dataset import dataset_id, find_data, read_dataset
from audiotagger.datasets.splits import hold_out
from audiotagger.errors import RunError
from audiotagger.evaluation.metrics import FEW_CLIPS
from audiotagger.extras import require_extra
from audiotagger.training.batches import Batch, Batches, Examples, draw_probabilities, prefetch
from audiotagger.training.checkpoint import State, steps_done
from audiotagger.training.distillation import Teacher
from audiotagger.training.distributed import Workers
from audiotagger.training.initialization import choose_initialization, initial_model, set_trainable
from audiotagger.training.losses import MaskedCrossentropy
from audiotagger.training.progress import Display, TensorBoardLogger, progress_bar
from audiotagger.training.recipes import SAMPLE_RATE, Recipe, epochs_for, frozen_steps, learning_rate, steps_per_epoch
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
from audiotagger.training.validation import Validation


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
    """Train a model and return its run folder: `run`, else a new one under `RUNS`, or with `resume` the newest
    unfinished one of this kind there. `fold` says which clips are held out for validation, None holds out none.
    `teacher` is an ONNX file to match in place of the labels. `init` is "scratch" for random weights, "pretrained" for
    those of the shipped model, None for what `choose_initialization` takes. Without `epochs`, `epochs_for` says how
    many. With `distributed` this process is one of the workers of TF_CONFIG; all but the chief return None, as the run
    folder is the chief's.

    With `tensorboard` the run folder gets TensorBoard's event files too.

    Raises DataError, ExtraError, or RunError for a run that is in the way, not there, resumed with other options, being
    trained already, or whose folder cannot be written to, and for workers that do not come, do not fit together, or go.
    """
    if tensorboard:
        require_extra("tensorboard", "--tensorboard")
    workers = Workers.from_environment() if distributed else Workers()
    console.quiet = not workers.chief
    if resume:
        run = run or newest_unfinished(kind, arch)
        config = Config.read(run)
        if data and not workers.chief:
            config = replace(config, data=str(data.resolve()))  # every worker has its own
        asked = {"kind": kind, "arch": arch, "epochs": epochs, "seed": seed, "data": data and str(data.resolve())}
        # What these are by default says nothing: they need not be given again.
        asked |= {"teacher": teacher and str(teacher.resolve()), "hold-out": None if fold is not None else False}
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
            raise RunError(f"{run}: holds a run already; add --resume to continue it or give another --output")
        dataset = read_dataset(find_data(data))
        start = choose_initialization(kind, arch, init, dataset, has_teacher=teacher is not None)
        clips = len(dataset.train if fold is None else hold_out(dataset.train, fold=fold)[0])
        recipe = replace(start.recipe, epochs=epochs or epochs_for(start.recipe, clips))
        config = new_config(kind, arch, dataset, recipe, seed or 0, teacher, fold, start.init)
        console.print(f"{run}: {start.reason}", soft_wrap=True)
    if config.recipe.batch_size % workers.count:
        raise RunError(f"{workers.count} workers cannot share batches of {config.recipe.batch_size} clips evenly")
    with workers.folder(run) as own:
        own.mkdir(parents=True, exist_ok=True)
        with locked(own):
            if not resume:
                if start.pretrained:
                    shutil.copyfile(start.pretrained, own / "init.keras")
                write_text(own / "config.json", json.dumps(asdict(config), indent=2))
            elif not workers.chief:
                shutil.copytree(run, own, dirs_exist_ok=True)
            console.print(f"{run}: {kind} net, {config.recipe.epochs} epochs on {config.data}")
            plan = {**asdict(config), "step": steps_done(own / "checkpoint.npz")}
            del plan["data"], plan["teacher"]  # each worker has its own; they are compared by their ids
            if workers.count > 1:
                console.print(f"{run}: waiting for {workers.count} workers to join")
            try:
                with workers.cluster(plan):
                    fit(config, own, console, workers, tensorboard)
            except KeyboardInterrupt:
                console.print(f"{run}: stopped; go on with the same command and --resume")
                raise
    return run if workers.chief else None


def fit(config: Config, run: Path, console: Console, workers: Workers, tensorboard: bool = False) -> None:
    """Train a net as `config` says into the folder `run`, going on from its last checkpoint if it has one.
    With `tensorboard` the folder gets event files too.

    All `workers` do so at once, each into a folder of its own; what they write there is the same. Where nothing can be
    held out it says so and trains on all. Raises DataError for data that cannot be used, RunError for a run that cannot
    be resumed or whose folder cannot be written to.
    """
    keras.utils.set_random_seed(config.seed)
    recipe = config.recipe
    dataset = read_dataset(Path(config.data))
    if dataset_id(dataset) != config.data_id:
        raise RunError(f"{run}: {config.data} is not the data this run began with; start a new run without --resume")
    train, validation = (dataset.train, []) if config.fold is None else hold_out(dataset.train, fold=config.fold)
    if config.fold is not None and not validation:
        console.print(
            f"{run}: each label has only one source or group; none is held out to judge the net by, all are trained on",
            soft_wrap=True,
        )
    if 0 < len(validation) < FEW_CLIPS:
        console.print(f"{run}: only {len(validation)} clips are held out; validation scores are rough", soft_wrap=True)
    other = dataset.other if recipe.other else ()
    unlabelled = dataset.unlabelled if config.teacher else ()
    everything = [*dataset.train, *other, *unlabelled]
    with progress_bar(console) as progress:
        task = progress.add_task("decode", total=None)
        decoded = decode_all(
            everything, SAMPLE_RATE, lambda done, total: progress.update(task, completed=done, total=total)
        )
        progress.remove_task(task)
    index_of = {clip: index for index, clip in enumerate(everything)}
    clips = [*train, *other, *unlabelled]
    first_other, first_unlabelled = len(train), len(train) + len(other)
    rest_share = 1 - recipe.other - recipe.unlabelled
    output_of = {label: output for output, label in enumerate(config.labels)}
    other_class = len(config.labels) if config.has_other_class else -1
    examples = Examples(
        clips,
        decoded.take([index_of[clip] for clip in clips]),
        np.array([output_of.get(clip.label, other_class) for clip in (*train, *other)] + len(unlabelled) * [-1]),
        config.n_outputs,
        draw_probabilities(
            clips,
            [
                (slice(0, first_other), rest_share),
                (slice(first_other, first_unlabelled), recipe.other),
                (slice(first_unlabelled, None), recipe.unlabelled),
            ],
        ),
        np.arange(first_other, len(clips)),
    )
    teacher = None
    if config.teacher:
        teacher = Teacher(Path(config.teacher), config.labels, config.has_other_class, SAMPLE_RATE)
        if teacher.id != config.teacher_id:
            raise RunError(f"{run}: {config.teacher} is not the teacher this run began with; start a new run")

    epoch_steps = steps_per_epoch(recipe, len(train))
    total_steps = recipe.epochs * epoch_steps
    views_id = hashlib.sha256(f"{config.data_id}{config.teacher_id}{config.fold}{config.seed}{recipe}".encode())
    batches = Batches(
        examples, recipe, total_steps, config.seed, teacher, cache_folder() / "teacher" / views_id.hexdigest()[:16]
    )
    # With nothing held out, some training clips stand in where an export will be compared with Keras.
    judged = validation or train[:: max(len(train) // 32, 1)]
    held_out = Validation(
        judged,
        decoded.take([index_of[clip] for clip in judged]),
        dataset.labels,
        round(recipe.window * SAMPLE_RATE),
    )

    net = initial_model(config, run, batches.embedding_size)
    trust_labels = teacher is not None or all(clip.verified for clip in clips)
    crossentropy = keras.losses.CategoricalCrossentropy(from_logits=True)
    loss: dict[str, Any] = {"logits": crossentropy if trust_labels else MaskedCrossentropy(recipe.loss_mask_threshold)}
    weights = {"logits": 1.0}
    if batches.embedding_size:
        loss["teacher"], weights["teacher"] = "mean_squared_error", recipe.teacher_weight
    net = workers.replica(net)
    with workers.strategy.scope():
        optimizer = keras.optimizers.AdamW(recipe.learning_rate, weight_decay=recipe.weight_decay)
        optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
        optimizer.build(net.trainable_variables)

    def begin_phase(heads_alone: bool) -> Callable[[Batch], float]:
        set_trainable(net, heads_alone)
        with workers.strategy.scope():
            net.compile(optimizer=optimizer, loss=loss, loss_weights=weights)
        return workers.train_step(net)

    averaged = keras.models.clone_model(net)
    student = keras.Model(averaged.input, averaged.output["logits"], name=averaged.name)
    state = State(net, optimizer)

    if (run / "checkpoint.npz").exists():
        state.load(run / "checkpoint.npz")
        write_history(run, state.history)  # which may be an epoch behind
    tensorboard_logger = TensorBoardLogger(run / "tensorboard" if tensorboard else None, net)
    for row in state.history:
        optimizer.learning_rate.assign(learning_rate(recipe, row["epoch"] * epoch_steps - 1, total_steps))
        tensorboard_logger.epoch(row)
    with Display(console, config.kind, recipe.epochs, total_steps) as display:
        display.begin(state.step, state.history)
        first, began, loss_sum = state.step, time.monotonic(), 0.0
        last = first if _out_of_patience(recipe, state.history) else total_steps
        heads_alone_until = frozen_steps(recipe, total_steps)
        train_step = begin_phase(heads_alone=first < heads_alone_until)
        for step, batch in zip(range(first, last), prefetch(batches, range(first, last)), strict=False):
            if step == heads_alone_until > 0:
                state.reset_optimizer()
                train_step = begin_phase(heads_alone=False)
            optimizer.learning_rate.assign(learning_rate(recipe, step, total_steps))
            step_loss = train_step(batch)
            if not math.isfinite(step_loss):
                raise RunError(f"{run}: the loss of step {step} is no number; look for broken clips in {config.data}")
            loss_sum += step_loss
            state.step = step + 1
            if recipe.ema:
                state.average(recipe.ema)
            display.step(state.step, step_loss)
            if state.step % epoch_steps:
                continue
            averaged.set_weights(state.averages if recipe.ema else net.get_weights())
            summary = held_out.summary(held_out.scores(held_out.logits(student))) if validation else {}
            summary = workers.agree(summary)
            seconds = time.monotonic() - began
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
            state.save(run / "checkpoint.npz")
            write_history(run, state.history)
            tensorboard_logger.epoch(row)
            display.epoch(state.history)
            if _out_of_patience(recipe, state.history):
                break

    tensorboard_logger.close()
    averaged.set_weights(state.averages)
    write_artifacts(run, config, student, held_out, judged=bool(validation))


def _best_epoch(history: list[dict[str, Any]]) -> int:
    """The first epoch of the best validation top-1; the last one where nothing is held out."""
    top1 = [row.get("val_top1", row["epoch"]) for row in history]
    return top1.index(max(top1)) + 1


def _out_of_patience(recipe: Recipe, history: list[dict[str, Any]]) -> bool:
    return bool(recipe.patience and history and len(history) - _best_epoch(history) >= recipe.patience)
