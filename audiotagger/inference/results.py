"""What tagging gives: labels with scores, of a file and of stretches of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from audiotagger.errors import AudioError


@dataclass(frozen=True)
class Tag:
    """A label and how probable it is, in [0, 1]."""

    label: str
    score: float


@dataclass(frozen=True)
class Segment:
    """A stretch of time, from `start` to `end` seconds, that has one label, and the mean of its scores there."""

    start: float
    end: float
    label: str
    score: float


@dataclass(frozen=True)
class Tagging:
    """What was heard in one file, best first; or, where `error` is set, why nothing could be."""

    path: str
    duration: float | None = None
    """Seconds."""
    tags: tuple[Tag, ...] = ()
    by_model: Mapping[str, tuple[Tag, ...]] = field(default_factory=dict)
    """Each net's own tags, by the name of its file."""
    error: AudioError | None = None

    confident: bool = False
    """Whether the best label, shown or not, reaches the tagger's threshold. If not, it may be none of them."""
    segments: tuple[Segment, ...] = ()
    """Where a label reaches the threshold, in order; what lies between is silence, or nothing the tagger is sure of."""

    @property
    def ok(self) -> bool:
        return self.error is None


class Timeline:
    """Segments out of the labels of one moment after the other."""

    def __init__(self) -> None:
        self._segments: list[Segment] = []
        self._start = 0.0
        self._tags: list[Tag] = []  # of one label, since `_start`

    def add(self, start: float, tag: Tag | None) -> None:
        """From `start` seconds on, `tag` is heard, or nothing."""
        if self._tags and (tag is None or tag.label != self._tags[0].label):
            self._close(start)
        if tag is not None:
            if not self._tags:
                self._start = start
            self._tags.append(tag)

    def end(self, duration: float) -> tuple[Segment, ...]:
        """Return all segments, the last of which ends at `duration` seconds at the latest."""
        if self._tags:
            self._close(duration)
        return tuple(self._segments)

    def _close(self, end: float) -> None:
        score = sum(tag.score for tag in self._tags) / len(self._tags)
        self._segments.append(Segment(self._start, end, self._tags[0].label, score))
        self._tags = []
