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
        other=_read_split(root, "other", labelled=False),
        unlabelled=_read_split(root, "unlabelled", labelled=False),
    )


def read_test(root: Path) -> tuple[Clip, ...]:
    """Read the test split of a data folder, empty if there is none. Raises DataError if it cannot be used."""
    return _read_split(root, "test")


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


def hold_out(clips: Sequence[Clip], fraction: float = VALIDATION_SHARE, seed: int = 0) -> tuple[list[Clip], list[Clip]]:
    """Split labelled clips into (training, validation); about `fraction` of each label goes to validation.

    What is held out of a label is whole sources; where its sources are too few or too large, whole groups. A net can
    learn the room and the codec of a source instead of the sound, so a score on what it has heard is worth little: of a
    label whose groups are too large as well, nothing is held out. Depends on names and `seed` alone: the same on every
    machine.
    """
    by_label: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        by_label[clip.label].append(clip)
    held: set[Clip] = set()
    for label, members in by_label.items():
        wanted = max(round(fraction * len(members)), 1)
        chosen = _pick(members, "source", wanted, f"{seed}:{label}")
        if len(chosen) < wanted / 2:
            rest = [clip for clip in members if clip not in chosen]
            chosen |= _pick(rest, "group", wanted - len(chosen), f"{seed}:{label}")
        held |= chosen
    return [clip for clip in clips if clip not in held], [clip for clip in clips if clip in held]


def _pick(clips: Iterable[Clip], unit: str, wanted: int, salt: str) -> set[Clip]:
    """Whole units in a fixed random order, each taken if it still fits; never all there are."""
    units: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        units[getattr(clip, unit)].append(clip)
    order = sorted(units, key=lambda name: hashlib.sha256(f"{salt}:{name}".encode()).digest())
    chosen: set[Clip] = set()
    for name in order[:-1]:
        if len(chosen) + len(units[name]) <= wanted:
            chosen |= set(units[name])
    return chosen
