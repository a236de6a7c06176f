"""The hyper-parameters of all models, and the schedules that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

SAMPLE_RATE = 16_000
"""Hz. Nearly all that distinguishes the labels lies below 8 kHz, and many public clips have no content above."""


@dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    An epoch is as many clips as the training split has, drawn with replacement, and at least `min_steps_per_epoch`
    batches.
    """

    seconds: float
    """Length of a training crop."""
    window: float
    """Window length in seconds when tagging. Models of an ensemble must have the same."""
    epochs: int
    """By default; `epochs_for` may choose fewer."""
    batch_size: int
    learning_rate: float
    """Peak of the schedule: a linear warm-up over 2 % of the steps, then a half cosine to zero."""
    min_steps_per_epoch: int = 1
    """Smallest number of batches in an epoch; a small dataset is drawn several times."""
    max_steps: int = 20_000
    """Largest number of steps of a run, unless the number of epochs is given."""
    frozen_fraction: float = 0.0
    """Fraction of the steps, the first ones, that train the output layers alone; all layers below are frozen."""
    head_learning_rate: float = 0.0
    """Peak learning rate of these steps, which have a schedule of their own, as have the steps after them."""
    weight_decay: float = 0.0
    constant_rate: bool = False
    """Whether the learning rate has no schedule."""
    patience: int = 0
    """Number of epochs without a better validation top-1 after which training stops and the best epoch's weights are
    kept; 0 disables early stopping."""
    ema: float = 0.0
    """Momentum of the exponential moving average of the weights, which is validated and exported; 0 means none."""
    augment: bool = True
    """Whether clips are augmented as in `AUGMENTATION`; if not, short ones are padded with silence, not repeated."""
    mix: float = 0.0
    """Fraction of each batch that is a mixture of two clips (mixup)."""
    mix_again: float = 0.0
    """Fraction of these mixtures that are mixed with another clip."""
    views: int = 0
    """With a teacher: number of different augmented views of the clips, repeated in a new order."""
    teacher_weight: float = 0.0
    """With a teacher: weight of the mean squared error of its standardized embedding, relative to the cross-entropy."""
    unlabelled: float = 0.0
    """With a teacher: fraction of each batch drawn from the clips without label."""
    loss_mask_threshold: float = 0.8
    """Unverified labels are ignored if their loss exceeds this fraction of the batch's largest."""
    temperature: float = 1.0
    """Of the softmax, if there are too few validation clips to calibrate it."""
    other: float = 0.0
    """Fraction of each batch drawn from the dataset's other sounds."""
    synthetic: float = 0.0
    """Fraction of each batch that is synthesized as an example of none of the labels: noise, hum, tones. It applies to
    models with an output for that."""


_DEFAULT = Recipe(
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
    synthetic=0.06,
)
_BASELINE = Recipe(
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
    ("mel", "default"): _DEFAULT,
    ("wave", "default"): _DEFAULT,
    ("mel", "baseline"): _BASELINE,
    ("wave", "baseline"): replace(_BASELINE, seconds=2.0),
}
"""By kind of model and architecture, for training from random weights."""

NEW_LABELS = replace(
    _DEFAULT,
    epochs=30,
    batch_size=32,
    learning_rate=3e-4,
    frozen_fraction=0.3,
    head_learning_rate=1e-2,
    mix=0.3,
)
"""For fine-tuning a pretrained model on other labels: first its new output layer, then all layers at a low rate."""


