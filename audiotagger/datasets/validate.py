"""What is wrong with data, and what it is like, before a net is trained on it. Needs no tensorflow."""

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
from audiotagger.datasets.dataset import Corpus, read_corpus
from audiotagger.datasets.splits import hold_out
from audiotagger.errors import AudioError, DataError
from audiotagger.inference.parallel import available_cores, ordered_map

FEWEST_CLIPS = 2
"""Of a label: one to train on and one to validate with."""

FEW_CLIPS = 10
"""Of a label: with fewer, hardly anything is learned."""

SECONDS = (0.1, 0.3, 1, 3, 10, 30, 100)
"""Where the bins of lengths meet."""


@dataclass(frozen=True)
class ClipInfo:
    """What is known of a clip once it has been decoded. digest: of its samples and their rate, the same for the same
    sound in any lossless format; empty if the clip is silent or `error` says why it cannot be used.
    """

    split: str
    clip: Clip
    seconds: float = 0.0
    sample_rate: int = 0
    digest: bytes = b""
    error: str = ""


@dataclass(frozen=True)
class ValidationReport:
    """errors: what training would fail of; warnings: what would make it worse; one line each. heard: in the order of
    the corpus's lists.
    """

    errors: list[str]
    warnings: list[str]
    heard: list[ClipInfo]


def check(data: Path, progress: Callable[[int, int], None]) -> ValidationReport:
    """Decode all clips of `data` and look for what is wrong with them. `progress` is called with (done, total)."""
    try:
        corpus = read_corpus(data)
    except DataError as error:
        return ValidationReport([str(error)], [], [])
    splits = ("train", "test", "other", "unlabelled")
    listed = [(split, clip) for split in splits for clip in getattr(corpus, split)]
    heard: list[ClipInfo] = []
    cancelled = threading.Event()
    for found in ordered_map(lambda item: _listen(*item, cancelled), listed, available_cores(), cancelled.set):
        heard.append(found)
        progress(len(heard), len(listed))
    return ValidationReport([*_errors(corpus, heard)], [*_warnings(corpus, heard)], heard)


def _listen(split: str, clip: Clip, cancelled: threading.Event) -> ClipInfo:
    seconds, sample_rate, silent = 0.0, 0, True
    digest = hashlib.sha256()
    try:
        for sample_rate, block in native_blocks(clip.path):
            seconds += len(block) / sample_rate
            silent = silent and not block.any()
            digest.update(block.tobytes())
            if cancelled.is_set():
                break
    except AudioError as error:
        return ClipInfo(split, clip, error=str(error))
    digest.update(str(sample_rate).encode())
    return ClipInfo(split, clip, seconds, sample_rate, b"" if silent else digest.digest())


def _errors(corpus: Corpus, heard: Sequence[ClipInfo]) -> Iterator[str]:
    yield from (found.error for found in heard if found.error)
    for label, count in Counter(clip.label for clip in corpus.train).items():
        if count < FEWEST_CLIPS:
            yield f"{label}: only {count} clip to train on; a label needs {FEWEST_CLIPS}"


def _warnings(corpus: Corpus, heard: Sequence[ClipInfo]) -> Iterator[str]:
    for label, count in Counter(clip.label for clip in corpus.train).items():
        if FEWEST_CLIPS <= count < FEW_CLIPS:
            yield f"{label}: only {count} clips to train on; little is learned from fewer than {FEW_CLIPS}"
    if not hold_out(corpus.train)[1]:
        yield f"{corpus.root}: each label has only one source or group; training can hold none out to judge the net by"
    for label in sorted({clip.label for clip in corpus.test} - set(corpus.labels)):
        yield f"{label}: a label of test clips alone; no net can know it"
    alike: dict[bytes, list[ClipInfo]] = defaultdict(list)
    for found in heard:
        if found.digest:
            alike[found.digest].append(found)
        elif not found.error:
            yield f"{found.clip.path}: silent; leave it out"
    for copies in alike.values():
        if len(copies) > 1:
            yield _of_copies(copies)


def _of_copies(copies: Sequence[ClipInfo]) -> str:
    splits = list(dict.fromkeys(found.split for found in copies))
    labels = sorted({found.clip.label for found in copies if found.clip.label})
    where = f" in {' and '.join(splits)}" if len(splits) > 1 else ""
    what = f" labelled {' and '.join(labels)}" if len(labels) > 1 else ""
    return f"the same sound{where}{what}; keep one of {', '.join(str(found.clip.path) for found in copies)}"


def report(data: Path, checked: ValidationReport) -> str:
    """What `check` found as text: errors, warnings, and how labels, lengths and sample rates are distributed."""
    lines = [*(f"error: {line}" for line in checked.errors), *(f"warning: {line}" for line in checked.warnings)]
    if checked.heard:
        lines += ["", *_summary(data, checked.heard)]
    return "\n".join(lines).lstrip("\n")


def _summary(data: Path, heard: Sequence[ClipInfo]) -> Iterator[str]:
    of_split = Counter(found.split for found in heard)
    doubted = sum(not found.clip.verified for found in heard)
    hours = sum(found.seconds for found in heard) / 3600
    yield f"{data}: " + ", ".join(f"{count} {split}" for split, count in of_split.items()) + f"; {hours:.1f} hours"
    if doubted:
        yield f"{doubted} of the labels are not manually verified"
    labelled = Counter((found.split, found.clip.label) for found in heard if found.clip.label)
    labels = sorted({label for _, label in labelled})
    yield from ("", f"{'label':<24}{'test':>8}{'train':>8}")
    yield from _bars([(f"{label:<24}{labelled['test', label]:>8}", labelled["train", label]) for label in labels])
    readable = [found for found in heard if not found.error]
    bins = Counter(int(np.searchsorted(SECONDS, found.seconds, "right")) for found in readable)
    names = [
        f"under {SECONDS[0]:g}",
        *(f"{low:g} to {high:g}" for low, high in itertools.pairwise(SECONDS)),
    ]
    names.append(f"{SECONDS[-1]:g} or more")
    yield from ("", f"{'seconds':<32}{'clips':>8}")
    yield from _bars([(f"{names[i]:<32}", bins[i]) for i in range(min(bins, default=0), max(bins, default=-1) + 1)])
    rates = Counter(found.sample_rate for found in readable)
    yield from ("", f"{'Hz':<32}{'clips':>8}")
    yield from _bars([(f"{rate:<32}", rates[rate]) for rate in sorted(rates)])


def _bars(rows: Sequence[tuple[str, int]]) -> Iterator[str]:
    most = max((count for _, count in rows), default=0)
    for text, count in rows:
        yield f"{text}{count:>8}  {'#' * -(-40 * count // max(most, 1))}".rstrip()
