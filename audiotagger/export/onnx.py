"""Export training runs to self-contained ONNX files."""

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
import onnxruntime
import tensorflow as tf
import tf2onnx

from audiotagger.errors import ModelError, RunError
from audiotagger.export.quantization import Quantized, quantize
from audiotagger.export.simplification import simplify
from audiotagger.inference.model import FORMAT, Model, shipped_models
from audiotagger.inference.tagger import Tagger
from audiotagger.inference.verification import DIGITS, reference_waveform
from audiotagger.output.files import named, replacing
from audiotagger.output.leftovers import in_use, remove_leftovers_once
from audiotagger.output.tables import make_table
from audiotagger.training.keras_file import load_keras
from audiotagger.training.recipes import SAMPLE_RATE
from audiotagger.training.run_folder import Config

OPSET = 18

TOLERANCE = 1e-4
"""Largest accepted difference between Keras and ONNX."""


@dataclass(frozen=True)
class Exported:
    """What a run was exported to."""

    path: Path
    run: Path
    difference: float
    """Largest difference from Keras: of a probability, or of an embedding relative to its largest value."""
    quantized: Quantized | None = None


def default_destination() -> Path:
    """Return the folder for models if none was named: models, but never the shipped ones of a checkout."""
    folder = Path("models")
    return Path("exported") if folder.resolve() == shipped_models().resolve() else folder


def export(
    runs: Sequence[Path],
    folder: Path,
    *,
    in_8_bits: bool = False,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> list[Exported]:
    """Write KIND.onnx and KIND.keras of each run.

    Parameters
    ----------
    runs
        Run folders.
    folder
        The destination. Older files in it are replaced only if all runs pass.
    in_8_bits
        Whether to `quantize`.
    progress
        Called with (done, total) clips while these are decoded to quantize.

    Raises
    ------
    RunError
        A run has not finished, two are of one kind, an ONNX file differs from Keras by more than `TOLERANCE`, or
        `folder` would have models that cannot be averaged; also as `quantize`.
    """
    kinds: dict[str, Path] = {}
    for run in runs:
        if other := kinds.get(kind := Config.read(run).kind):
            raise RunError(f"{run}: a {kind} model, as {other} is; export one of them to another --output")
        kinds[kind] = run
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers_once(folder)
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix=".export.", suffix=".partial") as workshop,
        in_use(Path(workshop)),
        named(folder),
    ):
        exported = [_convert(run, Path(workshop), in_8_bits, progress) for run in runs]
        # By their runs, as the files that an error would name are gone by then.
        new = {one.path.name: replace(Model.load(one.path), path=one.run) for one in exported}
        old = {path.name: Model.load(path) for path in folder.glob("*.onnx") if path.name not in new}
        try:
            Tagger((new | old).values())
        except ModelError as error:
            raise RunError(f"{error}; nothing replaced, choose another --output") from None
        for one in exported:
            for suffix in (".keras", ".onnx"):
                with replacing(folder / f"{one.path.stem}{suffix}") as partial:
                    one.path.with_suffix(suffix).replace(partial)
    return [replace(one, path=folder / one.path.name) for one in exported]


def as_table(exported: Sequence[Exported]) -> str:
    """Return what was exported, for people."""
    rows = [[str(one.path), str(one.run), f"{one.difference:.1e}"] for one in exported]
    table = make_table(["model", "run", ">difference from Keras"], rows)
    quantized = [
        [
            str(one.path),
            "{:.2f} to {:.2f} MB".format(*(size / 1e6 for size in one.quantized.sizes)),
            "{:.1f} to {:.1f} ms".format(*(1e3 * seconds for seconds in one.quantized.seconds)),
            f"{one.quantized.agreement:.1%} of {one.quantized.windows} windows",
            str(one.quantized.clips),
        ]
        for one in exported
        if one.quantized
    ]
    titles = ["8 bits", "size", "5 s clip", "same best label", ">clips"]
    return f"{table}\n\n{make_table(titles, quantized)}" if quantized else table


def _convert(run: Path, folder: Path, in_8_bits: bool, progress: Callable[[int, int], None]) -> Exported:
    config = Config.read(run)
    if not (run / "result.json").is_file():
        again = f"audiotagger train --model {config.kind} --arch {config.arch} --output {run} --resume"
        raise RunError(f"{run}: this run has not finished; resume it with `{again}`")
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    trained = load_keras(run / "model.keras")
    # The output for none of the labels is left out, so the rest may sum to less than one.
    scores = keras.layers.Softmax()(trained.output / result["temperature"])[:, : len(config.labels)]
    model = keras.Model(trained.input, [scores, trained.get_layer("embedding").output])
    path = folder / f"{config.kind}.onnx"
    _write_onnx(model, path, _metadata(config, result, trained.get_layer("embedding").output.shape[-1]))
    shutil.copyfile(run / "model.keras", path.with_suffix(".keras"))
    windows = np.load(run / "windows.npy").astype(np.float32)
    expected, embedding = (np.asarray(output) for output in model(windows, training=False))
    try:
        exported = Model.load(path)
        probabilities, embedded = exported.predict(windows), exported.embed(windows)
    except ModelError as error:  # names a temporary file
        raise RunError(f"{run}: {str(error).partition(': ')[2]}; nothing replaced") from None
    scale = max(float(np.abs(embedding).max()), 1.0)  # of its largest value
    difference = max(
        float(np.max(np.abs(probabilities - expected))), float(np.max(np.abs(embedded - embedding))) / scale
    )
    if not difference <= TOLERANCE:
        raise RunError(f"{run}: ONNX differs from Keras by {difference:.1e}, over {TOLERANCE:.0e}; nothing replaced")
    quantized = quantize(path, run, progress) if in_8_bits else None
    more = {"quantized": "int8", "scores": json.dumps(quantized.scores)} if quantized else {}
    _describe(path, reference_output=_reference_output(path), **more)
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
    simplify(proto.graph)
    onnx.save(proto, path)
    _fold_constants(path)
    _describe(path, **metadata)


def _fold_constants(path: Path) -> None:
    """Rewrite a file as ONNX Runtime would each time it loads it, as far as the operators are those of ONNX."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    proto = onnx.load(path)
    others = [opset for opset in proto.opset_import if opset.domain]
    for opset in others:
        proto.opset_import.remove(opset)
    onnx.save(proto, path)


def _reference_output(path: Path) -> str:
    """Return the probabilities of the reference waveform, for `audiotagger models verify`."""
    model = Model.load(path)
    (probabilities,) = model.predict(reference_waveform(model.sample_rate, model.window_samples)[None])
    return json.dumps([round(float(one), DIGITS) for one in probabilities])


def _describe(path: Path, **metadata: str) -> None:
    """Add metadata to a file, or replace it."""
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
