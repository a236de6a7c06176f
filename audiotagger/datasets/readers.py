"""Where clips and their labels are found: a reader for each layout of data.

A reader takes the data and a split: "train", "test", "other" and "other_test" (sounds that are none of the labels) or
"unlabelled" (anything at all). It returns the split's clips in order, none if there is no such split, and raises
DataError for what cannot be used.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

from audiotagger.audio.discovery import find_audio
from audiotagger.datasets.clip import Clip
from audiotagger.datasets.splits import hold_out_other
from audiotagger.errors import DataError

Reader = Callable[[Path, str], tuple[Clip, ...]]
Row = dict[str, str]

LAYOUTS = (
    "train.csv (columns fname, label) beside audio_train/; FSDKaggle2018 as `audiotagger data download` leaves it; "
    "a folder of clips for each label; or a CSV file (columns path, label)"
)
"""What data may be, for messages."""

FSDKAGGLE2018 = "FSDKaggle2018."
"""What the names of its folders begin with."""


def reader_for(data: Path) -> Reader:
    """Return the reader for the layout of `data`. Raises DataError if it has none of them."""
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
    """Read lists as Kaggle has FSDKaggle2018: `train.csv` (fname, label) and `audio_train/`, likewise for other splits.

    The list of test clips may be `test_post_competition.csv`. A 0 in a column manually_verified marks a label that
    nobody has confirmed. `other.csv` may have labels, and a column split (train or test); without it, a fifth is for
    testing. `provenance.csv` (fname, source, group), if there is one, states where clips come from.
    """
    name = split.removesuffix("_test")
    lists = [data / f"{name}.csv"]
    if split == "test":
        lists.append(data / "test_post_competition.csv")
    found = next((path for path in lists if path.is_file()), None)
    if not found:
        return ()
    rows = _rows(found)
    folder, provenance = data / f"audio_{name}", data / "provenance.csv"
    if name == "unlabelled":  # whatever its list says
        rows = [{**row, "label": ""} for row in rows]
    if name != "other":
        return _listed(found, rows, folder, provenance, labelled=name != "unlabelled")
    if not rows or "split" not in rows[0]:
        parts = hold_out_other(_listed(found, rows, folder, provenance, labelled=False))
        return tuple(parts[split == "other_test"])
    wanted = "test" if split == "other_test" else "train"
    return _listed(found, _of_split(found, rows, wanted), folder, provenance, labelled=False)


def zenodo(data: Path, split: str) -> tuple[Clip, ...]:
    """Read FSDKaggle2018's three archives from Zenodo, unpacked beside each other."""
    lists = {"train": "train_post_competition.csv", "test": "test_post_competition_scoring_clips.csv"}
    if split not in lists:
        return ()
    path = data / f"{FSDKAGGLE2018}meta" / lists[split]
    if not path.is_file():
        raise DataError(f"{path}: missing; get it with `audiotagger data download fsdkaggle2018 --output {data}`")
    return _listed(path, _rows(path), data / f"{FSDKAGGLE2018}audio_{split}")


def folders(data: Path, split: str) -> tuple[Clip, ...]:
    """Read a folder for each label, with its clips at any depth; in `train/` and `test/`, if there are no others.

    Clips in one folder below that of their label are of one source and group.
    """
    splits = {"train", "test"}
    names = _folders_in(data)
    if splits <= set(names) and (more := sorted(set(names) - splits)):
        raise DataError(f"{data}: beside train and test there is {', '.join(more)}; move it away")
    if splits >= set(names):
        data = data / split
        names = _folders_in(data) if split in names else []
    elif split != "train":
        return ()
    return tuple(clip for name in names for clip in _in_folder(data / name))


def table(data: Path, split: str) -> tuple[Clip, ...]:
    """Read a CSV file: path, relative to its own folder, and label; optionally group, split and manually_verified.

    Clips of one `group` are of one source. `split` is train or test; without it all clips are for training.
    """
    clips = []
    for row in _of_split(data, _rows(data), split):
        path, label = _path_and_label(row, "path", data, data.parent)
        group = row.get("group") or row["path"]
        clips.append(Clip(path, label, group, group, _verified(row)))
    return tuple(clips)


def _of_split(table: Path, rows: list[Row], wanted: str) -> list[Row]:
    """Return the rows of a list whose column split is `wanted`; an empty one is train."""
    for row in rows:
        if (row.get("split") or "train") not in ("train", "test"):
            name = row.get("path") or row.get("fname")
            raise DataError(f"{table}: {name} has split {row['split']!r}; a split is train or test")
    return [row for row in rows if (row.get("split") or "train") == wanted]


def _listed(
    table: Path, rows: list[Row], folder: Path, provenance: Path | None = None, labelled: bool = True
) -> tuple[Clip, ...]:
    """Return the clips in `folder` that `rows` of a list name. `labelled`: whether each needs a label."""
    origins = {}
    if provenance and provenance.is_file():
        known = _rows(provenance)
        if known and "fname" not in known[0]:
            raise DataError(f"{provenance}: no column fname; it needs fname, source and group")
        origins = {row["fname"]: row for row in known}
    clips = []
    for row in rows:
        if row.get("usage") == "None":  # Kaggle's padding: it was never scored, and its label is none
            continue
        path, label = _path_and_label(row, "fname", table, folder, labelled)
        name = row["fname"]
        origin = origins.get(name, row)
        clips.append(Clip(path, label, origin.get("source") or name, origin.get("group") or name, _verified(row)))
    return tuple(clips)


def _path_and_label(row: Row, column: str, table: Path, folder: Path, labelled: bool = True) -> tuple[Path, str]:
    for needed in (column, "label") if labelled else (column,):
        if needed not in row:
            raise DataError(f"{table}: no column {needed}; it needs {column}{' and label' * labelled}")
    name, label = row[column], row.get("label") or ""
    if not name or (labelled and not label):
        raise DataError(f"{table}: a row without {column} or label: {row}; each row needs both")
    path = folder / name
    if not path.is_file():
        raise DataError(f"{path}: listed in {table.name} but missing; add the file or remove its row")
    return path, label


def _verified(row: Row) -> bool:
    return row.get("manually_verified") != "0"


def _rows(table: Path) -> list[Row]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets begin with a byte order mark
            return list(csv.DictReader(file))
    except UnicodeDecodeError:
        raise DataError(f"{table}: not UTF-8; save it as UTF-8") from None
    except csv.Error as error:
        raise DataError(f"{table}: not a CSV file ({error}); data is {LAYOUTS}") from None


def _folders_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _in_folder(folder: Path) -> Iterator[Clip]:
    for path in map(Path, map(str, find_audio([str(folder)]))):
        if path == folder:
            raise DataError(f"{folder}: no audio files in it; add clips of this label or remove the folder")
        inside = path.relative_to(folder)
        group = (inside.parent if len(inside.parts) > 1 else inside).as_posix()
        yield Clip(path, folder.name, source=group, group=group)
