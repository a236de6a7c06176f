"""What a terminal or a picture shows of one file. Needs no numpy: a worker computes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audiotagger.inference.results import Tagging
from audiotagger.report.details import LEVELS

if TYPE_CHECKING:
    from audiotagger.inference.tagger import Tagger
    from audiotagger.inference.worker_process import File


@dataclass(frozen=True)
class View:
    """A log-mel picture and a time line."""

    bands: tuple[bytes, ...]
    """Of the picture, low ones first: a level from 0 to 255 per column."""
    hertz: tuple[float, ...]
    """The middle of each band."""
    timeline: Mapping[str, str]
    """As of `audiotagger.report.details.Details`, and the next two."""
    offset: float
    step: float

    def scores(self, label: str, duration: float, columns: int) -> list[float]:
        """Return the scores of a label of the time line at the middles of so many columns."""
        line = self.timeline[label]
        times = ((column + 0.5) * duration / columns for column in range(columns))
        indices = (int((time - self.offset) / self.step) if self.step else 0 for time in times)
        return [LEVELS.index(line[min(max(index, 0), len(line) - 1)]) / (len(LEVELS) - 1) for index in indices]


def view(tagger: Tagger, file: File, **options: Any) -> tuple[Tagging, View]:
    """Call `audiotagger.report.analysis.view`, which only workers import."""
    from audiotagger.report import analysis

    return analysis.view(tagger, file, **options)
