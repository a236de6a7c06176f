"""From clips to batches: decode once, keep the waveforms, draw batches that depend on (seed, step) alone.

Because a batch is a pure function of its step, a run that was killed goes on with the very batches it would have
seen.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiotagger.audio import read_waveform
from audiotagger.errors import DataError
from audiotagger.training import augment
from audiotagger.training.corpus import Clip, Corpus
from audiotagger.training.recipes import Recipe

Array = NDArray[np.float32]


FLOAT16_RANGE = (-65_504.0, 65_504.0)


class Waveforms:
    """The decoded clips, float16 in one memory-mapped array: `waveforms[i]` is float32 [samples]."""

    def __init__(self, samples: NDArray[np.float16], ends: NDArray[np.int64]) -> None:
        self._samples, self._ends = samples, ends

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: int) -> Array:
        start = self._ends[index - 1] if index else 0
        return self._samples[start : self._ends[index]].astype(np.float32)


def cache_folder() -> Path:
    """Where decoded clips are kept: AUDIOTAGGER_CACHE, else audiotagger/ in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("AUDIOTAGGER_CACHE") or Path(base) / "audiotagger")


def decode_all(clips: Sequence[Clip], sample_rate: int, progress: Callable[[int, int], None]) -> Waveforms:
    """Decode clips to mono at `sample_rate`, or take them from the cache if the same files were decoded before.

    `progress` is called with (done, total). Raises AudioError for a file that cannot be decoded, DataError if the
    cache cannot be written.
    """
    key = hashlib.sha256(str(sample_rate).encode())
    for clip in clips:
        stat = clip.path.stat()
        key.update(f"{clip.path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    path = cache_folder() / f"{key.hexdigest()[:24]}.f16"
    ends_path = path.with_suffix(".npy")
    if not ends_path.is_file():
        try:
            _fill_cache(path, ends_path, clips, sample_rate, progress)
        except OSError as error:
            raise DataError(f"{path.parent}: {error.strerror}; set AUDIOTAGGER_CACHE to another folder") from None
    return Waveforms(np.memmap(path, np.float16, "r"), np.load(ends_path))


def _fill_cache(
    path: Path, ends_path: Path, clips: Sequence[Clip], sample_rate: int, progress: Callable[[int, int], None]
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial, partial_ends = (p.with_name(f"{os.getpid()}.{p.name}") for p in (path, ends_path))
    ends: list[int] = []
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool, partial.open("wb") as file:
            for waveform in pool.map(lambda clip: read_waveform(clip.path, sample_rate), clips):
                file.write(np.clip(waveform, *FLOAT16_RANGE).astype(np.float16).tobytes())
                ends.append((ends[-1] if ends else 0) + len(waveform))
                progress(len(ends), len(clips))
        np.save(partial_ends, np.array(ends, np.int64))
        partial.replace(path)
        partial_ends.replace(ends_path)
    finally:
        partial.unlink(missing_ok=True)
        partial_ends.unlink(missing_ok=True)


@dataclass(frozen=True)
class Teacher:
    """What a stronger tagger hears in each clip, for distillation.

    soft_labels: [clips, n_labels] probabilities; features: [clips, n], centred, with a total variance of 3.
    """

    soft_labels: Array
    features: Array


def read_teacher(path: Path, clips: Sequence[Clip], labels: Sequence[str]) -> Teacher:
    """Read what the teacher hears in these clips from teacher.npz.

    Arrays: fname, labels, soft41 [n, n_labels], and features: mn04_embedding, mn04_scores, yamnet_scores [n, *].
    Scores become logits (clipped to ±5, beyond which they are noise); each block gets a total variance of 1.
    Raises DataError if it speaks of other labels or does not know a clip.
    """
    with np.load(path) as arrays:
        if list(arrays["labels"]) != list(labels):
            raise DataError(f"{path}: made for other labels than train.csv has; train with --no-teacher")
        row_of = {str(name): row for row, name in enumerate(arrays["fname"])}
        unheard = next((clip.path.name for clip in clips if clip.path.name not in row_of), None)
        if unheard:
            raise DataError(f"{path}: nothing about {unheard}; train with --no-teacher")
        rows = [row_of[clip.path.name] for clip in clips]
        blocks = []
        for name in ("mn04_embedding", "mn04_scores", "yamnet_scores"):
            block = arrays[name].astype(np.float32)
            if name.endswith("scores"):
                block = np.clip(np.log(block + 1e-6) - np.log1p(1e-6 - block), -5, 5)
            block -= block.mean(axis=0)
            blocks.append(block / np.sqrt(block.var(axis=0).sum()))
        soft = arrays["soft41"].astype(np.float32)[rows]
    return Teacher(soft / soft.sum(axis=1, keepdims=True), np.concatenate(blocks, axis=1)[rows])


@dataclass(frozen=True)
class Batch:
    """waveforms: [batch, samples]; targets: "logits" [batch, n_labels], probabilities, and with a teacher "teacher"
    [batch, n], its features. The keys are the names of the net's outputs.
    """

    waveforms: Array
    targets: dict[str, Array]


class Batches:
    """Training batches of a corpus; `batches[step]` is the same whenever and wherever it is asked for."""

    def __init__(
        self,
        corpus: Corpus,
        labelled: Sequence[Clip],
        clips: Sequence[Clip],
        waveforms: Waveforms,
        teacher: Teacher | None,
        recipe: Recipe,
        sample_rate: int,
        total_steps: int,
        seed: int,
    ) -> None:
        index_of = {clip: index for index, clip in enumerate(clips)}
        self._waveforms, self._teacher, self._recipe = waveforms, teacher, recipe
        self._sample_rate, self._samples = sample_rate, round(recipe.seconds * sample_rate)
        self._total_steps, self._seed = total_steps, seed
        self._label_of = np.array([corpus.labels.index(c.label) if c.label else -1 for c in clips])
        self._n_labels = len(corpus.labels)
        self._other = np.array([index_of[clip] for clip in corpus.other], int)
        pools = [(np.array([index_of[clip] for clip in labelled]), 1.0)]
        if recipe.other and len(self._other):
            pools.append((self._other, recipe.other))
        if recipe.unlabelled and teacher is not None and corpus.unlabelled:
            pools.append((np.array([index_of[clip] for clip in corpus.unlabelled]), recipe.unlabelled))
        shares = np.array([share for _, share in pools])
        shares[0] = 1 - shares[1:].sum()
        self._candidates = np.concatenate([pool for pool, _ in pools])
        odds = [np.full(len(pool), share / len(pool)) for (pool, _), share in zip(pools, shares, strict=True)]
        if recipe.augment:  # rare labels more often: by the square root of their count
            of_labelled = self._label_of[pools[0][0]]
            weight = 1 / np.sqrt(np.bincount(of_labelled, minlength=self._n_labels)[of_labelled])
            odds[0] = shares[0] * weight / weight.sum()
        self._odds = np.concatenate(odds)
        self._odds /= self._odds.sum()

    def __getitem__(self, step: int) -> Batch:
        recipe, rng = self._recipe, np.random.default_rng((self._seed, step))
        clean = step >= 0.9 * self._total_steps
        chosen = rng.choice(self._candidates, recipe.batch_size, p=self._odds)
        augmented = recipe.augment and not clean
        waveforms = np.stack([self._hear(index, augmented, rng) for index in chosen])
        targets = self._targets(chosen)
        if recipe.mix and not clean:
            size = (recipe.batch_size, 1)
            share = np.where(rng.random(size) < recipe.mix, rng.random(size), 1).astype(np.float32)
            waveforms, targets = augment.mix(waveforms, targets, share, rng.permutation(recipe.batch_size))
        return Batch(waveforms, targets)

    def _hear(self, index: int, augmented: bool, rng: np.random.Generator) -> Array:
        waveform = self._waveforms[index]
        if not augmented:
            return augment.place(waveform, self._samples, rng, repeat=self._recipe.augment)
        longest = int(self._samples * augment.SPEED) + 1
        if len(waveform) > longest:
            waveform = augment.place(waveform, longest, rng)
        if rng.random() < 0.5:
            waveform = augment.change_speed(waveform, rng)
        waveform = augment.place(waveform, self._samples, rng)
        if rng.random() < 0.7:
            waveform = augment.colour(waveform, self._sample_rate, rng)
        if rng.random() < 0.3:
            waveform = augment.mute_span(waveform, rng)
        if len(self._other) and rng.random() < 0.25:
            background = augment.place(self._waveforms[rng.choice(self._other)], self._samples, rng)
            below = 10 ** (-rng.uniform(10, 30) / 20)
            waveform = waveform + background * (below * augment.rms(waveform) / augment.rms(background))
        return waveform

    def _targets(self, chosen: NDArray[np.intp]) -> dict[str, Array]:
        label = self._label_of[chosen]
        labels = np.full((len(chosen), self._n_labels), 1 / self._n_labels, np.float32)
        labels[label >= 0] = np.eye(self._n_labels, dtype=np.float32)[label[label >= 0]]
        if self._teacher is None:
            return {"logits": labels}
        soft = np.where(label >= 0, np.float32(self._recipe.soft_labels), np.float32(1))[:, None]
        soft[np.isin(chosen, self._other)] = 0.0
        labels += soft * (self._teacher.soft_labels[chosen] - labels)
        return {"logits": labels, "teacher": self._teacher.features[chosen]}


def prefetch(batches: Batches, steps: range, ahead: int = 4) -> Iterator[Batch]:
    """Yield the batches of `steps` in order, made `ahead` of time by a thread beside the net."""
    with ThreadPoolExecutor(1) as pool:
        futures = [pool.submit(batches.__getitem__, step) for step in steps[:ahead]]
        for step in steps:
            batch = futures.pop(0).result()
            if step + ahead * steps.step in steps:
                futures.append(pool.submit(batches.__getitem__, step + ahead * steps.step))
            yield batch
