"""How well a set of models tags the clips of a data folder. Needs no tensorflow."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiotagger import metrics
from audiotagger.audio import read_blocks
from audiotagger.errors import DataError
from audiotagger.tagger import CONFIDENT, Tagger, available_cores
from audiotagger.training.clips import Clip
from audiotagger.training.corpus import hold_out, hold_out_other, read_corpus, read_split

TEST_DATA = "test.csv and audio_test/, in a folder test/ beside train/, or of split test in a CSV file"

COLUMNS = {
    "MAP@3": metrics.map_at,
    "macro": metrics.macro_map_at,
    "top-1": metrics.top_1,
    "ECE": metrics.calibration_error,
}
"""What is reported of each net and of the average; ECE is the expected calibration error."""


@dataclass(frozen=True)
class Evaluation:
    """scores: of each net and of "average", [clips, labels]; truth: [clips], indices of `labels`; other_scores: of
    the average on sounds that are none of the labels, [clips, labels].
    """

    labels: tuple[str, ...]
    truth: NDArray[np.int64]
    scores: dict[str, NDArray[np.float32]]
    other_scores: NDArray[np.float32]

    def summary(self) -> dict[str, dict[str, float]]:
        """What `COLUMNS` names, of each net, the average last."""
        return {
            name: {column: measure(scores, self.truth) for column, measure in COLUMNS.items()}
            for name, scores in self.scores.items()
        }

    def by_label(self) -> list[tuple[str, int, list[float]]]:
        """Rows (label, clips, MAP@3 in the order of `scores`) for each label that has clips."""
        precision = [metrics.precision_at(scores, self.truth) for scores in self.scores.values()]
        return [
            (self.labels[i], int(np.sum(self.truth == i)), [float(p[self.truth == i].mean()) for p in precision])
            for i in np.unique(self.truth)
        ]

    def remarks(self) -> Iterator[str]:
        """What the nets have to say to each other, and about sounds that are none of the labels."""
        names = [name for name in self.scores if name != "average"]
        for name, helper in itertools.permutations(names, 2):
            rate = metrics.complement_rate(self.scores[name], self.scores[helper], self.truth)
            yield f"{helper} is right on {rate:.0%} of the clips that {name} gets wrong"
        known = self.scores["average"].max(axis=1)
        yield f"{np.mean(known >= CONFIDENT):.0%} of the clips get a confident answer"
        if len(self.other_scores):
            other = self.other_scores.max(axis=1)
            yield (
                f"{np.mean(other >= CONFIDENT):.0%} of {len(other)} clips of other sounds do; "
                f"their best scores are lower with an AUROC of {metrics.auroc(known, other):.3f}"
            )


def evaluate(tagger: Tagger, data: Path, split: str, progress: Callable[[int, int], None]) -> Evaluation:
    """Tag a split of `data`: "test", or "validation", the clips that training holds out; and the sounds
    that are none of the labels and were held out from training, if there are any.

    Raises DataError if there are none, or if they have labels that the models do not know.
    """
    clips = list(read_split(data, "test")) if split == "test" else hold_out(read_corpus(data).train)[1]
    if split == "validation" and not all(model.scores for model in tagger.models):
        raise DataError("these nets were trained on all clips, the validation ones too; use the test split")
    if not clips:
        raise DataError(f"{data}: no {split} clips; tests are in {TEST_DATA}")
    unknown = sorted({clip.label for clip in clips} - set(tagger.labels))
    if unknown:
        raise DataError(f"{data}: labels that these models do not know: {', '.join(unknown)}")
    other = hold_out_other(read_split(data, "other"))[1]

    def probabilities(clip: Clip) -> dict[str, NDArray[np.float32]]:
        return tagger.probabilities(read_blocks(clip.path, tagger.sample_rate))

    results = []
    with ThreadPoolExecutor(available_cores()) as pool:
        for result in pool.map(probabilities, [*clips, *other]):
            results.append(result)
            progress(len(results), len(clips) + len(other))
    scores = {model.name: np.stack([result[model.name] for result in results]) for model in tagger.models}
    scores["average"] = np.mean(list(scores.values()), axis=0)
    truth = np.array([tagger.labels.index(clip.label) for clip in clips])
    n = len(clips)
    return Evaluation(tagger.labels, truth, {name: of[:n] for name, of in scores.items()}, scores["average"][n:])


def report(evaluation: Evaluation) -> str:
    """The tables of an evaluation as aligned text: each net and the average, then each label."""
    lines = [f"{'':<24}" + "".join(f"{column:>10}" for column in COLUMNS)]
    for name, row in evaluation.summary().items():
        lines.append(f"{name:<24}" + "".join(f"{value:>10.3f}" for value in row.values()))
    lines += ["", *evaluation.remarks()]
    lines += ["", f"{'MAP@3 by label':<24}{'clips':>6}" + "".join(f"{name:>10}" for name in evaluation.scores)]
    for label, clips, values in evaluation.by_label():
        lines.append(f"{label:<24}{clips:>6}" + "".join(f"{value:>10.3f}" for value in values))
    return "\n".join(lines)
