"""All that a net can learn from and be judged by: the clips of every split, and what is held out of them.

How clips are found is in layouts.py.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiotagger.errors import DataError
from audiotagger.training.clips import Clip
from audiotagger.training.layouts import LAYOUTS, layout_of

VALIDATION_SHARE = 0.1
"""Of the training clips of a label."""


@dataclass(frozen=True)
class Corpus:
    """The clips of a data folder or file, in the order of their lists."""

    root: Path
    labels: tuple[str, ...]
    train: tuple[Clip, ...]
    test: tuple[Clip, ...]
    other: tuple[Clip, ...]
    unlabelled: tuple[Clip, ...]

    @property
    def teacher(self) -> Path | None:
        """The file of what a stronger tagger hears in the clips, if there is one."""
        path = self.root / "teacher.npz"
        return path if path.is_file() else None


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
    return layout_of(root)(root, split)


def hold_out(clips: Sequence[Clip], fraction: float = VALIDATION_SHARE, fold: int = 0) -> tuple[list[Clip], list[Clip]]:
    """Split labelled clips into (training, validation); about `fraction` of each label goes to validation.

    What is held out of a label is whole sources, those that share a group together: a net can learn the room and the
    codec of a source instead of the sound, so a score on a source it has heard is worth little. Where those that fit
    are too few, it is one source of up to half the label's clips; where a label has a single source, whole groups; and
    nothing where that is a single group. Depends on names and `fold` alone: the same on every machine. Folds are draws
    of their own and may overlap.
    """
    held: set[Clip] = set()
    for label, members in _by(clips, "label").items():
        wanted = max(round(fraction * len(members)), 1)
        salt = f"{fold}:{label}"
        sources = _apart(members)
        chosen = _pick(sources, wanted, salt)
        if len(sources) == 1:
            chosen = _pick(_by(members, "group"), wanted, salt)
        elif len(chosen) < wanted / 2:
            large = [name for name, of in sources.items() if wanted / 2 <= len(of) <= len(members) / 2]
            if large:
                chosen = set(sources[min(large, key=lambda name: _order(salt, name))])
        held |= chosen
    return [clip for clip in clips if clip not in held], [clip for clip in clips if clip in held]


def hold_out_other(clips: Sequence[Clip]) -> tuple[list[Clip], list[Clip]]:
    """Split clips that have none of the labels into (training, test): a fifth, in whole groups, is never trained on."""
    held = _pick(_by(clips, "group"), round(0.2 * len(clips)), "other")
    return [clip for clip in clips if clip not in held], [clip for clip in clips if clip in held]


def _by(clips: Iterable[Clip], what: str) -> dict[str, list[Clip]]:
    members: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        members[getattr(clip, what)].append(clip)
    return members


def _apart(clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    """The clips of each source; sources that have a group in common are one, called by the first of their names."""
    name_of = {clip.source: clip.source for clip in clips}
    for members in _by(clips, "group").values():
        joined = {name_of[clip.source] for clip in members}
        name_of = {source: min(joined) if name in joined else name for source, name in name_of.items()}
    sources: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        sources[name_of[clip.source]].append(clip)
    return sources


def _order(salt: str, name: str) -> bytes:
    return hashlib.sha256(f"{salt}:{name}".encode()).digest()


def _pick(units: dict[str, list[Clip]], wanted: int, salt: str) -> set[Clip]:
    """Whole units in a fixed random order, each taken if it still fits; never all there are."""
    chosen: set[Clip] = set()
    for name in sorted(units, key=lambda name: _order(salt, name))[:-1]:
        if len(chosen) + len(units[name]) <= wanted:
            chosen |= set(units[name])
    return chosen
