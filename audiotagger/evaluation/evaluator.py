"""What a set of models says of the labelled clips of a data folder. Needs no tensorflow."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiotagger.datasets.cache import cached_blocks
from audiotagger.datasets.clip import Clip
from audiotagger.datasets.dataset import read_corpus, read_split
from audiotagger.datasets.splits import hold_out, hold_out_other
from audiotagger.errors import DataError
from audiotagger.inference.parallel import available_cores
from audiotagger.inference.tagger import Tagger

TEST_DATA = "test.csv and audio_test/, in a folder test/ beside train/, or of split test in a CSV file"


@dataclass(frozen=True)
class Evaluation:
    """scores: of each net and last of "average", or of a single net, [clips, labels]; truth: [clips], indices of
    `labels`; other_scores: of the last on sounds that are none of the labels, [clips, labels].
    """

    labels: tuple[str, ...]
    truth: NDArray[np.int64]
    scores: dict[str, NDArray[np.float32]]
    other_scores: NDArray[np.float32]

    @property
    def answer(self) -> NDArray[np.float32]:
        """The scores that tagging would go by: the last."""
        return [*self.scores.values()][-1]


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
        return tagger.probabilities(cached_blocks(clip.path, tagger.sample_rate))

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
