"""The convolutions of an exported net in 8 bits: a smaller and faster file, or none if it no longer says the same."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from audiotagger.datasets.cache import decode_all
from audiotagger.datasets.clip import Clip
from audiotagger.datasets.dataset import corpus_id, read_corpus
from audiotagger.datasets.splits import hold_out
from audiotagger.errors import RunError
from audiotagger.inference.model import Model
from audiotagger.inference.verification import reference_waveform
from audiotagger.output.files import replacing
from audiotagger.training.run_folder import Config
from audiotagger.training.validation import Validation, cut

CLIPS = 400
"""Training clips that show how large the values between the layers get, a window of each."""

AGREEMENT = 0.99
"""Smallest share of windows with the same best label that is let through."""


@dataclass(frozen=True)
class Quantized:
    """What 8 bits changed; pairs are before and after."""

    sizes: tuple[int, int]
    """Bytes of the file."""
    seconds: tuple[float, float]
    """For a clip of 5 s, on one thread."""
    agreement: float
    """Share of `windows` windows with the same best label."""
    windows: int
    scores: dict[str, float]
    """On the held-out clips, as in result.json; empty if there are none."""

    def __str__(self) -> str:
        kilobytes, milliseconds = (size / 1e3 for size in self.sizes), (1e3 * one for one in self.seconds)
        return (
            "8 bits: {:.0f} kB to {:.0f} kB\t".format(*kilobytes)
            + "{:.1f} ms to {:.1f} ms for 5 s\t".format(*milliseconds)
            + f"same best label for {self.agreement:.1%} of {self.windows} windows"
        )


def quantize(path: Path, run: Path, progress: Callable[[int, int], None]) -> Quantized:
    """Replace `path`, the ONNX file of `run`, by one with convolutions in 8 bits.

    `progress` is called with (done, total) clips decoded. Raises RunError if the run's data is not there any more, or
    if the best label stays the same for less than `AGREEMENT` of the held-out windows; without held-out clips, of
    windows of training clips that were not used to find the ranges of values.
    """
    net = Model.load(path)
    config = Config.read(run)
    training, judged = _clips(run, config)
    waveforms = decode_all([*training, *judged], net.sample_rate, progress)
    indices = range(len(waveforms))
    windows = [cut(waveforms[index], net.window_samples)[0] for index in indices[: len(training)]]
    validation = Validation(judged, waveforms.take(indices[len(training) :]), net.labels, net.window_samples)

    with replacing(path) as partial:
        _write(path, partial, windows)
        in_8_bits = Model.load(partial)
        before, after = (_predict(model, validation.windows) for model in (net, in_8_bits))
        agreement = float(np.mean(before.argmax(axis=1) == after.argmax(axis=1)))
        if not agreement >= AGREEMENT:
            raise RunError(
                f"{run}: in 8 bits this net gives the same best label to {agreement:.1%} of {len(after)} windows, "
                f"under {AGREEMENT:.0%}; nothing replaced, export it without --quantize"
            )
        sizes = path.stat().st_size, partial.stat().st_size
    return Quantized(
        sizes=sizes,
        seconds=_seconds(net, in_8_bits),
        agreement=agreement,
        windows=len(after),
        scores={"clips": len(judged), **validation.summary(validation.means(after))} if config.fold is not None else {},
    )


def _clips(run: Path, config: Config) -> tuple[list[Clip], list[Clip]]:
    """The clips to find ranges on, and those to compare answers on."""
    data = Path(config.data)
    if not data.exists():
        raise RunError(f"{data}: the data of {run} is gone, and 8 bits need its clips; export without --quantize")
    corpus = read_corpus(data)
    if corpus_id(corpus) != config.data_id:
        raise RunError(f"{data}: no longer the data that {run} learned from; export without --quantize")
    if config.fold is None:
        clips = _balanced(corpus.train)
        return clips[::2][:CLIPS], clips[1::2][:CLIPS]
    training, judged = hold_out(corpus.train, fold=config.fold)
    return _balanced(training)[:CLIPS], judged


def _balanced(clips: Sequence[Clip]) -> list[Clip]:
    """One clip of each label, then the next one of each, and so on; always the same ones first."""
    taken: Counter[str] = Counter()
    turns = []
    for index in np.random.default_rng(0).permutation(len(clips)):
        label = clips[index].label
        turns.append((taken[label], label, int(index)))
        taken[label] += 1
    return [clips[index] for *_, index in sorted(turns)]


class _Reader(CalibrationDataReader):
    def __init__(self, windows: Sequence[NDArray[np.float32]]) -> None:
        self._inputs: Iterator[dict[str, Any]] = ({"waveform": window[None]} for window in windows)

    def get_next(self) -> dict[str, Any] | None:
        return next(self._inputs, None)


def _write(source: Path, target: Path, windows: Sequence[NDArray[np.float32]]) -> None:
    """Write the net of `source` with 8-bit weights, one scale a channel, and 8-bit activations, one scale a tensor."""
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
        # The first one has few inputs: it is faster as it is, and hears the whole dynamic range.
        nodes_to_exclude=convolutions[:1],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


def _predict(model: Model, windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities [windows, labels]; one by one, as tagging does it."""
    return np.concatenate([model.predict(window[None]) for window in windows])


def _seconds(before: Model, after: Model) -> tuple[float, float]:
    """Of each net, for a clip of 5 s on one thread: the fastest of 50 in turns, so that a busy machine is fair."""
    clip = reference_waveform(before.sample_rate, 5 * before.sample_rate)[None]

    def seconds(model: Model) -> float:
        began = time.perf_counter()
        model.predict(clip)
        return time.perf_counter() - began

    of_before, of_after = zip(*((seconds(before), seconds(after)) for _ in range(50)), strict=True)
    return min(of_before), min(of_after)
