"""From clips to batches that depend on (seed, step) alone.

Because a batch is a pure function of its step, a run that was stopped resumes with the very batches it would have
seen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiotagger.datasets.cache import Waveforms
from audiotagger.datasets.clip import Clip
from audiotagger.training import augmentation
from audiotagger.training.distillation import STANDARDIZATION_BATCHES, TargetCache, Teacher
from audiotagger.training.recipes import SAMPLE_RATE, Recipe

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Batch:
    """waveforms: [batch, samples]; targets: "logits" [batch, n_outputs], probabilities, and with a teacher that has an
    embedding "teacher" [batch, n], the embedding standardized. The keys are the names of the model's outputs. If there
    is no teacher and not all clips are verified, "logits" has one more column: the share of each that is, in [0, 1].
    """

    waveforms: Array
    targets: dict[str, Array]


@dataclass(frozen=True)
class Examples:
    """What batches are drawn from.

    outputs: [clips], the output of the model that a clip is an example of; -1 for none (a clip without label).
    probabilities: [clips], how often a clip is drawn, they sum to 1. background: indices of clips that may sound in the
    background of others.
    """

    clips: Sequence[Clip]
    waveforms: Waveforms
    outputs: NDArray[np.integer]
    n_outputs: int
    probabilities: NDArray[np.float64]
    background: NDArray[np.integer]


class Batches:
    """Training batches; `batches[step]` is the same whenever and wherever it is asked for.

    Parameters
    ----------
    examples
        What is drawn.
    recipe
        How it is augmented and mixed. With a teacher there are `recipe.views` different views, drawn in a new order
        each time round.
    total_steps
        Of the run; without a teacher the last tenth is neither augmented nor mixed.
    seed
        Of everything random.
    teacher, cache_folder
        Who names what is in the waveforms of a batch, in place of the labels, and where its answers are kept.
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
        self._clean_from = total_steps if teacher else 0.9 * total_steps
        self._verified = np.array([clip.verified for clip in examples.clips], np.float32)
        self._cumulative = np.cumsum(examples.probabilities)
        self._targets_of = None
        if teacher is not None and cache_folder is not None:
            self._targets_of = TargetCache(teacher, cache_folder).targets
            first = [self._targets_of(i, self._draw(i, 0)[0]).embedding for i in range(STANDARDIZATION_BATCHES)]
            embeddings = np.concatenate(first)
            self._embedding_mean = embeddings.mean(axis=0)
            self._embedding_deviation = embeddings.std(axis=0) + 1e-3

    def __getitem__(self, step: int) -> Batch:
        if self._targets_of is None:
            return Batch(*self._draw(step, step))
        number = self._view_batch(step)
        waveforms, _ = self._draw(number, 0)
        taught = self._targets_of(number, waveforms)
        targets = {"logits": taught.probabilities}
        if taught.embedding.size:
            targets["teacher"] = (taught.embedding - self._embedding_mean) / self._embedding_deviation
        return Batch(waveforms, targets)

    @property
    def embedding_size(self) -> int:
        """Of the teacher; 0 if there is none, or it has none."""
        return 0 if self._targets_of is None else len(self._embedding_mean)

    def _view_batch(self, step: int) -> int:
        """Which of the `recipe.views` are seen at `step`, as the number of a batch."""
        count = max(self._recipe.views // self._recipe.batch_size, 1)
        time_round, position = divmod(step, count)
        return int(np.random.default_rng((self._seed, time_round, 1)).permutation(count)[position])

    def _draw(self, number: int, step: int) -> tuple[Array, dict[str, Array]]:
        """The waveforms and targets of batch `number`; `step` decides whether it is augmented."""
        recipe, examples, rng = self._recipe, self._examples, np.random.default_rng((self._seed, number))
        clean = step >= self._clean_from
        chosen = np.searchsorted(self._cumulative, rng.random(recipe.batch_size) * self._cumulative[-1], side="right")
        augmented = recipe.augment and not clean
        waveforms = np.stack([self._view(index, augmented, rng) for index in chosen])
        # An example of nothing has no share in any output; a teacher says what it is.
        logits = (examples.outputs[chosen, None] == np.arange(examples.n_outputs)).astype(np.float32)
        if not self._verified.all():
            logits = np.column_stack([logits, self._verified[chosen]])
        targets = {"logits": logits}
        for fraction in (recipe.mix, recipe.mix * recipe.mix_again):
            if clean or not fraction:
                continue
            size = (recipe.batch_size, 1)
            share = np.where(rng.random(size) < fraction, rng.random(size), 1).astype(np.float32)
            waveforms, targets = augmentation.mixup(waveforms, targets, share, rng.permutation(recipe.batch_size))
        return waveforms, targets

    def _view(self, index: int, augmented: bool, rng: np.random.Generator) -> Array:
        """Return one clip as [samples], augmented or not."""
        waveforms, background = self._examples.waveforms, self._examples.background
        waveform = waveforms[index]
        if not self._recipe.augment:
            return augmentation.pad(augmentation.crop(waveform, self._samples, rng), self._samples, rng)
        if not augmented:
            return np.resize(augmentation.crop(waveform, self._samples, rng), self._samples)
        longest = int(self._samples * augmentation.SPEED) + 1
        if rng.random() < 0.3:  # the length of a clip must tell nothing
            longest = int(self._samples * rng.uniform(0.1, 1))
        waveform = augmentation.crop(waveform, longest, rng)
        if rng.random() < 0.5:
            waveform = augmentation.change_speed(waveform, rng)
        waveform = augmentation.crop_or_tile(waveform, self._samples, rng)
        if rng.random() < 0.7:
            waveform = augmentation.random_eq_reverb(waveform, SAMPLE_RATE, rng)
        if rng.random() < 0.3:
            waveform = augmentation.mute_span(waveform, rng)
        if len(background) and rng.random() < 0.25:
            behind = augmentation.crop_or_tile(waveforms[rng.choice(background)], self._samples, rng)
            waveform = augmentation.add_at(waveform, behind, -rng.uniform(10, 30))
        return waveform


def draw_probabilities(clips: Sequence[Clip], shares: Sequence[tuple[slice, float]]) -> NDArray[np.float64]:
    """Return how often each clip is to be drawn.

    Parameters
    ----------
    clips
        All clips.
    shares
        Which of them make up which share of all draws; in each, `sampling_probabilities` decides. Parts without clips
        leave their share to the others.

    Returns
    -------
    [clips], they sum to 1.
    """
    probabilities = np.zeros(len(clips))
    for part, share in shares:
        if members := clips[part]:
            drawn = sampling_probabilities(members)
            probabilities[part] = share * drawn / drawn.sum()
    probabilities /= probabilities.sum()
    return probabilities


def sampling_probabilities(clips: Sequence[Clip]) -> Array:
    """How often each labelled clip is to be drawn: a label by the square root of its clips, in it a source likewise."""
    of_label = Counter(clip.label for clip in clips)
    of_source = Counter((clip.label, clip.source) for clip in clips)
    weight = {key: count**-0.5 for key, count in of_source.items()}
    total: dict[str, float] = defaultdict(float)
    for (label, source), count in of_source.items():
        total[label] += count * weight[label, source]
    return np.array([weight[c.label, c.source] / total[c.label] * of_label[c.label] ** 0.5 for c in clips], np.float32)


def prefetch(batches: Batches, steps: range, ahead: int = 4) -> Iterator[Batch]:
    """Yield the batches of `steps` in order, made `ahead` of time by a thread beside the net."""
    with ThreadPoolExecutor(1) as pool:
        futures = [pool.submit(batches.__getitem__, step) for step in steps[:ahead]]
        for step in steps:
            batch = futures.pop(0).result()
            if step + ahead * steps.step in steps:
                futures.append(pool.submit(batches.__getitem__, step + ahead * steps.step))
            yield batch
