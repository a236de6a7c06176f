"""Where a training run begins: at random weights or at the shipped net, and which weights learn."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import keras

from audiotagger.datasets.dataset import Dataset
from audiotagger.errors import RunError
from audiotagger.inference.model import Model, shipped_models
from audiotagger.training.recipes import NEW_LABELS, RECIPES, Recipe, same_labels
from audiotagger.training.run_folder import BODY, SCRATCH, WHOLE


@dataclass(frozen=True)
class Initialization:
    """init: of the run's config; net: the .keras file it begins with, if any; reason: for whoever waits for it."""

    init: str
    recipe: Recipe
    net: Path | None
    reason: str


def choose_initialization(kind: str, arch: str, asked: str | None, corpus: Dataset, teacher: bool) -> Initialization:
    """Return where a net for `corpus` begins: as `asked`, "scratch" or "pretrained", else with the shipped net if its
    labels are not those of the corpus, which it was trained on already. `teacher`: whether to learn from one, too, if
    the corpus has it.

    Raises RunError where there is no shipped net to begin with.
    """
    scratch = RECIPES[kind, arch]
    if arch != "default":
        if asked == "pretrained":
            raise RunError(f"--arch {arch}: no shipped net of this architecture to begin with; use --init scratch")
        return Initialization(SCRATCH, scratch, None, "random weights: no net of this architecture is shipped")
    if asked == "scratch":
        return Initialization(SCRATCH, scratch, None, "random weights, as asked")
    net = shipped_models() / f"{kind}.keras"
    known = Model.load(net.with_suffix(".onnx")).labels
    if known != corpus.labels:
        reason = f"the shipped net and a new head: the data's labels are not the {len(known)} that it knows"
        return Initialization(BODY, NEW_LABELS[kind], net, reason)
    if asked is None:
        return Initialization(SCRATCH, scratch, None, "random weights: the data's labels are those of the shipped net")
    if _n_outputs(net) != len(known) + bool(corpus.other):
        reason = "the shipped net and a new head: only one of the two has an output for none of the labels"
        return Initialization(BODY, NEW_LABELS[kind], net, reason)
    recipe = same_labels(scratch, teacher=teacher and corpus.teacher is not None)
    return Initialization(WHOLE, recipe, net, "the shipped net, head and all: its labels are the data's")


def _n_outputs(net: Path) -> int:
    """How many outputs the head of a .keras file has, without loading it: that would start TensorFlow, which in a
    distributed run has to wait until all workers are there.
    """
    with zipfile.ZipFile(net) as archive:
        layers = json.loads(archive.read("config.json"))["config"]["layers"]
    units: int = next(layer["config"]["units"] for layer in layers if layer["name"] == "logits")
    return units


HEADS = ("logits", "teacher")
"""The layers that depend on what a net was trained for."""


def copy_weights(source: keras.Model, target: keras.Model, head: bool) -> None:
    """Give `target` the weights of `source`, a net of the same kind and architecture.

    The head "logits" is copied only with `head`, which is right if its outputs are the same in the same order. A
    "teacher" never is: no finished net has one.
    """
    bodies = [[layer for layer in net.layers if layer.name not in HEADS] for net in (source, target)]
    for from_layer, to_layer in zip(*bodies, strict=True):
        to_layer.set_weights(from_layer.get_weights())
    if head:
        target.get_layer("logits").set_weights(source.get_layer("logits").get_weights())


def choose_what_learns(net: keras.Model, heads_alone: bool) -> None:
    """Let all layers of `net` learn, or its heads alone. The net has to be compiled again afterwards.

    Batch normalization that does not learn normalizes as it does in tagging, with the mean and variance it came with.
    """
    for layer in net.layers:
        layer.trainable = layer.name in HEADS or not heads_alone
