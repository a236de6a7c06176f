"""Initialization of a training run: random weights or those of the pretrained model, and which layers are trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras

from audiotagger.datasets.dataset import Dataset
from audiotagger.errors import RunError
from audiotagger.inference.model import Model, shipped_models
from audiotagger.training import networks
from audiotagger.training.keras_file import count_outputs, load_keras
from audiotagger.training.recipes import NEW_LABELS, RECIPES, Recipe, for_same_labels, with_teacher
from audiotagger.training.run_folder import BODY, SCRATCH, WHOLE, Config


@dataclass(frozen=True)
class Initialization:
    """How a run is initialized."""

    init: str
    """`SCRATCH`, `BODY` or `WHOLE`."""
    recipe: Recipe
    """For training from there."""
    pretrained: Path | None
    """The .keras file of the pretrained model; None for random weights."""
    reason: str
    """For the user."""


def choose_initialization(
    kind: str, arch: str, asked: str | None, dataset: Dataset, has_teacher: bool
) -> Initialization:
    """Choose the initialization of a model, and the recipe that suits it.

    Parameters
    ----------
    kind, arch
        Of the model: a key of `RECIPES`.
    asked
        "scratch", "pretrained", or None: then "pretrained", but "scratch" for the labels of the pretrained model, as
        that was trained on them already.
    dataset
        To train on.
    has_teacher
        Whether the model is distilled from a teacher, which needs a longer recipe.

    Raises
    ------
    RunError
        There is no pretrained model of this architecture, or its file is damaged.
    """
    scratch = with_teacher(RECIPES[kind, arch]) if has_teacher else RECIPES[kind, arch]
    if arch != "default":
        if asked == "pretrained":
            raise RunError(f"--arch {arch}: there is no pretrained model of this architecture; use --init scratch")
        return Initialization(SCRATCH, scratch, None, "random weights (no pretrained model of this architecture)")
    if asked == "scratch":
        return Initialization(SCRATCH, scratch, None, "random weights (--init scratch)")
    new_labels = with_teacher(NEW_LABELS) if has_teacher else NEW_LABELS
    pretrained = shipped_models() / f"{kind}.keras"
    labels = Model.load(pretrained.with_suffix(".onnx")).labels
    new_layer = "fine-tuning the pretrained model with a new output layer"
    if labels != dataset.all_labels:
        return Initialization(BODY, new_labels, pretrained, f"{new_layer} (labels differ)")
    if asked is None:
        reason = "random weights (the dataset's labels are those of the pretrained model)"
        return Initialization(SCRATCH, scratch, None, reason)
    if count_outputs(pretrained) != len(labels) + dataset.has_other_class:
        return Initialization(BODY, new_labels, pretrained, f"{new_layer} (the output for other sounds differs)")
    reason = "fine-tuning the pretrained model and its output layer (same labels)"
    return Initialization(WHOLE, for_same_labels(scratch), pretrained, reason)


OUTPUT_LAYERS = ("logits", "teacher")
"""Names of the layers that depend on the labels and the teacher."""


def initial_model(config: Config, run: Path, teacher_size: int) -> keras.Model:
    """Build the model of a run with its initial weights.

    Parameters
    ----------
    config
        Of the run.
    run
        Its folder, with init.keras unless `config.init` is `SCRATCH`.
    teacher_size
        Size of the teacher's embedding; 0 without one.

    Returns
    -------
    keras.Model
        As `networks.build` returns it, with random weights, or with those of init.keras below the output layers
        (`BODY`) and in the layer "logits" (`WHOLE`).
    """
    if config.init == SCRATCH:
        return networks.build(config.kind, config.arch, config.n_outputs, teacher_size)
    trained = load_keras(run / "init.keras")
    embedding = trained.get_layer("embedding").output
    model = networks.add_outputs(trained.input, embedding, config.n_outputs, teacher_size, name=trained.name)
    if config.init == WHOLE:
        model.get_layer("logits").set_weights(trained.get_layer("logits").get_weights())
    return model


def set_trainable(model: keras.Model, output_layers_only: bool) -> None:
    """Make all layers trainable, or the output layers alone. The model must be compiled again afterwards.

    Batch normalization that is frozen uses its moving mean and variance, as in inference.
    """
    for layer in model.layers:
        layer.trainable = layer.name in OUTPUT_LAYERS or not output_layers_only
