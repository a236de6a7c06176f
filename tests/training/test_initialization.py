"""Initialization of a run, its number of epochs and its learning rate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("tensorflow", reason="needs the extra train")

from audiotagger.datasets.clip import Clip
from audiotagger.datasets.dataset import Dataset
from audiotagger.errors import RunError
from audiotagger.inference.model import Model, shipped_models
from audiotagger.training.initialization import Initialization, choose_initialization
from audiotagger.training.recipes import (
    NEW_LABELS,
    RECIPES,
    epochs_for,
    frozen_steps,
    learning_rate,
    steps_per_epoch,
)

KNOWN = Model.load(shipped_models() / "mel.onnx").labels


def corpus(labels: tuple[str, ...], other: bool) -> Dataset:
    clip = Clip(Path("clip.wav"), "", "source", "group")
    return Dataset(Path(), labels, (), (), (clip,) if other else (), (), ())


def test_other_labels_use_the_pretrained_model() -> None:
    for labels in (("a", "b"), KNOWN[:-1], (*KNOWN[:-1], "zzz")):
        start = choose_initialization("mel", "default", None, corpus(labels, other=True), has_teacher=False)
        assert (start.init, start.pretrained) == ("body", shipped_models() / "mel.keras")
        assert start.recipe == NEW_LABELS


def test_the_pretrained_models_labels_use_random_weights() -> None:
    for asked in (None, "scratch"):
        start = choose_initialization("mel", "default", asked, corpus(KNOWN, other=True), has_teacher=False)
        assert (start.init, start.pretrained, start.recipe) == ("scratch", None, RECIPES["mel", "default"])


def test_the_output_layer_is_kept_only_if_all_outputs_are_the_same() -> None:
    def start(other: bool) -> Initialization:
        return choose_initialization("mel", "default", "pretrained", corpus(KNOWN, other=other), has_teacher=False)

    assert start(other=True).init == "whole"
    assert start(other=True).recipe.learning_rate < RECIPES["mel", "default"].learning_rate
    assert start(other=False).init == "body"


def test_distillation_takes_longer() -> None:
    for init in ("scratch", "pretrained"):
        labels, distilled = (
            choose_initialization("mel", "default", init, corpus(KNOWN, other=True), has_teacher=has_teacher).recipe
            for has_teacher in (False, True)
        )
        clips = 4_000
        assert distilled.epochs * steps_per_epoch(distilled, clips) > 2 * labels.epochs * steps_per_epoch(labels, clips)
        assert distilled.views > 20 * clips


def test_the_baseline_uses_random_weights() -> None:
    start = choose_initialization("wave", "baseline", None, corpus(("a", "b"), other=False), has_teacher=False)
    assert start.init == "scratch"
    with pytest.raises(RunError, match="--init scratch"):
        choose_initialization("wave", "baseline", "pretrained", corpus(("a", "b"), other=False), has_teacher=False)


def test_epochs_depend_on_the_number_of_clips() -> None:
    for kind in ("mel", "wave"):
        recipe = RECIPES[kind, "default"]
        # The project's corpus, with and without held-out clips; FSDKaggle2018; a small dataset.
        assert [epochs_for(recipe, clips) for clips in (3_361, 3_982, 9_473, 20)] == [recipe.epochs] * 4
        assert epochs_for(recipe, 100_000) < recipe.epochs / 4
        assert epochs_for(recipe, 10**9) == 1


def test_each_phase_has_its_own_schedule() -> None:
    recipe = replace(NEW_LABELS, frozen_fraction=0.3)
    assert frozen_steps(recipe, 200) == 60
    rates = [learning_rate(recipe, step, 200) for step in range(200)]
    assert max(rates[:60]) == pytest.approx(recipe.head_learning_rate, rel=0.01)
    assert max(rates[60:]) == pytest.approx(recipe.learning_rate, rel=0.01)
    assert rates[59] < 0.01 * recipe.head_learning_rate
    assert rates[199] < 0.01 * recipe.learning_rate
    assert frozen_steps(RECIPES["mel", "default"], 200) == 0
