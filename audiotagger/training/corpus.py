"""Read a data folder: which clips there are, what they are labelled, and which of them belong together.

The layout is Kaggle's for FSDKaggle2018: `train.csv` and `test.csv` (fname, label) beside `audio_train/` and
`audio_test/`. Three more files are used where they exist: `provenance.csv` (fname, label, source, group) says where
a clip comes from, `other.csv` + `audio_other/` holds sounds that are none of the labels, `unlabelled.csv` +
`audio_unlabelled/` anything at all.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiotagger.errors import DataError

TRAINING_DATA = "train.csv (columns fname, label) and audio_train/"
VALIDATION_SHARE = 0.1
"""Of the training clips of a label."""

TEST_DATA = "test.csv (columns fname, label) and audio_test/"


@dataclass(frozen=True)
class Clip:
    """One audio file. `label` is empty for clips that have none of the corpus's labels. Clips of one `source`
    (a sample library, a project) or one `group` (a recording, a session) may sound alike beyond their label.
    """

    path: Path
    label: str
    source: str
    group: str


@dataclass(frozen=True)
class Corpus:
    """The clips of a data folder, in the order of their lists."""

    root: Path
    labels: tuple[str, ...]
    train: tuple[Clip, ...]
    test: tuple[Clip, ...]
    other: tuple[Clip, ...]
    unlabelled: tuple[Clip, ...]


def find_data(data: Path | None, needed: str) -> Path:
    """Return the data folder: `data`, else AUDIOTAGGER_DATA, else ./data. DataError if that is no folder.

    `needed` is what should be in it, for the message.
    """
    root = data or Path(os.environ.get("AUDIOTAGGER_DATA") or "data")
    if not root.is_dir():
        raise DataError(f"{root}: no such data folder; name one, or set AUDIOTAGGER_DATA to one, that has {needed}")
    return root


def read_corpus(root: Path) -> Corpus:
    """Read the lists of a data folder. Raises DataError if train.csv is missing, or a list cannot be used."""
    if not (root / "train.csv").is_file():
        raise DataError(f"{root}: no train.csv; training needs {TRAINING_DATA}")
    train = _read_split(root, "train")
    if len({clip.label for clip in train}) < 2:
        raise DataError(f"{root / 'train.csv'}: fewer than two labels; there is nothing to tell apart")
    return Corpus(
        root=root,
        labels=tuple(sorted({clip.label for clip in train})),
        train=train,
        test=read_test(root),
        other=read_other(root),
        unlabelled=_read_split(root, "unlabelled", labelled=False),
    )


def read_test(root: Path) -> tuple[Clip, ...]:
    """Read the test split of a data folder, empty if there is none. Raises DataError if it cannot be used."""
    return _read_split(root, "test")


def read_other(root: Path) -> tuple[Clip, ...]:
    """Read the sounds that are none of the labels, empty if there are none. Raises DataError if they cannot be used."""
    return _read_split(root, "other", labelled=False)


def _read_split(root: Path, split: str, labelled: bool = True) -> tuple[Clip, ...]:
    table = root / f"{split}.csv"
    if not table.is_file():
        return ()
    provenance = {row["fname"]: row for row in _rows(root / "provenance.csv")}
    clips = []
    for row in _rows(table):
        name = row.get("fname", "")
        path = root / f"audio_{split}" / name
        if not name or (labelled and not row.get("label")):
            raise DataError(f"{table}: a row without fname or label: {row}; each row needs both")
        if not path.is_file():
            raise DataError(f"{path}: listed in {table.name} but not there; add the file or drop its row")
        origin = provenance.get(name, row)
        source = origin.get("source") or name
        clips.append(Clip(path, row["label"] if labelled else "", source, origin.get("group") or name))
    return tuple(clips)


def _rows(table: Path) -> list[dict[str, str]]:
    if not table.is_file():
        return []
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets begin with a byte order mark
            return list(csv.DictReader(file))
    except UnicodeDecodeError:
        raise DataError(f"{table}: not UTF-8; save it as UTF-8") from None


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
