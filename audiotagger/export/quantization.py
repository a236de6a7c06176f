"""Quantize the convolutions of an exported model to 8 bits, if its best labels stay the same."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from audiotagger.audio.types import Array
from audiotagger.datasets.cache import decode_all
from audiotagger.datasets.clip import Clip
from audiotagger.datasets.dataset import Dataset, dataset_id, read_dataset
from audiotagger.datasets.splits import hold_out
from audiotagger.errors import RunError
from audiotagger.inference.model import Model
from audiotagger.inference.verification import reference_waveform
from audiotagger.output.files import replacing
from audiotagger.training.run_folder import Config
from audiotagger.training.validation import Validation, cut

CLIPS = 400
"""Number of training clips, a window of each, from which the ranges of activations are found."""

AGREEMENT = 0.99
"""Smallest accepted share of windows with the same best label."""


@dataclass(frozen=True)
class Quantized:
    """What quantization changed; pairs are before and after."""

    sizes: tuple[int, int]
    """Bytes of the file."""
    seconds: tuple[float, float]
    """Of predicting a clip of 5 s on one thread."""
    agreement: float
    """Share of `windows` windows with the same best label."""
    windows: int
    clips: int
    """How many clips the windows are of."""
    scores: dict[str, float]
    """On the held-out clips, as in result.json; empty if there are none."""


def quantize(path: Path, run: Path, progress: Callable[[int, int], None]) -> Quantized:
    """Replace an ONNX file by one with 8-bit convolutions.

    Parameters
    ----------
    path
        The ONNX file of `run`.
    run
        A run folder, whose data must still be there.
    progress
        Called with (done, total) decoded clips.

    Raises
    ------
    RunError
        The run's data is gone or has changed, or the best label stays the same for less than `AGREEMENT` of the
        held-out windows; without held-out clips, of windows of training clips that ranges were not found on.
    """
    model = Model.load(path)
    config = Config.read(run)
    dataset = _dataset(run, config)
    training, judged = (dataset.train, []) if config.fold is None else hold_out(dataset.train, fold=config.fold)
    held_out = bool(judged)
    if held_out:
        training = _balanced(training)[:CLIPS]
    else:
        clips = _balanced(dataset.train)
        training, judged = clips[::2][:CLIPS], clips[1::2][:CLIPS]
    waveforms = decode_all([*training, *judged], model.sample_rate, progress)
    indices = range(len(waveforms))
    windows = [cut(waveforms[index], model.window_samples)[0] for index in indices[: len(training)]]
    validation = Validation(judged, waveforms.take(indices[len(training) :]), dataset.labels, model.window_samples)

    with replacing(path) as partial:
        _write(path, partial, windows)
        in_8_bits = Model.load(partial)
        before, after = (_predict(one, validation.windows) for one in (model, in_8_bits))
        agreement = float(np.mean(before.argmax(axis=1) == after.argmax(axis=1)))
        if not agreement >= AGREEMENT:
            raise RunError(
                f"{run}: quantized, the best label stays the same for {agreement:.1%} of {len(after)} windows, "
                f"below {AGREEMENT:.0%}; nothing replaced, export without --quantize"
            )
        sizes = path.stat().st_size, partial.stat().st_size
    scores = validation.means(after)[:, : len(dataset.labels)]  # further labels come after these
    return Quantized(
        sizes=sizes,
        seconds=_seconds(model, in_8_bits),
        agreement=agreement,
        windows=len(after),
        clips=len(judged),
        scores={"clips": len(judged), **validation.summary(scores)} if held_out else {},
    )


def _dataset(run: Path, config: Config) -> Dataset:
    """Read the dataset of a run. Raises RunError if it is gone or has changed."""
    data = Path(config.data)
    if not data.exists():
        raise RunError(f"{data}: the data of {run} is gone, and --quantize needs its clips; export without --quantize")
    dataset = read_dataset(data)
    if dataset_id(dataset) != config.data_id:
        raise RunError(f"{data}: changed since {run} was trained on it; export without --quantize")
    return dataset


def _balanced(clips: Sequence[Clip]) -> list[Clip]:
    """Return one clip of each label, then the next one of each, and so on; always in the same order."""
    taken: Counter[str] = Counter()
    turns = []
    for index in np.random.default_rng(0).permutation(len(clips)):
        label = clips[index].label
        turns.append((taken[label], label, int(index)))
        taken[label] += 1
    return [clips[index] for *_, index in sorted(turns)]


class _Reader(CalibrationDataReader):
    def __init__(self, windows: Sequence[Array]) -> None:
        self._inputs: Iterator[dict[str, Any]] = ({"waveform": window[None]} for window in windows)

    def get_next(self) -> dict[str, Any] | None:
        return next(self._inputs, None)


def _write(source: Path, target: Path, windows: Sequence[Array]) -> None:
    """Write the model of `source` with 8-bit weights, one scale per channel, and activations, one scale per tensor."""
    # Batch normalization is folded into the convolutions already. Optimizing the graph here would tie the file to
    # operators of onnxruntime's own, and symbolic shapes need another package.
    quant_pre_process(source, target, skip_optimization=True, skip_symbolic_shape=True)
    convolutions = [node.name for node in onnx.load(target).graph.node if node.op_type == "Conv"]
    quantize_static(
        target,
        target,
        _Reader(windows),
        # Between two convolutions nothing else may need floats, or the values would change to and fro.
        op_types_to_quantize=["Conv", "Relu", "MaxPool"],
        # The first one has few inputs: it is faster in floats, and keeps the whole dynamic range.
        nodes_to_exclude=convolutions[:1],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


def _predict(model: Model, windows: Array) -> Array:
    """Return probabilities [windows, labels], one window at a time as in tagging."""
    return np.concatenate([model.predict(window[None]) for window in windows])


def _seconds(before: Model, after: Model) -> tuple[float, float]:
    """Return the fastest of 50 predictions of a 5 s clip by each model; in turns, so that a busy machine is fair."""
    clip = reference_waveform(before.sample_rate, 5 * before.sample_rate)[None]

    def seconds(model: Model) -> float:
        began = time.perf_counter()
        model.predict(clip)
        return time.perf_counter() - began

    of_before, of_after = zip(*((seconds(before), seconds(after)) for _ in range(50)), strict=True)
    return min(of_before), min(of_after)