@dataclass(frozen=True)
class Augmentation:
    """Probabilities and strengths of the augmentations, in the order in which they are applied to a clip.

    Pairs are the bounds of uniform distributions.
    """

    fraction_of_steps: float = 0.9
    """Only the first steps are augmented and mixed. With a teacher, all are."""
    shorten: float = 0.3
    """Probability of cropping a clip to a random length, so that length tells nothing about the label."""
    shorten_to: tuple[float, float] = (0.1, 1.0)
    """Length of this crop, as a fraction of `Recipe.seconds`."""
    change_speed: float = 0.5
    """Probability of another speed."""
    max_speed: float = 1.25
    """Largest speed, and the inverse of the smallest: EnvNet-v2's (Tokozume et al. 2018, arXiv:1711.10282)."""
    tile: float = 0.5
    """Probability of repeating a short clip without gaps, as in tagging."""
    pad: float = 0.25
    """Probability of placing a short clip in silence. In all other cases it is repeated with random gaps, like the
    one-shots (drum hits, key clicks) of real recordings."""
    eq_reverb: float = 0.7
    """Probability of a random equalizer, each time with the following filters at probabilities of their own."""
    eq_db: float = 4.0
    """Standard deviation of the equalizer's gain in dB."""
    low_pass: float = 0.25
    """Probability of a low-pass filter (small loudspeakers, old codecs)."""
    low_pass_octaves: float = 2.5
    """Largest distance of its cutoff from half the sample rate."""
    low_pass_slope: tuple[float, float] = (12.0, 48.0)
    """dB per octave."""
    high_pass: float = 0.25
    """Probability of a high-pass filter (rumble filters, phones)."""
    high_pass_hz: tuple[float, float] = (60.0, 500.0)
    """Its cutoff, uniform in octaves."""
    high_pass_slope: tuple[float, float] = (6.0, 24.0)
    """dB per octave."""
    band_stop: float = 0.3
    """Probability of a missing band: the frequency mask of SpecAugment (Park et al. 2019, arXiv:1904.08779)."""
    band_stop_octaves: tuple[float, float] = (0.2, 1.0)
    """Its width."""
    reverb: float = 0.25
    """Probability of reverberation."""
    reverb_seconds: tuple[float, float] = (0.1, 0.8)
    """Time in which it decays by 60 dB."""
    reverb_level: tuple[float, float] = (0.1, 0.7)
    """Its amplitude relative to the direct sound."""
    mute: float = 0.3
    """Probability of silencing a span: the time mask of SpecAugment."""
    max_mute: float = 0.2
    """Longest such span, as a fraction of the crop."""
    background: float = 0.25
    """Probability of one of the other or unlabelled clips in the background."""
    background_db: tuple[float, float] = (10.0, 30.0)
    """Its distance in level below the clip."""


AUGMENTATION = Augmentation()
"""That of all recipes with `Recipe.augment`."""


def with_teacher(recipe: Recipe) -> Recipe:
    """Return `recipe` for distillation: a long schedule, all steps mixed strongly, no labels.

    References
    ----------
    Function matching: Beyer et al. 2022, arXiv:2106.05237
    """
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


def for_same_labels(recipe: Recipe) -> Recipe:
    """Return `recipe` for a pretrained model of the same labels, whose weights the full rate would mostly undo."""
    return replace(recipe, learning_rate=recipe.learning_rate / 2)


def steps_per_epoch(recipe: Recipe, clips: int) -> int:
    """Return the number of batches in an epoch on a training split of `clips` clips."""
    return max(clips // recipe.batch_size, recipe.min_steps_per_epoch)


def epochs_for(recipe: Recipe, clips: int) -> int:
    """Return the default number of epochs on a training split of `clips` clips.

    It is the recipe's, or what `max_steps` allow for large datasets. Small ones need no more, since
    `min_steps_per_epoch` applies to them.
    """
    return max(min(recipe.epochs, recipe.max_steps // steps_per_epoch(recipe, clips)), 1)


def frozen_steps(recipe: Recipe, total_steps: int) -> int:
    """Return the number of steps, the first ones, that train the output layers alone."""
    return round(recipe.frozen_fraction * total_steps)


def learning_rate(recipe: Recipe, step: int, total_steps: int) -> float:
    """Return the learning rate of a step.

    Each of the two phases, with frozen layers and without, has a linear warm-up over 2 % of its steps, then a half
    cosine to zero.

    Parameters
    ----------
    recipe
        Of the run.
    step
        From 0 to `total_steps` - 1.
    total_steps
        Of all epochs.

    References
    ----------
    Loshchilov & Hutter 2017, arXiv:1608.03983 (the cosine, without restarts)
    """
    if recipe.constant_rate:
        return recipe.learning_rate
    first = frozen_steps(recipe, total_steps)
    if step < first:
        return _warm_up_and_cosine(step, first) * recipe.head_learning_rate
    return _warm_up_and_cosine(step - first, total_steps - first) * recipe.learning_rate


def _warm_up_and_cosine(step: int, steps: int) -> float:
    """Return the learning rate at `step` of `steps` as a fraction of its peak."""
    warm_up = max(0.02 * steps, 1)
    if step < warm_up:
        return (step + 1) / (warm_up + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))
