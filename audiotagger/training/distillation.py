"""What a stronger tagger hears in the clips, to learn from beside their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from audiotagger.datasets.clip import Clip
from audiotagger.errors import DataError

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Teacher:
    """What a stronger tagger hears in each clip, for distillation.

    features: [clips, n], centred, in two halves of equal variance: the principal components of the teacher's arrays,
    and the logits of a linear model on them, which are what tells the labels apart. A component counts by the root of
    its deviation: the largest say what kind of sound it is, and that much is soon learnt. soft_labels: [clips,
    n_outputs], the linear model's probabilities of the net's outputs.
    """

    features: Array
    soft_labels: Array


def read_teacher(path: Path, clips: Sequence[Clip], known: NDArray[np.integer], n_outputs: int) -> Teacher:
    """Read what the teacher hears in these clips from teacher.npz: fname, *_embedding [n, *] and *_scores [n, *].

    known: [clips], the output that a clip is to raise, -1 where the linear model may not know. Scores become logits
    (clipped to ±5, beyond which they are noise). Raises DataError if the teacher has not heard a clip.
    """
    with np.load(path) as arrays:
        row_of = {str(name): row for row, name in enumerate(arrays["fname"])}
        unheard = next((clip.path.name for clip in clips if clip.path.name not in row_of), None)
        if unheard:
            raise DataError(f"{path}: nothing about {unheard}; train with --no-teacher")
        rows = [row_of[clip.path.name] for clip in clips]
        blocks = []
        for name in sorted(name for name in arrays if name.endswith(("_embedding", "_scores"))):
            block = arrays[name].astype(np.float32)
            if name.endswith("_scores"):
                block = np.clip(np.log(block + 1e-6) - np.log1p(1e-6 - block), -5, 5)
            blocks.append(_centred(block))
    features = np.concatenate(blocks, axis=1)[rows]
    scaled = features / (features.std(axis=0) + 1e-6)
    linear = LogisticRegression(C=1e-3, max_iter=200).fit(scaled[known >= 0], known[known >= 0])
    soft_labels = np.zeros((len(clips), n_outputs), np.float32)
    soft_labels[:, linear.classes_] = linear.predict_proba(scaled)
    logits = scaled @ linear.coef_.T.astype(np.float32)
    components = PCA(min(256, *features.shape), svd_solver="full").fit_transform(features)
    components /= np.sqrt(components.std(axis=0) + 1e-6)
    return Teacher(np.concatenate([_centred(components), _centred(logits)], axis=1), soft_labels)


def _centred(block: Array) -> Array:
    """Return [clips, n] with means of 0 and a total variance of 1."""
    centred = block - block.mean(axis=0)
    scaled: Array = (centred / np.sqrt(centred.var(axis=0).sum())).astype(np.float32)
    return scaled
