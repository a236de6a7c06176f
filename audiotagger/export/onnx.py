"""From a training run to an ONNX file that needs nothing but itself."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

from audiotagger.errors import ModelError, RunError
from audiotagger.export.quantization import Quantized, quantize
from audiotagger.inference.model import FORMAT, Model
from audiotagger.inference.tagger import Tagger
from audiotagger.inference.verification import DIGITS, reference_waveform
from audiotagger.training.keras_file import load_keras
from audiotagger.training.recipes import SAMPLE_RATE
from audiotagger.training.run_folder import Config

OPSET = 18

TOLERANCE = 1e-4
"""Largest difference between Keras and ONNX that is let through."""


@dataclass(frozen=True)
class Exported:
    """What became of a run: the file, and the largest difference from Keras, of a probability or of an embedding's
    share of its largest value.
    """

    path: Path
    run: Path
    difference: float
    quantized: Quantized | None = None


def export(
    runs: Sequence[Path],
    folder: Path,
    *,
    in_8_bits: bool = False,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> list[Exported]:
    """Write KIND.onnx and KIND.keras of each run into `folder`; older ones are replaced only if all runs pass.

    Raises RunError if a run has not finished, if its ONNX differs from Keras by more than `TOLERANCE`, if two runs are
    of the same kind, if `folder` would hold nets that cannot be averaged, or with `in_8_bits` as `quantize`, which
    `progress` is for.
    """
    kinds: dict[str, Path] = {}
    for run in runs:
        if other := kinds.get(kind := Config.read(run).kind):
            raise RunError(f"{run}: a {kind} net as {other} is, and a folder holds one; export it to another with --to")
        kinds[kind] = run
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export") as partial:
        exported = [_convert(run, Path(partial), in_8_bits, progress) for run in runs]
        # By their runs, as the files that an error would name are gone by then.
        new = {one.path.name: replace(Model.load(one.path), path=one.run) for one in exported}
        old = {path.name: Model.load(path) for path in folder.glob("*.onnx") if path.name not in new}
        try:
            Tagger((new | old).values())
        except ModelError as error:
            raise RunError(f"{error}; nothing replaced, use --to") from None
        for one in exported:
            for suffix in (".keras", ".onnx"):
                one.path.with_suffix(suffix).replace(folder / f"{one.path.stem}{suffix}")
    return [replace(one, path=folder / one.path.name) for one in exported]


def _convert(run: Path, folder: Path, in_8_bits: bool, progress: Callable[[int, int], None]) -> Exported:
    config = Config.read(run)
    if not (run / "result.json").is_file():
        again = f"audiotagger train --model {config.kind} --arch {config.arch} --run {run} --resume"
        raise RunError(f"{run}: this run has not finished; go on with `{again}`")
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    net = load_keras(run / "model.keras")
    # What the net gives to none of the labels is left out, so the rest may sum to less than one.
    probabilities = keras.layers.Softmax()(net.output / result["temperature"])[:, : len(config.labels)]
    model = keras.Model(net.input, [probabilities, net.get_layer("embedding").output])
    path = folder / f"{config.kind}.onnx"
    _write_onnx(model, path, _metadata(config, result, net.get_layer("embedding").output.shape[-1]))
    shutil.copyfile(run / "model.keras", path.with_suffix(".keras"))
    windows = np.load(run / "windows.npy").astype(np.float32)
    exported = Model.load(path)
    expected, embedding = (np.asarray(output) for output in model(windows, training=False))
    scale = max(float(np.abs(embedding).max()), 1.0)  # of its largest value
    difference = max(
        float(np.max(np.abs(exported.predict(windows) - expected))),
        float(np.max(np.abs(exported.embed(windows) - embedding))) / scale,
    )
    if not difference <= TOLERANCE:
        raise RunError(f"{run}: ONNX differs from Keras by {difference:.1e}, over {TOLERANCE:.0e}; nothing replaced")
    quantized = quantize(path, run, progress) if in_8_bits else None
    more = {"quantized": "int8", "scores": json.dumps(quantized.scores)} if quantized else {}
    _describe(path, golden=_reference_output(path), **more)
    return Exported(path, run, difference, quantized)


def _write_onnx(model: keras.Model, path: Path, metadata: dict[str, str]) -> None:
    signature = [tf.TensorSpec((None, None), tf.float32, name="waveform")]
    proto, _ = tf2onnx.convert.from_keras(model, input_signature=signature, opset=OPSET)
    named = dict(zip((output.name for output in proto.graph.output), ("probabilities", "embedding"), strict=True))
    for node in proto.graph.node:
        node.output[:] = [named.get(name, name) for name in node.output]
        node.input[:] = [named.get(name, name) for name in node.input]
    for output in proto.graph.output:
        output.name = named[output.name]
    onnx.helper.set_model_props(proto, metadata)
    onnx.save(proto, path)


def _reference_output(path: Path) -> str:
    """What the file makes of the reference waveform, for `audiotagger models verify`."""
    model = Model.load(path)
    (probabilities,) = model.predict(reference_waveform(model.sample_rate, model.window_samples)[None])
    return json.dumps([round(float(one), DIGITS) for one in probabilities])


def _describe(path: Path, **metadata: str) -> None:
    """Add to the metadata of a file, or change it."""
    proto = onnx.load(path)
    onnx.helper.set_model_props(proto, {prop.key: prop.value for prop in proto.metadata_props} | metadata)
    onnx.save(proto, path)


def _metadata(config: Config, result: dict[str, Any], embedding_size: int) -> dict[str, str]:
    return {
        "audiotagger": FORMAT,
        "kind": config.kind,
        "labels": json.dumps(config.labels),
        "sample_rate": str(SAMPLE_RATE),
        "window_samples": str(round(config.recipe.window * SAMPLE_RATE)),
        "embedding_size": str(embedding_size),
        "version": result["finished"],
        "data_id": config.data_id,
        "temperature": repr(result["temperature"]),
        "scores": json.dumps(result["validation"]),
    }
