"""The hyper-parameters of every net, in one place, and what they say of each step."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

SAMPLE_RATE = 16_000
"""Hz. Nearly all that tells the sounds apart lies below 8 kHz, and public clips often hold nothing above."""


@dataclass(frozen=True)
class Recipe:
    """How a net is trained. An epoch is as many clips as the training split has, drawn with replacement, and at least
    `min_steps_per_epoch` batches.
    """

    seconds: float
    """Length of a training crop."""
    window: float
    """Seconds heard at once when tagging. Nets whose scores are averaged hear the same windows."""
    epochs: int
    """Where `epochs_for` finds no reason for fewer."""
    batch_size: int
    learning_rate: float
    """Peak of the schedule: a linear warm-up over 2 % of the steps, then a half cosine to zero."""
    min_steps_per_epoch: int = 1
    """Fewest batches of an epoch: few clips are drawn several times in it."""
    max_steps: int = 20_000
    """Of all epochs together, if nobody says how many epochs."""
    frozen_fraction: float = 0.0
    """Share of the steps, the first ones, in which the heads learn alone while all below them stays as it began."""
    head_learning_rate: float = 0.0
    """Peak learning rate of these steps. They have a schedule of their own, and so have the steps after them."""
    weight_decay: float = 0.0
    constant_rate: bool = False
    """No schedule."""
    patience: int = 0
    """Stop after so many epochs without a better validation top-1 and keep the best epoch's weights; 0 means never."""
    ema: float = 0.0
    """Momentum of the moving average of the weights that is validated and exported; 0 means none."""
    augment: bool = True
    """Speed, equaliser, room, masks, background, and balanced sampling of labels."""
    mix: float = 0.0
    """Share of each batch that is a mixture of two clips. Off, as `augment` is, for the last tenth of the steps."""
    mix_again: float = 0.0
    """Share of these that are mixed with one more."""
    views: int = 0
    """With a teacher: how many different views of the clips it names; they are seen again and again."""
    teacher_weight: float = 0.0
    """With a teacher: weight of the mean squared error of its standardized embedding, beside the divergence of the
    probabilities."""
    unlabelled: float = 0.0
    """With a teacher: share of each batch that has no label."""
    loss_mask_threshold: float = 0.8
    """Of labels that nobody has verified, those whose loss exceeds this share of the batch's largest do not count."""
    temperature: float = 1.0
    """Of the probabilities, where too little is held out to find it on."""
    other: float = 0.0
    """Share of each batch that comes from the other sounds of the data: further labels and none of the labels."""


_OURS = Recipe(
    seconds=3.2,
    window=5.0,
    epochs=100,
    batch_size=64,
    learning_rate=2e-3,
    min_steps_per_epoch=10,
    weight_decay=0.02,
    ema=0.999,
    mix=0.6,
    other=0.22,
)
_OF_2018 = Recipe(
    seconds=5.0,
    window=5.0,
    epochs=20,
    batch_size=32,
    learning_rate=1e-3,
    constant_rate=True,
    patience=5,
    augment=False,
    loss_mask_threshold=1.0,
)

RECIPES = {
    ("mel", "default"): _OURS,
    ("wave", "default"): _OURS,
    ("mel", "baseline"): _OF_2018,
    ("wave", "baseline"): replace(_OF_2018, seconds=2.0),
}

NEW_LABELS = replace(
    _OURS,
    epochs=30,
    batch_size=32,
    learning_rate=3e-4,
    frozen_fraction=0.3,
    head_learning_rate=1e-2,
    mix=0.3,
)
"""From the pretrained models to labels that they do not know: the output layer alone, then all layers slowly."""


def with_teacher(recipe: Recipe) -> Recipe:
    """Return `recipe` for matching a teacher: long, all clips mixed hard to the end, no labels (function matching)."""
    return replace(
        recipe,
        epochs=50,
        min_steps_per_epoch=500,
        max_steps=25_000,
        mix_again=0.2,
        views=200_000,
        teacher_weight=1.0,
        unlabelled=0.2,
    )


def known_labels(recipe: Recipe) -> Recipe:
    """Return `recipe` for continuing from a model that knows the labels, most of which the full rate would undo."""
    return replace(recipe, learning_rate=recipe.learning_rate / 2)


def steps_per_epoch(recipe: Recipe, clips: int) -> int:
    """Batches of an epoch on so many training clips."""
    return max(clips // recipe.batch_size, recipe.min_steps_per_epoch)


def epochs_for(recipe: Recipe, clips: int) -> int:
    """Epochs on so many training clips, if nobody says how many: the recipe's own, and of many clips as many as
    `max_steps` allow. Few clips need no other number, as an epoch of theirs has `min_steps_per_epoch` at least.
    """
    return max(min(recipe.epochs, recipe.max_steps // steps_per_epoch(recipe, clips)), 1)


def head_steps(recipe: Recipe, total_steps: int) -> int:
    """In how many steps, the first ones, the heads learn alone."""
    return round(recipe.frozen_fraction * total_steps)


def learning_rate(recipe: Recipe, step: int, total_steps: int) -> float:
    """The rate at `step`: in each phase a linear warm-up over 2 % of its steps, then a half cosine to zero."""
    if recipe.constant_rate:
        return recipe.learning_rate
    first = head_steps(recipe, total_steps)
    if step < first:
        return _warm_up_and_cosine(step, first) * recipe.head_learning_rate
    return _warm_up_and_cosine(step - first, total_steps - first) * recipe.learning_rate


def _warm_up_and_cosine(step: int, steps: int) -> float:
    warm_up = max(0.02 * steps, 1)
    if step < warm_up:
        return (step + 1) / (warm_up + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))
