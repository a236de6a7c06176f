"""What is wrong with a dataset, and how it is made up, before a model is trained on it."""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audiotagger.audio.decoding import native_blocks
from audiotagger.datasets.clip import Clip
from audiotagger.datasets.dataset import Dataset, read_dataset
from audiotagger.datasets.splits import hold_out
from audiotagger.errors import AudioError, AudioWarning, DataError
from audiotagger.inference.parallel import available_cores, ordered_map
from audiotagger.output.tables import make_table

SPLITS = ("train", "test", "other", "other_test", "unlabelled")

FEW_CLIPS = 10
"""Of a label: with fewer, hardly anything is learned."""

SECONDS = (0.1, 0.3, 1, 3, 10, 30, 100)
"""Edges of the bins of durations."""


@dataclass(frozen=True)
class ClipInfo:
    """What decoding a clip shows."""

    split: str
    clip: Clip
    seconds: float = 0.0
    sample_rate: int = 0
    digest: bytes = b""
    """Of its samples and their rate: the same for the same sound in any lossless format; empty for silence."""
    error: str = ""
    """Why it cannot be decoded."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ValidationReport:
    """What is wrong with a dataset, one line each."""

    errors: list[str]
    """For which `audiotagger train` refuses it."""
    warnings: list[str]
    clips: list[ClipInfo]
    """In the order of the dataset's lists."""


def validate(data: Path, progress: Callable[[int, int], None]) -> ValidationReport:
    """Decode all clips of `data` and look for what is wrong with them. `progress` is called with (done, total)."""
    try:
        dataset = read_dataset(data)
    except DataError as error:
        return ValidationReport([str(error)], [], [])
    listed = [(split, clip) for split in SPLITS for clip in getattr(dataset, split)]
    clips: list[ClipInfo] = []
    cancelled = threading.Event()
    for info in ordered_map(lambda item: _decode(*item, cancelled), listed, available_cores(), cancelled.set):
        clips.append(info)
        progress(len(clips), len(listed))
    return ValidationReport([*_errors(clips)], [*_warnings(dataset, clips)], clips)


def _decode(split: str, clip: Clip, cancelled: threading.Event) -> ClipInfo:
    seconds, sample_rate, silent = 0.0, 0, True
    digest = hashlib.sha256()
    warnings: list[AudioWarning] = []
    try:
        for sample_rate, block in native_blocks(clip.path, warnings.append):
            seconds += len(block) / sample_rate
            silent = silent and not block.any()
            digest.update(block.tobytes())
            if cancelled.is_set():
                break
    except AudioError as error:
        return ClipInfo(split, clip, error=str(error))
    digest.update(str(sample_rate).encode())
    messages = tuple(warning.message for warning in warnings)
    return ClipInfo(split, clip, seconds, sample_rate, b"" if silent else digest.digest(), warnings=messages)


DECODED_BY_TRAINING = {"train", "other"}
"""Splits that training cannot do without."""


def _errors(clips: Sequence[ClipInfo]) -> Iterator[str]:
    yield from (info.error for info in clips if info.error and info.split in DECODED_BY_TRAINING)


def _warnings(dataset: Dataset, clips: Sequence[ClipInfo]) -> Iterator[str]:
    yield from (info.error for info in clips if info.error and info.split not in DECODED_BY_TRAINING)
    for label, count in Counter(clip.label for clip in dataset.train).items():
        if count < FEW_CLIPS:
            clips_of_it = "1 training clip" if count == 1 else f"{count} training clips"
            yield f"{label}: only {clips_of_it}; a model learns little from fewer than {FEW_CLIPS}"
    if not hold_out(dataset.train)[1]:
        yield f"{dataset.root}: one source or group per label; training cannot hold any out for validation"
    for label in sorted({clip.label for clip in dataset.test} - set(dataset.labels)):
        yield f"{label}: a label of test clips only; no model can learn it"
    copies: dict[bytes, list[ClipInfo]] = defaultdict(list)
    for info in clips:
        yield from info.warnings
        if info.digest:
            copies[info.digest].append(info)
        elif not info.error:
            yield f"{info.clip.path}: silent; remove it"
    yield from (_duplicates(alike) for alike in copies.values() if len(alike) > 1)


def _duplicates(copies: Sequence[ClipInfo]) -> str:
    splits = list(dict.fromkeys(info.split for info in copies))
    labels = sorted({info.clip.label for info in copies if info.clip.label})
    where = f" in {' and '.join(splits)}" if len(splits) > 1 else ""
    what = f" labelled {' and '.join(labels)}" if len(labels) > 1 else ""
    return f"the same sound{where}{what}; keep one of {', '.join(str(info.clip.path) for info in copies)}"


def summarize(data: Path, clips: Sequence[ClipInfo]) -> str:
    """Return how many clips there are of each split, label, duration and sample rate, as text for people."""
    of_split = Counter(info.split for info in clips)
    hours = sum(info.seconds for info in clips) / 3600
    parts = [f"{data}: {', '.join(f'{count} {split}' for split, count in of_split.items())} clips; {hours:.1f} hours"]
    if unverified := sum(not info.clip.verified for info in clips):
        parts.append(f"{unverified} labels are not manually verified")
    labelled = Counter((info.split, info.clip.label) for info in clips if info.split in ("train", "test"))
    labels = sorted({label for _, label in labelled})
    rows = [(label, str(labelled["test", label]), labelled["train", label]) for label in labels]
    parts += ["", _histogram(["label", ">test", ">train"], rows)]
    decoded = [info for info in clips if not info.error]
    bins = Counter(int(np.searchsorted(SECONDS, info.seconds, "right")) for info in decoded)
    names = [f"< {SECONDS[0]:g}", *(f"{low:g} - {high:g}" for low, high in itertools.pairwise(SECONDS))]
    names.append(f">= {SECONDS[-1]:g}")
    spread = range(min(bins, default=0), max(bins, default=-1) + 1)
    parts += ["", _histogram(["seconds", ">clips"], [(names[index], bins[index]) for index in spread])]
    rates = Counter(info.sample_rate for info in decoded)
    parts += ["", _histogram(["Hz", ">clips"], [(str(rate), rates[rate]) for rate in sorted(rates)])]
    return "\n".join(parts)


def _histogram(columns: Sequence[str], rows: Sequence[tuple[*tuple[str, ...], int]], width: int = 40) -> str:
    """Return a table with a bar for the last column of each row."""
    most = max((count for *_, count in rows), default=1)
    bars = ((*texts, str(count), "#" * -(-width * count // max(most, 1))) for *texts, count in rows)
    return make_table([*columns, ""], bars)
