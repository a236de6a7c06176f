"""From a net that is trained to one with other labels: which weights it begins with, and which of them learn."""

from __future__ import annotations

import keras

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
