"""From clips to batches that depend on (seed, step) alone.

Because a batch is a pure function of its step, a run that was killed goes on with the very batches it would have
seen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audiotagger.datasets.clip import Clip
from audiotagger.training import augmentation
from audiotagger.training.cache import Waveforms
from audiotagger.training.distillation import Teacher
from audiotagger.training.recipes import Recipe

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Batch:
    """waveforms: [batch, samples]; targets: "logits" [batch, n_outputs], probabilities, and with a teacher "teacher"
    [batch, n], its features. The keys are the names of the net's outputs. If not all clips are verified, "logits" has
    one more column: the share of each that is, in [0, 1].
    """

    waveforms: Array
    targets: dict[str, Array]


class Batches:
    """Training batches; `batches[step]` is the same whenever and wherever it is asked for."""

    def __init__(
        self,
        clips: Sequence[Clip],
        waveforms: Waveforms,
        outputs: NDArray[np.integer],
        n_outputs: int,
        teacher: Teacher | None,
        recipe: Recipe,
        sample_rate: int,
        total_steps: int,
        seed: int,
    ) -> None:
        """outputs: [clips], the output that a clip is to raise; -1 if there is only the teacher's word for it."""
        self._waveforms, self._teacher, self._recipe = waveforms, teacher, recipe
        self._sample_rate, self._samples = sample_rate, round(recipe.seconds * sample_rate)
        self._total_steps, self._seed = total_steps, seed
        self._outputs, self._n_outputs = outputs, n_outputs
        self._verified = np.array([clip.verified for clip in clips], np.float32)
        labelled = np.array([bool(clip.label) for clip in clips])
        self._other = np.flatnonzero(~labelled & (outputs >= 0))
        probabilities = np.zeros(len(clips))
        probabilities[labelled] = sampling_probabilities([c for c in clips if c.label]) if recipe.augment else 1
        for pool, share in ((self._other, recipe.other), (np.flatnonzero(outputs < 0), recipe.unlabelled)):
            probabilities[pool] = share / max(len(pool), 1)
        probabilities[labelled] *= (1 - probabilities[~labelled].sum()) / probabilities[labelled].sum()
        self._probabilities = probabilities

    def __getitem__(self, step: int) -> Batch:
        recipe, rng = self._recipe, np.random.default_rng((self._seed, step))
        clean = step >= 0.9 * self._total_steps
        chosen = rng.choice(len(self._probabilities), recipe.batch_size, p=self._probabilities)
        augmented = recipe.augment and not clean
        waveforms = np.stack([self._hear(index, augmented, rng) for index in chosen])
        targets = self._targets(chosen)
        if recipe.mix and not clean:
            size = (recipe.batch_size, 1)
            share = np.where(rng.random(size) < recipe.mix, rng.random(size), 1).astype(np.float32)
            waveforms, targets = augmentation.mixup(waveforms, targets, share, rng.permutation(recipe.batch_size))
        return Batch(waveforms, targets)

    def _hear(self, index: int, augmented: bool, rng: np.random.Generator) -> Array:
        waveform = self._waveforms[index]
        if not self._recipe.augment:
            return augmentation.pad(augmentation.crop(waveform, self._samples, rng), self._samples, rng)
        if not augmented:
            return np.resize(augmentation.crop(waveform, self._samples, rng), self._samples)
        longest = int(self._samples * augmentation.SPEED) + 1
        if rng.random() < 0.3:  # how long a clip is says nothing
            longest = int(self._samples * rng.uniform(0.1, 1))
        waveform = augmentation.crop(waveform, longest, rng)
        if rng.random() < 0.5:
            waveform = augmentation.change_speed(waveform, rng)
        waveform = augmentation.crop_or_tile(waveform, self._samples, rng)
        if rng.random() < 0.7:
            waveform = augmentation.random_eq_reverb(waveform, self._sample_rate, rng)
        if rng.random() < 0.3:
            waveform = augmentation.mute_span(waveform, rng)
        if len(self._other) and rng.random() < 0.25:
            background = augmentation.crop_or_tile(self._waveforms[rng.choice(self._other)], self._samples, rng)
            below = 10 ** (-rng.uniform(10, 30) / 20)
            waveform = waveform + background * (below * augmentation.rms(waveform) / augmentation.rms(background))
        return waveform

    def _targets(self, chosen: NDArray[np.intp]) -> dict[str, Array]:
        logits = np.eye(self._n_outputs, dtype=np.float32)[self._outputs[chosen]]
        if self._teacher is not None:
            unlabelled = self._outputs[chosen] < 0
            logits[unlabelled] = self._teacher.soft_labels[chosen[unlabelled]]
        if not self._verified.all():
            logits = np.column_stack([logits, self._verified[chosen]])
        return (
            {"logits": logits}
            if self._teacher is None
            else {"logits": logits, "teacher": self._teacher.features[chosen]}
        )


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
