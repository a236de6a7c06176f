"""What a run is trained on and validated with: the clips of its dataset, decoded, and its teacher."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from audiotagger.datasets.cache import Waveforms, cache_folder, decode_all
from audiotagger.datasets.clip import Clip
from audiotagger.datasets.dataset import dataset_id, read_dataset
from audiotagger.datasets.splits import hold_out
from audiotagger.errors import RunError
from audiotagger.evaluation.metrics import FEW_CLIPS
from audiotagger.training.batches import Batches, Examples, draw_probabilities
from audiotagger.training.distillation import Teacher
from audiotagger.training.progress import progress_bar
from audiotagger.training.recipes import SAMPLE_RATE, steps_per_epoch
from audiotagger.training.run_folder import Config
from audiotagger.training.validation import Validation


@dataclass(frozen=True)
class RunData:
    """The data of a run.

    Attributes
    ----------
    batches
        What it is trained on.
    epoch_steps
        Batches per epoch.
    trusted
        Whether all targets are to be believed: those of a teacher, or verified labels.
    held_out
        Clips to score it on.
    validated
        False if these are training clips, because nothing is held out; they serve to compare an export with Keras.
    """

    batches: Batches
    epoch_steps: int
    trusted: bool
    held_out: Validation
    validated: bool


def load_run_data(config: Config, run: Path, console: Console) -> RunData:
    """Read and decode the dataset of a run, and load its teacher.

    Raises
    ------
    DataError
        The dataset or the teacher cannot be used.
    RunError
        One of them has changed since the run began.
    """
    recipe = config.recipe
    if not Path(config.data).exists():
        raise RunError(f"{run}: its data, {config.data}, is gone; bring it back or start a new run without --resume")
    dataset = read_dataset(Path(config.data))
    if dataset_id(dataset) != config.data_id:
        raise RunError(f"{run}: {config.data} has changed since this run began; start a new run without --resume")
    train, validation = (dataset.train, []) if config.fold is None else hold_out(dataset.train, fold=config.fold)
    _note_few(console, run, len(validation), wanted=config.fold is not None)
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

    def waveforms(clips: Sequence[Clip]) -> Waveforms:
        return decoded.take([index_of[clip] for clip in clips])

    clips = [*train, *other, *unlabelled]
    labelled, named = len(train), len(train) + len(other)
    shares = [
        (slice(0, labelled), 1 - recipe.other - recipe.unlabelled),
        (slice(labelled, named), recipe.other),
        (slice(named, None), recipe.unlabelled),
    ]
    output_of = {label: output for output, label in enumerate(config.labels)}
    other_class = len(config.labels) if config.has_other_class else -1
    examples = Examples(
        clips,
        waveforms(clips),
        np.array([output_of.get(clip.label, other_class) for clip in (*train, *other)] + len(unlabelled) * [-1]),
        config.n_outputs,
        draw_probabilities(clips, shares),
        background=np.arange(labelled, len(clips)),
        other_output=other_class if config.has_other_class else None,
    )
    teacher = None
    if config.teacher:
        teacher = Teacher(Path(config.teacher), config.labels, config.has_other_class, SAMPLE_RATE)
        if teacher.id != config.teacher_id:
            raise RunError(f"{run}: {config.teacher} is not the teacher of this run; start a new run without --resume")
    epoch_steps = steps_per_epoch(recipe, len(train))
    drawn = examples.waveforms.names, config.labels, config.teacher_id, config.seed, recipe
    views = hashlib.sha256(repr(drawn).encode())
    targets = cache_folder() / "teacher" / views.hexdigest()[:16]
    judged = validation or train[:: max(len(train) // 32, 1)]
    return RunData(
        batches=Batches(examples, recipe, recipe.epochs * epoch_steps, config.seed, teacher, targets),
        epoch_steps=epoch_steps,
        trusted=teacher is not None or all(clip.verified for clip in clips),
        held_out=Validation(judged, waveforms(judged), dataset.labels, round(recipe.window * SAMPLE_RATE)),
        validated=bool(validation),
    )


def _note_few(console: Console, run: Path, held_out: int, wanted: bool) -> None:
    if wanted and not held_out:
        reason = "each label has only one source or group, so no clips can be held out for validation"
        console.print(f"{run}: {reason}", soft_wrap=True)
    elif 0 < held_out < FEW_CLIPS:
        console.print(f"{run}: only {held_out} clips are held out; validation scores are rough", soft_wrap=True)
