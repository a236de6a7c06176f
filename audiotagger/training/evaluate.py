"""How well a set of models tags the clips of a data folder. Needs no tensorflow."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiotagger import metrics
from audiotagger.audio import read_blocks
from audiotagger.errors import DataError
from audiotagger.tagger import Tagger, available_cores
from audiotagger.training.corpus import TEST_DATA, Clip, hold_out, read_corpus, read_test


@dataclass(frozen=True)
class Evaluation:
    """scores: of each net and of "average", [clips, labels]; truth: [clips], indices of `labels`."""

    labels: tuple[str, ...]
    truth: NDArray[np.int64]
    scores: dict[str, NDArray[np.float32]]

    def summary(self) -> list[tuple[str, float, float, float]]:
        """Rows (name, MAP@3, macro MAP@3, top-1), the average last."""
        return [
            (
                name,
                metrics.map_at(scores, self.truth),
                metrics.macro_map_at(scores, self.truth),
                metrics.top_1(scores, self.truth),
            )
            for name, scores in self.scores.items()
        ]

    def by_label(self) -> list[tuple[str, int, list[float]]]:
        """Rows (label, clips, MAP@3 in the order of `scores`) for each label that has clips."""
        precision = [metrics.precision_at(scores, self.truth) for scores in self.scores.values()]
        return [
            (self.labels[i], int(np.sum(self.truth == i)), [float(p[self.truth == i].mean()) for p in precision])
            for i in np.unique(self.truth)
        ]


def evaluate(tagger: Tagger, data: Path, split: str, progress: Callable[[int, int], None]) -> Evaluation:
    """Tag a split of `data`: "test", or "validation", the clips of train.csv that training holds out.

    Raises DataError if there are none, or if they have labels that the models do not know.
    """
    clips = read_test(data) if split == "test" else hold_out(read_corpus(data).train)[1]
    if not clips:
        raise DataError(f"{data}: no {split} clips; the test split needs {TEST_DATA}")
    unknown = sorted({clip.label for clip in clips} - set(tagger.labels))
    if unknown:
        raise DataError(f"{data}: labels that these models do not know: {', '.join(unknown)}")

    def probabilities(clip: Clip) -> dict[str, NDArray[np.float32]]:
        return tagger.probabilities(read_blocks(clip.path, tagger.sample_rate))[0]

    results = []
    with ThreadPoolExecutor(available_cores()) as pool:
        for result in pool.map(probabilities, clips):
            results.append(result)
            progress(len(results), len(clips))
    scores = {model.name: np.stack([result[model.name] for result in results]) for model in tagger.models}
    scores["average"] = np.mean(list(scores.values()), axis=0)
    truth = np.array([tagger.labels.index(clip.label) for clip in clips])
    return Evaluation(tagger.labels, truth, scores)


def report(evaluation: Evaluation) -> str:
    """The tables of an evaluation as aligned text: each net and the average, then each label."""
    lines = [f"{'':<24}{'MAP@3':>10}{'macro':>10}{'top-1':>10}"]
    lines += [f"{name:<24}" + "".join(f"{value:>10.3f}" for value in values) for name, *values in evaluation.summary()]
    lines += ["", f"{'MAP@3 by label':<24}{'clips':>6}" + "".join(f"{name:>10}" for name in evaluation.scores)]
    for label, clips, values in evaluation.by_label():
        lines.append(f"{label:<24}{clips:>6}" + "".join(f"{value:>10.3f}" for value in values))
    return "\n".join(lines)
