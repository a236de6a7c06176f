"""Sample clips, augment them and assemble batches.

A batch is a function of seed and step alone, so a resumed run sees the same batches as an uninterrupted one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiotagger.audio.types import Array
from audiotagger.datasets.cache import Waveforms
from audiotagger.datasets.clip import Clip
from audiotagger.training import augmentation
from audiotagger.training.distillation import STANDARDIZATION_BATCHES, Teacher, cached_targets
from audiotagger.training.recipes import AUGMENTATION, SAMPLE_RATE, Recipe


@dataclass(frozen=True)
class Batch:
    """The inputs of a training step and their targets."""

    waveforms: Array
    """[batch, samples]"""
    targets: dict[str, Array]
    """By the name of the model's output. "logits": [batch, n_outputs], probabilities; without a teacher, and if not all
    clips are verified, followed by the verified share of each, in [0, 1]. "teacher", with a teacher that has an
    embedding: [batch, n], the embedding standardized."""


@dataclass(frozen=True)
class Examples:
    """The clips that batches are drawn from."""

    clips: Sequence[Clip]
    waveforms: Waveforms
    """The same clips, decoded."""
    outputs: NDArray[np.integer]
    """[clips], the index of the model's output for each clip's label; -1 for a clip without label."""
    n_outputs: int
    """Number of outputs of the model."""
    probabilities: NDArray[np.float64]
    """[clips], sampling probabilities; they sum to 1."""
    background: NDArray[np.integer]
    """Indices of the clips that may be mixed in as background."""
    other_output: int | None = None
    """Index of the model's output for none of the labels, if it has one."""


