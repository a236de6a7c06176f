"""What a recipe says of each step: pure functions of it, so that a resumed run does what it would have done."""

from __future__ import annotations

import math

from audiotagger.training.recipes import Recipe


def head_steps(recipe: Recipe, total_steps: int) -> int:
    """In how many steps, the first ones, the heads learn alone."""
    return round(recipe.head_share * total_steps)


def learning_rate(recipe: Recipe, step: int, total_steps: int) -> float:
    """The rate at `step`: in each phase a linear warm-up over 2 % of its steps, then a half cosine to zero."""
    if recipe.constant_rate:
        return recipe.learning_rate
    first = head_steps(recipe, total_steps)
    if step < first:
        return _warm_up_and_cosine(step, first) * recipe.head_rate
    return _warm_up_and_cosine(step - first, total_steps - first) * recipe.learning_rate


def _warm_up_and_cosine(step: int, steps: int) -> float:
    warm_up = max(0.02 * steps, 1)
    if step < warm_up:
        return (step + 1) / (warm_up + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))
