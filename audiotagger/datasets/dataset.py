"""A labelled dataset: the clips of every split.

How clips are found is in readers.py, what is held out of them in splits.py.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from audiotagger.datasets.clip import Clip
from audiotagger.datasets.readers import LAYOUTS, reader_for
from audiotagger.errors import DataError

FEWEST_SOURCES, FEWEST_CLIPS = 5, 9
"""Of a further label, training and test clips together: from fewer, a model learns the recordings, not the sound."""


@dataclass(frozen=True)
class Dataset:
    """The clips of a data folder or file, in the order of their lists."""

    root: Path
    labels: tuple[str, ...]
    """Of the training clips, sorted."""
    train: tuple[Clip, ...]
    test: tuple[Clip, ...]
    other: tuple[Clip, ...]
    """Sounds that have none of `labels`, to train on. They may have labels of their own."""
    other_test: tuple[Clip, ...]
    """The same, never to be trained on."""
    unlabelled: tuple[Clip, ...]

    @property
    def further_labels(self) -> tuple[str, ...]:
        """The labels of other sounds that have enough clips for an output of their own; the rest share one."""
        return further_labels((*self.other, *self.other_test))

    @property
    def has_other_class(self) -> bool:
        """Whether some other sounds have none of `all_labels`, so that models need an output for them."""
        named = set(self.further_labels)
        return any(clip.label not in named for clip in self.other)

    @property
    def all_labels(self) -> tuple[str, ...]:
        """In the order in which models have them; an output for none of these comes after them."""
        return self.labels + self.further_labels


def further_labels(clips: Iterable[Clip]) -> tuple[str, ...]:
    """Return the labels that have `FEWEST_SOURCES` and `FEWEST_CLIPS` among `clips`, sorted."""
    of_label: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        of_label[clip.label].append(clip)
    return tuple(
        label
        for label, members in sorted(of_label.items())
        if label and len(members) >= FEWEST_CLIPS and len({clip.source for clip in members}) >= FEWEST_SOURCES
    )


def find_data(data: Path | None) -> Path:
    """Return where the data is: `data`, else AUDIOTAGGER_DATA, else ./data. Raises DataError if nothing is there."""
    root = data or Path(os.environ.get("AUDIOTAGGER_DATA") or "data")
    if not root.exists():
        remedy = "give DATA, such as a folder of clips per label, or set AUDIOTAGGER_DATA"
        raise DataError(f"{root}: no such file or folder; {remedy}")
    return root


def read_dataset(root: Path) -> Dataset:
    """Read what `find_data` found.

    Raises
    ------
    DataError
        If it cannot be used for training: a list is broken, a listed file is missing, there are fewer than two labels,
        or another sound has one of these.
    """
    train = read_split(root, "train")
    labels = tuple(sorted({clip.label for clip in train}))
    if not train:
        raise DataError(f"{root}: no training clips; training needs {LAYOUTS}")
    if len(labels) < 2:
        raise DataError(f"{root}: only one label, {labels[0]}; training needs at least two")
    dataset = Dataset(
        root=root,
        labels=labels,
        train=train,
        test=read_split(root, "test"),
        other=read_split(root, "other"),
        other_test=read_split(root, "other_test"),
        unlabelled=read_split(root, "unlabelled"),
    )
    for clip in (*dataset.other, *dataset.other_test):
        if clip.label in labels:
            raise DataError(f"{clip.path}: listed in other.csv with a label of train.csv, {clip.label}; move it there")
    return dataset


def read_split(root: Path, split: str) -> tuple[Clip, ...]:
    """Return the clips of one split.

    Parameters
    ----------
    root
        A data folder or file.
    split
        "train", "test", "other", "other_test" or "unlabelled": the fields of `Dataset`.

    Returns
    -------
    The clips in the order of their list; none if there is no such split.

    Raises
    ------
    DataError
        If they cannot be used.
    """
    return reader_for(root)(root, split)


def dataset_id(dataset: Dataset) -> str:
    """Return a short name for what a model was trained on: a hash over the lists of all training clips."""
    listed = (*dataset.train, *dataset.other, *dataset.unlabelled)
    doubt = {True: "", False: ",unverified"}
    lines = "".join(
        f"{c.path.parent.name}/{c.path.name},{c.label},{c.source},{c.group}{doubt[c.verified]}\n" for c in listed
    )
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()[:12]
