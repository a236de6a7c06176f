"""Where clips and their labels are found: a reader for each way in which data may be laid out.

A reader takes the data and a split: "train", "test", "other" (sounds that are none of the labels) or "unlabelled"
(anything at all). It returns the split's clips in order, none if there is no such split, and raises DataError for
what it cannot use.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

from audiotagger.audio.discovery import find_audio
from audiotagger.datasets.clip import Clip
from audiotagger.errors import DataError

Reader = Callable[[Path, str], tuple[Clip, ...]]

LAYOUTS = (
    "train.csv (columns fname, label) beside audio_train/; FSDKaggle2018 as `audiotagger data fetch` brings it; "
    "a folder of clips for each label; or a CSV file (columns path, label)"
)
"""What data may be, in words for messages."""

FSDKAGGLE2018 = "FSDKaggle2018."
"""What the names of its folders begin with."""


def reader_for(data: Path) -> Reader:
    """Return the reader for `data`. Raises DataError if it is laid out in no way that is known."""
    if data.is_file():
        return table
    names = {path.name for path in data.iterdir()}
    if not names.isdisjoint({"train.csv", "test.csv", "test_post_competition.csv"}):
        return kaggle
    if any(name.startswith(FSDKAGGLE2018) for name in names):
        return zenodo
    if _folders_in(data):
        return folders
    raise DataError(f"{data}: no train.csv and no folders in it; data is {LAYOUTS}")


def kaggle(data: Path, split: str) -> tuple[Clip, ...]:
    """Lists as Kaggle has FSDKaggle2018: `train.csv` (fname, label) and `audio_train/`, likewise for other splits.

    The list of test clips may be `test_post_competition.csv`. A column manually_verified that is 0 says that nobody
    has listened to a clip. `provenance.csv` (fname, source, group), if there is
    one, says where clips come from.
    """
    lists = [data / f"{split}.csv"]
    if split == "test":
        lists.append(data / "test_post_competition.csv")
    found = next((path for path in lists if path.is_file()), None)
    return _listed(found, data / f"audio_{split}", data / "provenance.csv") if found else ()


def zenodo(data: Path, split: str) -> tuple[Clip, ...]:
    """FSDKaggle2018's three archives from Zenodo, unpacked beside each other."""
    lists = {"train": "train_post_competition.csv", "test": "test_post_competition_scoring_clips.csv"}
    if split not in lists:
        return ()
    path = data / f"{FSDKAGGLE2018}meta" / lists[split]
    if not path.is_file():
        raise DataError(f"{path}: not there; get it with `audiotagger data fetch fsdkaggle2018 --to {data}`")
    return _listed(path, data / f"{FSDKAGGLE2018}audio_{split}")


def folders(data: Path, split: str) -> tuple[Clip, ...]:
    """A folder for each label, with its clips at any depth; of `train/` and `test/`, if that is what there is.

    Clips in one folder below that of their label are of one source.
    """
    splits = {"train", "test"}
    names = _folders_in(data)
    if splits <= set(names) or splits >= set(names):
        data = data / split
        names = _folders_in(data) if split in names else []
    elif split != "train":
        return ()
    return tuple(clip for name in names for clip in _in_folder(data / name))


def table(data: Path, split: str) -> tuple[Clip, ...]:
    """A CSV file with the columns path, from its own folder on, and label; and perhaps group, split, manually_verified.

    Clips of one `group` are of one source. `split` is train or test; without it all clips are for training.
    """
    clips = []
    for row in _rows(data):
        path, label = _path_and_label(row, "path", data, data.parent)
        of_split = row.get("split") or "train"
        if of_split not in ("train", "test"):
            raise DataError(f"{data}: a clip of split {of_split!r}: {row['path']}; a split is train or test")
        if of_split == split:
            group = row.get("group") or row["path"]
            clips.append(Clip(path, label, group, group, _verified(row)))
    return tuple(clips)


def _listed(table: Path, folder: Path, provenance: Path | None = None) -> tuple[Clip, ...]:
    """The clips of a list that are in `folder`."""
    origins = {row["fname"]: row for row in _rows(provenance)} if provenance and provenance.is_file() else {}
    labelled = table.stem not in ("other", "unlabelled")
    clips = []
    for row in _rows(table):
        if row.get("usage") == "None":  # Kaggle's padding: it was never scored, and its label is none
            continue
        path, label = _path_and_label(row, "fname", table, folder, labelled)
        name = row["fname"]
        origin = origins.get(name, row)
        clips.append(Clip(path, label, origin.get("source") or name, origin.get("group") or name, _verified(row)))
    return tuple(clips)


def _path_and_label(
    row: dict[str, str], column: str, table: Path, folder: Path, labelled: bool = True
) -> tuple[Path, str]:
    name, label = row.get(column), row.get("label") if labelled else ""
    if not name or label is None or (labelled and not label):
        raise DataError(f"{table}: a row without {column} or label: {row}; each row needs both")
    path = folder / name
    if not path.is_file():
        raise DataError(f"{path}: listed in {table.name} but not there; add the file or drop its row")
    return path, label


def _verified(row: dict[str, str]) -> bool:
    return row.get("manually_verified") != "0"


def _rows(table: Path) -> list[dict[str, str]]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets begin with a byte order mark
            return list(csv.DictReader(file))
    except UnicodeDecodeError:
        raise DataError(f"{table}: not UTF-8; save it as UTF-8") from None
    except csv.Error as error:
        raise DataError(f"{table}: no CSV file ({error}); data is {LAYOUTS}") from None


def _folders_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _in_folder(folder: Path) -> Iterator[Clip]:
    for path in map(Path, map(str, find_audio([str(folder)]))):
        if path == folder:
            raise DataError(f"{folder}: no audio in it; put clips of this label there or remove the folder")
        inside = path.relative_to(folder)
        source = inside.parent if len(inside.parts) > 1 else inside
        yield Clip(path, folder.name, source.as_posix(), inside.as_posix())
