"""One pass over an audio file: its tags, and all that a page shows of it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from audiotagger.audio.types import AudioFile, Waveform
from audiotagger.inference.results import Tagging
from audiotagger.inference.tagger import Tagger
from audiotagger.report.columns import Columns
from audiotagger.report.details import LEVELS, Details
from audiotagger.report.embedded_audio import EmbeddedAudio
from audiotagger.report.pictures import Picture, band_edges, resize
from audiotagger.report.view import View

OPINIONS = 6
"""Labels whose scores are shown."""

LANES, PLAUSIBLE = 5, 0.3
"""Labels in the time line: those of the file's best, and others that score as high somewhere."""

TIMELINE = 240
"""Most columns of a time line."""

VECTOR = 128
"""Numbers that an embedding is projected to. Random directions keep angles (Johnson and Lindenstrauss)."""


def analyze(
    tagger: Tagger, file: AudioFile, top_k: int = 3, min_score: float = 0.0, embed_audio: bool = False
) -> tuple[Tagging, Details]:
    """Tag a file, and compute its details.

    Parameters
    ----------
    tagger, file, top_k, min_score
        As of `Tagger.tag`.
    embed_audio
        Whether the audio is wanted too.

    Raises
    ------
    AudioError
        The file cannot be tagged.
    """
    observer = _Observer(tagger, embed_audio)
    tagging = tagger.tag(file, top_k=len(tagger.labels), min_score=min_score, observer=observer)
    timeline, offset, step = observer.timeline(tagging)
    fine, coarse = observer.picture.draw()
    details = Details(
        opinions=tuple(_opinions(tagging)),
        timeline=timeline,
        offset=offset,
        step=step,
        vector=observer.vector(),
        fine=fine,
        coarse=coarse,
        audio=observer.audio.url(file) if observer.audio else "",
    )
    by_model = {name: tags[:top_k] for name, tags in tagging.by_model.items()}
    return replace(tagging, tags=tagging.tags[:top_k], by_model=by_model), details


def view(
    tagger: Tagger, file: AudioFile, columns: int, bands: int, top_k: int = 3, min_score: float = 0.0
) -> tuple[Tagging, View]:
    """Tag a file, and compute a picture of it.

    Parameters
    ----------
    tagger, file, top_k, min_score
        As of `Tagger.tag`.
    columns, bands
        Size of the picture; `bands` divides `audiotagger.report.pictures.BANDS`.

    Raises
    ------
    AudioError
        The file cannot be tagged.
    """
    observer = _Observer(tagger, embed_audio=False)
    tagging = tagger.tag(file, top_k=top_k, min_score=min_score, observer=observer)
    levels = np.rint(255 * resize(observer.picture.levels(), columns, bands)).astype(np.uint8)
    hertz = band_edges(tagger.sample_rate)[1:-1].reshape(bands, -1).mean(axis=1)
    timeline, offset, step = observer.timeline(tagging)
    return tagging, View(tuple(band.tobytes() for band in levels.T), tuple(hertz.tolist()), timeline, offset, step)


class _Observer:
    """Collects what `Details` are made of while a file is tagged."""

    def __init__(self, tagger: Tagger, embed_audio: bool) -> None:
        self.picture = Picture(tagger.sample_rate)
        self.audio = EmbeddedAudio(tagger.sample_rate) if embed_audio else None
        self._labels = tagger.labels
        self._scores = Columns(TIMELINE, len(tagger.labels))
        self._starts: list[float] = []
        self._models = tagger.models if all(model.embedding_size for model in tagger.models) else ()
        self._embedding = np.zeros(sum(model.embedding_size for model in self._models))

    def block(self, waveform: Waveform) -> None:
        self.picture.add(waveform)
        if self.audio:
            self.audio.add(waveform)

    def window(self, start: float, window: Waveform, scores: NDArray[np.float32]) -> None:
        if len(self._starts) < 3:
            self._starts.append(start)
        self._scores.add(scores[None])
        if self._models and scores.any():
            self._embedding += np.concatenate([model.embed(window[None])[0] for model in self._models])

    def timeline(self, tagging: Tagging) -> tuple[Mapping[str, str], float, float]:
        """Return the scores over time by label, and where the columns begin."""
        means = self._scores.means()
        highest = dict(zip(self._labels, means.max(axis=0), strict=True))
        best = [tag.label for tag in tagging.tags[:3]]
        others = sorted((label for label in highest if label not in best), key=highest.__getitem__, reverse=True)
        shown = [*best, *(label for label in others if highest[label] >= PLAUSIBLE)][:LANES]
        levels = np.rint(np.clip(means, 0, 1) * (len(LEVELS) - 1)).astype(int)
        lanes = {label: "".join(LEVELS[level] for level in levels[:, self._labels.index(label)]) for label in shown}
        # The first window begins at 0 whatever it stands for; the distance of the others is that of the next two.
        starts = self._starts
        step = starts[-1] - starts[-2] if len(starts) > 1 else tagging.duration or 0.0
        offset = starts[1] - step if len(starts) > 1 else 0.0
        return lanes, round(offset, 4), round(step * self._scores.rows_per_column, 4)

    def vector(self) -> bytes:
        if not self._embedding.any():
            return b""
        projected = self._embedding @ _directions(len(self._embedding))
        numbers: NDArray[np.int8] = np.rint(projected / np.abs(projected).max() * 127).astype(np.int8)
        return numbers.tobytes()


@functools.cache
def _directions(size: int) -> NDArray[np.float64]:
    return np.random.RandomState(0).standard_normal((size, VECTOR))


def _opinions(tagging: Tagging) -> list[tuple[str, tuple[float, ...]]]:
    columns = [tagging.tags, *tagging.by_model.values()]
    scores = [{tag.label: tag.score for tag in tags} for tags in columns]
    highest = {label: max(of.get(label, 0.0) for of in scores) for label in scores[0]}
    shown = sorted(sorted(highest, key=highest.__getitem__)[-OPINIONS:], key=scores[0].__getitem__, reverse=True)
    return [(label, tuple(round(of.get(label, 0.0), 4) for of in scores)) for label in shown]
