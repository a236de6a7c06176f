"""Tags of the last seconds, again and again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from audiotagger.audio.types import AudioBlock, Waveform
from audiotagger.inference.results import Tag
from audiotagger.inference.tagger import Tagger


@dataclass(frozen=True)
class Moment:
    """The tags from `start` to `end`, in seconds since the sound began, best first; none for silence."""

    start: float
    end: float
    tags: tuple[Tag, ...]
    confident: bool


def rolling_tags(
    tagger: Tagger, blocks: Iterable[AudioBlock], *, window: float, hop: float, top_k: int = 3, min_score: float = 0.0
) -> Iterator[Moment]:
    """Tag the last `window` seconds every `hop` seconds, as `Tagger.tag` does a file of them.

    Parameters
    ----------
    tagger
        Whose own hop plays no part.
    blocks
        Mono samples [n] of any number as they come, all at one sample rate.
    window, hop
        Seconds. At the beginning, and if the sound ends before that, there is less than a window.
    top_k, min_score
        As of `Tagger.tag`.

    Yields
    ------
    Moment
        As soon as its last sample is there.
    """
    held: Waveform = np.zeros(0, np.float32)
    end = due = rate = 0  # samples
    for rate, block in blocks:
        due = due or _samples(hop, rate)
        while len(block):
            fitting = block[: due - end]
            block = block[len(fitting) :]
            held = np.concatenate([held, fitting])[-_samples(window, rate) :]
            end += len(fitting)
            if end == due:
                due += _samples(hop, rate)
                yield _moment(tagger, held, end, rate, top_k, min_score)
    if rate and end > due - _samples(hop, rate):
        yield _moment(tagger, held, end, rate, top_k, min_score)


def _samples(seconds: float, rate: int) -> int:
    return max(1, round(seconds * rate))


def _moment(tagger: Tagger, held: Waveform, end: int, rate: int, top_k: int, min_score: float) -> Moment:
    tagging = tagger.tag(held, sample_rate=rate, top_k=top_k, min_score=min_score)
    return Moment((end - len(held)) / rate, end / rate, tagging.tags, tagging.confident)
