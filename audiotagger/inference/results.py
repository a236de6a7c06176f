"""What tagging returns: labels with scores, of a whole file and of segments of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from audiotagger.errors import AudioError, AudioWarning


@dataclass(frozen=True)
class Tag:
    """A label and its score, a probability in [0, 1]."""

    label: str
    score: float


@dataclass(frozen=True)
class Segment:
    """A label from `start` to `end`, in seconds; its score is the mean over the segment's windows, in [0, 1]."""

    start: float
    end: float
    label: str
    score: float


@dataclass(frozen=True)
class Tagging:
    """The result for one file: its tags, or the error that prevented them."""

    path: str
    """As given or found; "-" for standard input, an open file or an array."""
    duration: float | None = None
    """Seconds; None if the file could not be tagged."""
    tags: tuple[Tag, ...] = ()
    """Best first; empty for silence."""
    by_model: Mapping[str, tuple[Tag, ...]] = field(default_factory=dict)
    """The tags of each model of the ensemble, by model name."""
    error: AudioError | None = None

    confident: bool = False
    """Whether the best score reaches the threshold, of at least 0.2 s. If not, the sound may be none of the labels."""
    segments: tuple[Segment, ...] = ()
    """Where a label reaches the threshold, in order of time."""
    warning: AudioWarning | None = None
    """What is wrong with a file that was tagged all the same, such as that only a part of it could be read."""

    @property
    def ok(self) -> bool:
        """Whether the file could be tagged."""
        return self.error is None


class Timeline:
    """Merge the labels of consecutive windows into segments."""

    def __init__(self) -> None:
        self._segments: list[Segment] = []
        self._start = 0.0
        self._tags: list[Tag] = []  # of one label, since `_start`

    def add(self, start: float, tag: Tag | None) -> None:
        """Add a window: from `start` seconds on, `tag` applies, or no label."""
        if self._tags and (tag is None or tag.label != self._tags[0].label):
            self._close(start)
        if tag is not None:
            if not self._tags:
                self._start = start
            self._tags.append(tag)

    def end(self, duration: float) -> tuple[Segment, ...]:
        """Return all segments of a waveform of `duration` seconds."""
        if self._tags:
            self._close(duration)
        return tuple(self._segments)

    def _close(self, end: float) -> None:
        score = sum(tag.score for tag in self._tags) / len(self._tags)
        self._segments.append(Segment(self._start, end, self._tags[0].label, score))
        self._tags = []
