"""All that a net can learn from and be judged by: the clips of every split.

How clips are found is in readers.py, what is held out of them in splits.py.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from audiotagger.datasets.clip import Clip
from audiotagger.datasets.readers import LAYOUTS, reader_for
from audiotagger.errors import DataError


@dataclass(frozen=True)
class Corpus:
    """The clips of a data folder or file, in the order of their lists."""

    root: Path
    labels: tuple[str, ...]
    train: tuple[Clip, ...]
    test: tuple[Clip, ...]
    other: tuple[Clip, ...]
    unlabelled: tuple[Clip, ...]


def find_data(data: Path | None) -> Path:
    """Return where the data is: `data`, else AUDIOTAGGER_DATA, else ./data. DataError if there is nothing."""
    root = data or Path(os.environ.get("AUDIOTAGGER_DATA") or "data")
    if not root.exists():
        raise DataError(f"{root}: no such data; name some, or set AUDIOTAGGER_DATA to it: {LAYOUTS}")
    return root


def read_corpus(root: Path) -> Corpus:
    """Read what `find_data` found. Raises DataError if it cannot be used, or has fewer than two labels."""
    train = read_split(root, "train")
    labels = tuple(sorted({clip.label for clip in train}))
    if not train:
        raise DataError(f"{root}: no clips to train on; training needs {LAYOUTS}")
    if len(labels) < 2:
        raise DataError(f"{root}: fewer than two labels, {labels[0]} alone; there is nothing to tell apart")
    return Corpus(
        root=root,
        labels=labels,
        train=train,
        test=read_split(root, "test"),
        other=read_split(root, "other"),
        unlabelled=read_split(root, "unlabelled"),
    )


def read_split(root: Path, split: str) -> tuple[Clip, ...]:
    """Read "train", "test", "other" (sounds that are none of the labels) or "unlabelled" clips, none if there are none.

    Raises DataError if they cannot be used.
    """
    return reader_for(root)(root, split)


def corpus_id(corpus: Corpus) -> str:
    """A short name for what a net was trained on: a hash over the lists of all training clips."""
    listed = (*corpus.train, *corpus.other, *corpus.unlabelled)
    doubt = {True: "", False: ",unverified"}
    lines = "".join(
        f"{c.path.parent.name}/{c.path.name},{c.label},{c.source},{c.group}{doubt[c.verified]}\n" for c in listed
    )
    return hashlib.sha256(lines.encode()).hexdigest()[:12]
