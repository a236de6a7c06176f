"""What audiotagger requires of a model: its metadata, its inputs and its outputs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audiotagger.inference.model import Model

LARGEST = 1 << 29
"""Bytes of a file; the shipped ones have 6 MB."""

SAMPLE_RATES = (1_000, 400_000)
"""Lowest and highest accepted sample rate in Hz."""

WINDOWS = (0.1, 600.0)
"""Shortest and longest accepted window in seconds."""

MOST_LABELS = 100_000

LISTED_SCORES = ("map3", "macro_map3", "top1")
"""What `audiotagger models list` may print."""

LONGEST_TEXT = 200
"""Characters of a label, and of the other texts."""


def contract_errors(model: Model) -> Iterator[str]:
    """Yield what is wrong with the metadata of a model, then with its declared inputs and outputs."""
    yield from label_errors(model.labels)
    yield from _audio_errors(model)
    if not 0 < model.temperature < math.inf:
        yield f"the temperature of {model.temperature:g} is not greater than 0"
    if not isinstance(model.scores, dict) or (model.scores and "map3" not in model.scores):
        yield "the scores have no map3"
    elif not all(_is_share(value) for name, value in model.scores.items() if name in LISTED_SCORES):
        yield f"the scores {', '.join(LISTED_SCORES)} are not between 0 and 1"
    if model.embedding_size < 0:
        yield f"the embedding size is {model.embedding_size}"
    if not all(map(_is_text, (model.kind, model.version, model.data_id))):
        yield "the kind, the version or the data ID is not a short text"
    if model.reference_output and len(model.reference_output) != len(model.labels):
        yield f"the reference output has {len(model.reference_output)} probabilities for {len(model.labels)} labels"
    yield from _tensor_errors(model)


def label_errors(labels: Sequence[object]) -> Iterator[str]:
    """Yield what is wrong with the labels of a model."""
    if not 0 < len(labels) <= MOST_LABELS or not all(map(_is_text, labels)):
        yield "the labels are not a list of names"
        return
    twice = [label for label, count in Counter(map(str, labels)).items() if count > 1]
    if twice:
        yield f"duplicate labels: {', '.join(twice)}"


def _is_text(value: object) -> bool:
    # Without tabs and line ends, which would shift columns, and without control characters for terminals.
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT and value.isprintable()


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def _audio_errors(model: Model) -> Iterator[str]:
    lowest, highest = SAMPLE_RATES
    shortest, longest = WINDOWS
    if not lowest <= model.sample_rate <= highest:
        yield f"the sample rate of {model.sample_rate} Hz is not between {lowest} and {highest} Hz"
    elif not shortest <= (seconds := model.window_samples / model.sample_rate) <= longest:
        yield f"the window of {seconds:g} s is not between {shortest:g} and {longest:g} s"


def _tensor_errors(model: Model) -> Iterator[str]:
    """Compare with the documented inputs and outputs, of any batch size and number of samples."""
    number = "tensor(float)"
    outputs = {"probabilities": (number, (None, len(model.labels)))}
    if model.embedding_size:
        outputs["embedding"] = (number, (None, model.embedding_size))
    for what, found, expected in (
        ("inputs", model.inputs(), {"waveform": (number, (None, None))}),
        ("outputs", model.outputs(), outputs),
    ):
        if found != expected:
            yield f"the {what} are {found}, not {expected}"