class Batches:
    """The batches of a run: `batches[step]` is the same in every process.

    Parameters
    ----------
    examples
        The clips.
    recipe
        Of the run. With a teacher there are `recipe.views` different views, repeated in a new order.
    total_steps
        Of the run. Without a teacher the last ones are neither augmented nor mixed.
    seed
        Random seed for sampling and augmentation.
    teacher
        The model whose outputs replace the labels as targets, if any.
    cache_folder
        Where its outputs are cached; required with a teacher.

    Raises
    ------
    DataError
        The cache folder cannot be written to; also raised by `batches[step]`.
    """

    def __init__(
        self,
        examples: Examples,
        recipe: Recipe,
        total_steps: int,
        seed: int,
        teacher: Teacher | None = None,
        cache_folder: Path | None = None,
    ) -> None:
        self._examples, self._recipe, self._seed = examples, recipe, seed
        self._samples = round(recipe.seconds * SAMPLE_RATE)
        self._clean_from = total_steps if teacher else AUGMENTATION.fraction_of_steps * total_steps
        self._verified = np.array([clip.verified for clip in examples.clips], np.float32)
        self._cumulative = np.cumsum(examples.probabilities)
        self._targets_of = None
        if teacher is not None and cache_folder is not None:
            self._targets_of = partial(cached_targets, teacher, cache_folder)
            first = [self._targets_of(i, self._draw(i, 0)[0]).embedding for i in range(STANDARDIZATION_BATCHES)]
            embeddings = np.concatenate(first)
            self._embedding_mean = embeddings.mean(axis=0)
            self._embedding_deviation = embeddings.std(axis=0) + 1e-3

    def __getitem__(self, step: int) -> Batch:
        if self._targets_of is None:
            waveforms, targets, _ = self._draw(step, step)
            return Batch(waveforms, targets)
        number = self._view_batch(step)
        waveforms, labels, synthetic = self._draw(number, 0)
        predicted = self._targets_of(number, waveforms)
        # What was made to be no sound of any label needs no teacher, who never met such sounds.
        targets = {
            "logits": np.where(
                synthetic[:, None], labels["logits"][:, : self._examples.n_outputs], predicted.probabilities
            )
        }
        if predicted.embedding.size:
            targets["teacher"] = (predicted.embedding - self._embedding_mean) / self._embedding_deviation
        return Batch(waveforms, targets)

    @property
    def embedding_size(self) -> int:
        """Size of the teacher's embedding; 0 if there is no teacher or it has no embedding."""
        return 0 if self._targets_of is None else len(self._embedding_mean)

    def _view_batch(self, step: int) -> int:
        """Return the number of the batch of views at `step`."""
        count = max(self._recipe.views // self._recipe.batch_size, 1)
        repetition, position = divmod(step, count)
        return int(np.random.default_rng((self._seed, repetition, 1)).permutation(count)[position])

    def _draw(self, number: int, step: int) -> tuple[Array, dict[str, Array], NDArray[np.bool_]]:
        """Return waveforms and targets of batch `number`, and which of them are synthetic.

        `step` decides whether they are augmented and mixed.
        """
        recipe, examples, rng = self._recipe, self._examples, np.random.default_rng((self._seed, number))
        clean = step >= self._clean_from
        chosen = np.searchsorted(self._cumulative, rng.random(recipe.batch_size) * self._cumulative[-1], side="right")
        augmented = recipe.augment and not clean
        outputs, verified = examples.outputs[chosen], self._verified[chosen]
        synthetic = np.zeros(recipe.batch_size, bool)
        if augmented and examples.other_output is not None:
            synthetic = rng.random(recipe.batch_size) < recipe.synthetic
            outputs, verified = np.where(synthetic, examples.other_output, outputs), np.maximum(verified, synthetic)
        waveforms = np.stack(
            [
                augmentation.synthesize(self._samples, SAMPLE_RATE, rng) if made else self._view(index, augmented, rng)
                for index, made in zip(chosen, synthetic, strict=True)
            ]
        )
        # A clip without label is zero in all outputs; only a teacher gives it targets.
        logits = (outputs[:, None] == np.arange(examples.n_outputs)).astype(np.float32)
        if not self._verified.all():
            logits = np.column_stack([logits, verified])
        targets = {"logits": logits}
        for fraction in (recipe.mix, recipe.mix * recipe.mix_again):
            if clean or not fraction:
                continue
            size = (recipe.batch_size, 1)
            mixed = (rng.random(size) < fraction) & ~synthetic[:, None]
            share = np.where(mixed, rng.random(size), 1).astype(np.float32)
            waveforms, targets = augmentation.mixup(waveforms, targets, share, rng.permutation(recipe.batch_size))
        return waveforms, targets, synthetic

    def _view(self, index: int, augmented: bool, rng: np.random.Generator) -> Array:
        """Return one clip as [samples], augmented or not."""
        waveforms, background = self._examples.waveforms, self._examples.background
        waveform = waveforms[index]
        if not self._recipe.augment:
            return augmentation.pad(augmentation.crop(waveform, self._samples, rng), self._samples, rng)
        if not augmented:
            return np.resize(augmentation.crop(waveform, self._samples, rng), self._samples)
        longest = int(self._samples * AUGMENTATION.max_speed) + 1
        if rng.random() < AUGMENTATION.shorten:
            longest = int(self._samples * rng.uniform(*AUGMENTATION.shorten_to))
        waveform = augmentation.crop(waveform, longest, rng)
        if rng.random() < AUGMENTATION.change_speed:
            waveform = augmentation.change_speed(waveform, rng)
        waveform = augmentation.crop_or_tile(waveform, self._samples, rng)
        if rng.random() < AUGMENTATION.eq_reverb:
            waveform = augmentation.random_eq_reverb(waveform, SAMPLE_RATE, rng)
        if rng.random() < AUGMENTATION.mute:
            waveform = augmentation.mute_span(waveform, rng)
        if len(background) and rng.random() < AUGMENTATION.background:
            behind = augmentation.crop_or_tile(waveforms[rng.choice(background)], self._samples, rng)
            waveform = augmentation.add_at(waveform, behind, -rng.uniform(*AUGMENTATION.background_db))
        return waveform


def draw_probabilities(clips: Sequence[Clip], shares: Sequence[tuple[slice, float]]) -> NDArray[np.float64]:
    """Return the sampling probabilities of clips of which some parts have a fixed share.

    Parameters
    ----------
    clips
        All clips.
    shares
        Parts of the clips, each with its share of all draws; within it `sampling_probabilities` apply. A part without
        clips leaves its share to the others.

    Returns
    -------
    NDArray
        [clips]; they sum to 1.
    """
    probabilities = np.zeros(len(clips))
    for part, share in shares:
        if members := clips[part]:
            relative = sampling_probabilities(members)
            probabilities[part] = share * relative / relative.sum()
    probabilities /= probabilities.sum()
    return probabilities


def sampling_probabilities(clips: Sequence[Clip]) -> Array:
    """Return relative sampling probabilities with which frequent labels and sources do not dominate.

    A label's is the square root of its number of clips; within a label, so is that of a source.

    Parameters
    ----------
    clips
        Clips; those without label count as one label.

    Returns
    -------
    NDArray
        [clips], not normalized.
    """
    of_label = Counter(clip.label for clip in clips)
    of_source = Counter((clip.label, clip.source) for clip in clips)
    weight = {key: count**-0.5 for key, count in of_source.items()}
    total: dict[str, float] = defaultdict(float)
    for (label, source), count in of_source.items():
        total[label] += count * weight[label, source]
    return np.array([weight[c.label, c.source] / total[c.label] * of_label[c.label] ** 0.5 for c in clips], np.float32)


def prefetch(batches: Batches, steps: range, ahead: int = 4) -> Iterator[Batch]:
    """Yield the batches of `steps` in order, prepared in a thread up to `ahead` batches in advance."""
    with ThreadPoolExecutor(1) as pool:
        futures = [pool.submit(batches.__getitem__, step) for step in steps[:ahead]]
        for step in steps:
            batch = futures.pop(0).result()
            if step + ahead * steps.step in steps:
                futures.append(pool.submit(batches.__getitem__, step + ahead * steps.step))
            yield batch
