"""Where a training run begins: at random weights or at the shipped net, and which weights learn."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import keras

from audiotagger.datasets.dataset import Corpus
from audiotagger.errors import RunError
from audiotagger.inference.model import Model, shipped_models
from audiotagger.training import networks
from audiotagger.training.keras_file import load_keras
from audiotagger.training.recipes import NEW_LABELS, RECIPES, Recipe, known_labels, with_teacher
from audiotagger.training.run_folder import BODY, SCRATCH, WHOLE, Config


@dataclass(frozen=True)
class Initialization:
    """init: of the run's config; net: the .keras file it begins with, if any; reason: for whoever waits for it."""

    init: str
    recipe: Recipe
    net: Path | None
    reason: str


def choose_initialization(kind: str, arch: str, asked: str | None, corpus: Corpus, has_teacher: bool) -> Initialization:
    """Return where a net for `corpus` begins: as `asked`, "scratch" or "pretrained", else with the shipped net if its
    labels are not those of the corpus, which it was trained on already. With a teacher the recipe is a long one.

    Raises RunError where there is no shipped net to begin with.
    """
    scratch = with_teacher(RECIPES[kind, arch]) if has_teacher else RECIPES[kind, arch]
    if arch != "default":
        if asked == "pretrained":
            raise RunError(f"--arch {arch}: no shipped net of this architecture to begin with; use --init scratch")
        return Initialization(SCRATCH, scratch, None, "random weights: no net of this architecture is shipped")
    if asked == "scratch":
        return Initialization(SCRATCH, scratch, None, "random weights, as asked")
    new_labels = with_teacher(NEW_LABELS) if has_teacher else NEW_LABELS
    net = shipped_models() / f"{kind}.keras"
    known = Model.load(net.with_suffix(".onnx")).labels
    if known != corpus.labels:
        reason = f"the shipped net and a new head: the data's labels are not the {len(known)} that it knows"
        return Initialization(BODY, new_labels, net, reason)
    if asked is None:
        return Initialization(SCRATCH, scratch, None, "random weights: the data's labels are those of the shipped net")
    if _n_outputs(net) != len(known) + bool(corpus.other):
        reason = "the shipped net and a new head: only one of the two has an output for none of the labels"
        return Initialization(BODY, new_labels, net, reason)
    return Initialization(WHOLE, known_labels(scratch), net, "the shipped net, head and all: its labels are the data's")


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


def initial_model(config: Config, run: Path, teacher_size: int) -> keras.Model:
    """Return the model that a run begins with: untrained, or the body of the run's init.keras under new outputs; with
    the output layer "logits" too if it is for the same labels.
    """
    if config.init == SCRATCH:
        return networks.build(config.kind, config.arch, config.n_outputs, teacher_size)
    trained = load_keras(run / "init.keras")
    embedding = trained.get_layer("embedding").output
    model = networks.add_outputs(trained.input, embedding, config.n_outputs, teacher_size, name=trained.name)
    if config.init == WHOLE:
        model.get_layer("logits").set_weights(trained.get_layer("logits").get_weights())
    return model


def choose_what_learns(net: keras.Model, heads_alone: bool) -> None:
    """Let all layers of `net` learn, or its heads alone. The net has to be compiled again afterwards.

    Batch normalization that does not learn normalizes as it does in tagging, with the mean and variance it came with.
    """
    for layer in net.layers:
        layer.trainable = layer.name in HEADS or not heads_alone
