"""From a training run to an ONNX file that needs nothing but itself."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

from audiotagger.errors import RunError
from audiotagger.model import FORMAT, Model
from audiotagger.training import networks
from audiotagger.training.fit import Config

OPSET = 18

TOLERANCE = 1e-4
"""Largest difference of a probability between Keras and ONNX that is let through."""


@dataclass(frozen=True)
class Exported:
    """What became of a run: the file, and the largest difference of a probability from Keras."""

    path: Path
    difference: float


def newest_runs(folder: Path) -> list[Path]:
    """Return the newest finished run of each kind of net under `folder`. Raises RunError if there is none."""
    finished = sorted(folder.glob("*/result.json"), key=lambda path: path.stat().st_mtime)
    newest = {Config.read(path.parent).kind: path.parent for path in finished}
    if not newest:
        raise RunError(f"{folder}: holds no finished training run; `audiotagger train --model mel` makes one")
    return list(newest.values())


def export(run: Path, folder: Path) -> Exported:
    """Write `folder`/KIND.onnx and KIND.keras from a finished run, replacing older ones only if ONNX agrees with Keras.

    Raises RunError if the run is not finished or the two disagree by more than `TOLERANCE`.
    """
    config = Config.read(run)
    if not (run / "result.json").is_file():
        raise RunError(f"{run}: this run has not finished; go on with `audiotagger train --resume --run {run}`")
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    net = keras.saving.load_model(run / "model.keras", compile=False)
    probabilities = keras.layers.Softmax(name="probabilities")(net.output / result["temperature"])
    model = keras.Model(net.input, probabilities)

    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{config.kind}.partial.onnx"
    try:
        _write_onnx(model, partial, _metadata(config, result))
        windows = np.load(run / "windows.npy").astype(np.float32)
        expected = np.asarray(model(windows, training=False))
        difference = float(np.max(np.abs(Model.load(partial).predict(windows) - expected)))
        if not difference <= TOLERANCE:
            raise RunError(
                f"{run}: ONNX differs from Keras by {difference:.1e}, over {TOLERANCE:.0e}; nothing replaced"
            )
        partial_keras = folder / f".{config.kind}.partial.keras"
        shutil.copyfile(run / "model.keras", partial_keras)
        partial_keras.replace(folder / f"{config.kind}.keras")
        partial.replace(folder / f"{config.kind}.onnx")
    finally:
        partial.unlink(missing_ok=True)
    return Exported(folder / f"{config.kind}.onnx", difference)


def _write_onnx(model: keras.Model, path: Path, metadata: dict[str, str]) -> None:
    signature = [tf.TensorSpec((None, None), tf.float32, name="waveform")]
    proto, _ = tf2onnx.convert.from_keras(model, input_signature=signature, opset=OPSET)
    produced = proto.graph.output[0].name
    for node in proto.graph.node:
        node.output[:] = ["probabilities" if name == produced else name for name in node.output]
        node.input[:] = ["probabilities" if name == produced else name for name in node.input]
    proto.graph.output[0].name = "probabilities"
    onnx.helper.set_model_props(proto, metadata)
    onnx.save(proto, path)


def _metadata(config: Config, result: dict[str, Any]) -> dict[str, str]:
    return {
        "audiotagger": FORMAT,
        "kind": config.kind,
        "labels": json.dumps(config.labels),
        "sample_rate": str(networks.SAMPLE_RATE),
        "window_samples": str(round(config.recipe.seconds * networks.SAMPLE_RATE)),
        "version": result["finished"],
        "data_id": config.data_id,
        "temperature": repr(result["temperature"]),
        "scores": json.dumps(result["validation"]),
    }
