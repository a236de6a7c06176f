"""Where a training run begins: at random weights, or at the shipped net."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras

from audiotagger.errors import RunError
from audiotagger.model import Model, shipped_models
from audiotagger.training import networks  # noqa: F401 (Keras must know the layers)
from audiotagger.training.corpus import Corpus
from audiotagger.training.recipes import NEW_LABELS, RECIPES, Recipe, same_labels
from audiotagger.training.runs import BODY, SCRATCH, WHOLE


@dataclass(frozen=True)
class Start:
    """init: of the run's config; net: the .keras file it begins with, if any; reason: for whoever waits for it."""

    init: str
    recipe: Recipe
    net: Path | None
    reason: str


def choose_start(kind: str, arch: str, asked: str | None, corpus: Corpus) -> Start:
    """Return where a net for `corpus` begins: as `asked`, "scratch" or "pretrained", else with the shipped net if its
    labels are not those of the corpus, which it was trained on already.

    Raises RunError where there is no shipped net to begin with.
    """
    scratch = RECIPES[kind, arch]
    if arch != "default":
        if asked == "pretrained":
            raise RunError(f"--arch {arch}: no shipped net of this architecture to begin with; use --init scratch")
        return Start(SCRATCH, scratch, None, "random weights: no net of this architecture is shipped")
    if asked == "scratch":
        return Start(SCRATCH, scratch, None, "random weights, as asked")
    net = shipped_models() / f"{kind}.keras"
    known = Model.load(net.with_suffix(".onnx")).labels
    if known != corpus.labels:
        reason = f"the shipped net and a new head: the data's labels are not the {len(known)} that it knows"
        return Start(BODY, NEW_LABELS[kind], net, reason)
    if asked is None:
        return Start(SCRATCH, scratch, None, "random weights: the data's labels are those of the shipped net")
    outputs = keras.saving.load_model(net, compile=False).output_shape[-1]
    if outputs != len(known) + bool(corpus.other):
        reason = "the shipped net and a new head: only one of the two has an output for none of the labels"
        return Start(BODY, NEW_LABELS[kind], net, reason)
    return Start(WHOLE, same_labels(scratch), net, "the shipped net, head and all: its labels are the data's")
