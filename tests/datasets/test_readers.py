"""Every way in which data may be laid out gives the same clips."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import Result

from audiotagger.datasets.clip import Clip
from audiotagger.datasets.dataset import Dataset, dataset_id, read_dataset, read_split
from audiotagger.datasets.splits import hold_out
from audiotagger.errors import DataError
from audiotagger.inference.model import shipped_models
from tests.conftest import EXAMPLES, tone

Rows = list[list[str]]


def sounds(*paths: Path) -> None:
    for i, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, tone(0.3, hertz=200 + 50 * i), 16_000)


def write(path: Path, rows: Rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def kaggle(root: Path) -> Path:
    sounds(*(root / "audio_train" / f"{name}.wav" for name in "abc"), root / "audio_test" / "t.wav")
    write(root / "train.csv", [["fname", "label"], ["a.wav", "Bark"], ["b.wav", "Meow"], ["c.wav", "Meow"]])
    padding = ["0.wav", "None", "None", "", ""]  # its audio is not there
    tests = [["fname", "label", "usage", "freesound_id", "license"], ["t.wav", "Bark", "Public", "1", "CC0"], padding]
    write(root / "test_post_competition.csv", tests)
    return root


def zenodo(root: Path) -> Path:
    top = "FSDKaggle2018."
    sounds(*(root / f"{top}audio_train" / f"{name}.wav" for name in "abc"), root / f"{top}audio_test" / "t.wav")
    columns = ["fname", "label", "manually_verified", "freesound_id", "license"]
    rows = [
        [f"{name}.wav", label, "1", "1", "CC0"] for name, label in zip("abc", ("Bark", "Meow", "Meow"), strict=True)
    ]
    write(root / f"{top}meta" / "train_post_competition.csv", [columns, *rows])
    columns = ["fname", "label", "usage", "freesound_id", "license"]
    tests = [columns, ["t.wav", "Bark", "Private", "1", "CC0"]]
    write(root / f"{top}meta" / "test_post_competition_scoring_clips.csv", tests)
    return root


def folders(root: Path) -> Path:
    train = root / "train"
    sounds(train / "Bark" / "a.wav", train / "Meow" / "b.wav", train / "Meow" / "deep" / "er" / "c.wav")
    sounds(root / "test" / "Bark" / "t.wav")
    return root


def table(root: Path) -> Path:
    sounds(*(root / "sounds" / f"{name}.wav" for name in "abct"))
    rows = [["sounds/a.wav", "Bark", ""], ["sounds/b.wav", "Meow", "train"], ["sounds/c.wav", "Meow", "train"]]
    write(root / "clips.csv", [["path", "label", "split"], *rows, ["sounds/t.wav", "Bark", "test"]])
    return root / "clips.csv"


def names(clips: tuple[Clip, ...]) -> list[tuple[str, str]]:
    return [(clip.path.name, clip.label) for clip in clips]


@pytest.mark.parametrize("lay_out", [kaggle, zenodo, folders, table])
def test_all_layouts_give_the_same_clips(lay_out: Callable[[Path], Path], tmp_path: Path) -> None:
    found = read_dataset(lay_out(tmp_path))
    assert found.labels == ("Bark", "Meow")
    assert names(found.train) == [("a.wav", "Bark"), ("b.wav", "Meow"), ("c.wav", "Meow")]
    assert names(found.test) == [("t.wav", "Bark")]
    assert found.other == found.unlabelled == ()
    assert all(clip.path.is_file() for clip in (*found.train, *found.test))


def test_folders_of_labels_alone_are_all_for_training(tmp_path: Path) -> None:
    sounds(tmp_path / "train" / "1.wav", tmp_path / "car" / "2.wav")
    (tmp_path / ".cache").mkdir()
    (tmp_path / "car" / "notes.txt").write_text("a text is no clip")
    found = read_dataset(tmp_path)
    assert names(found.train) == [("2.wav", "car"), ("1.wav", "train")]
    assert found.test == ()


def sources_held_out(found: Dataset) -> set[str]:
    training, validation = hold_out(found.train, 0.3)
    assert {clip.source for clip in training}.isdisjoint(clip.source for clip in validation)
    return {clip.source for clip in validation}


def test_what_lies_in_one_folder_is_held_out_together(tmp_path: Path) -> None:
    for label in ("Bark", "Meow"):
        sounds(*(tmp_path / label / f"{label}-day{day}" / f"{i}.wav" for day in range(4) for i in range(3)))
    held = sources_held_out(read_dataset(tmp_path))
    assert len(held) == 2
    assert all("-day" in source for source in held)


def test_a_group_is_held_out_together(tmp_path: Path) -> None:
    sounds(*(tmp_path / f"{i}.wav" for i in range(24)))
    rows = [[f"{i}.wav", ("Bark", "Meow")[i % 2], f"{i % 2}{i // 6}"] for i in range(24)]
    write(tmp_path / "clips.csv", [["path", "label", "group"], *rows])
    assert len(sources_held_out(read_dataset(tmp_path / "clips.csv"))) == 2


def test_tests_alone_can_be_read(tmp_path: Path) -> None:
    sounds(tmp_path / "test" / "Bark" / "t.wav")
    assert names(read_split(tmp_path, "test")) == [("t.wav", "Bark")]
    assert read_split(tmp_path, "train") == ()


def test_errors_name_the_file_and_the_remedy(tmp_path: Path) -> None:
    def refused(data: Path, *words: str) -> None:
        with pytest.raises(DataError) as raised:
            read_dataset(data)
        message = str(raised.value)
        assert "\n" not in message
        assert all(word in message for word in words), message

    empty = tmp_path / "empty"
    empty.mkdir()
    refused(empty, str(empty), "train.csv", "a folder of clips for each label")
    (empty / "Bark").mkdir()
    refused(empty, "Bark", "no audio files", "remove the folder")
    half = tmp_path / "half"
    sounds(half / "FSDKaggle2018.audio_train" / "a.wav")
    refused(half, "train_post_competition.csv", f"data download fsdkaggle2018 --output {half}")
    clips = table(tmp_path / "table")
    rows = clips.read_text().splitlines()
    clips.write_text("\n".join([*rows, "sounds/a.wav,Bark,validation"]))
    refused(clips, "clips.csv", "'validation'", "train or test")
    clips.write_text("\n".join([*rows, "sounds/gone.wav,Bark,"]))
    refused(clips, "gone.wav", "clips.csv", "remove its row")
    clips.write_text("\n".join([*rows, "sounds/a.wav"]))
    refused(clips, "clips.csv", "path or label")
    clips.write_text("\n".join(["file,label", *rows[1:]]))
    refused(clips, "clips.csv", "no column path", "path and label")
    clips.write_text("\n".join([rows[0].replace("label", "class"), *rows[1:]]))
    refused(clips, "clips.csv", "no column label", "path and label")
    clips.write_text("\n".join([rows[0], rows[-1]]))
    refused(clips, "clips.csv", "no training clips")
    refused(tmp_path / "table" / "sounds" / "a.wav", "a.wav", "UTF-8")


@pytest.mark.parametrize("laid_out", ["folders", "table"])
def test_every_layout_is_evaluated(laid_out: str, tmp_path: Path, run: Callable[..., Result]) -> None:
    data = tmp_path
    labels = ("Flute", "Trumpet")
    for label in labels:
        found = next(EXAMPLES.glob(f"{label.lower()}.*"))
        path = tmp_path / "test" / label / found.name
        path.parent.mkdir(parents=True)
        path.write_bytes(found.read_bytes())
    if laid_out == "table":
        rows = [[f"{path.parent.name}/{path.name}", path.parent.name, "test"] for path in tmp_path.glob("test/*/*")]
        data = tmp_path / "test" / "clips.csv"
        write(data, [["path", "label", "split"], *rows])
    result = run("evaluate", data, "--models", shipped_models())
    assert result.exit_code == 0, result.output
    ensemble = next(line for line in result.stdout.splitlines() if line.startswith("ensemble"))
    assert np.isclose(float(ensemble.split()[1]), 1.0)
    refused = run("evaluate", data, "--models", shipped_models(), "--split", "validation")
    assert refused.exit_code == 2
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize("lay_out", [kaggle, zenodo, table])
def test_clips_that_nobody_verified_are_known(lay_out: Callable[[Path], Path], tmp_path: Path) -> None:
    data = lay_out(tmp_path)
    path = next((found for found in tmp_path.rglob("*.csv") if "train" in found.name), data)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for i, row in enumerate(rows):
        row["manually_verified"] = str(int(i != 1))
    write(path, [list(rows[0]), *(list(row.values()) for row in rows)])
    assert [clip.verified for clip in read_dataset(data).train] == [True, False, True]


def test_one_folder_of_each_label_cannot_be_held_out_in_part(tmp_path: Path) -> None:
    for label in ("Bark", "Meow"):
        sounds(*(tmp_path / label / f"{label}-monday" / f"{i}.wav" for i in range(10)))
    assert sources_held_out(read_dataset(tmp_path)) == set()


def test_names_that_are_no_text_are_clips_too(tmp_path: Path, run: Callable[..., Result]) -> None:
    for label in ("Bark", "Meow"):
        for i in range(4):
            sounds(tmp_path / label / f"{i}.wav")
            (tmp_path / label / f"{i}.wav").rename(tmp_path / label / os.fsdecode(b"caf\xe9%d.wav" % i))
    found = read_dataset(tmp_path)
    assert len(hold_out(found.train)[1]) == 2
    assert len(dataset_id(found)) == 12
    assert run("data", "validate", tmp_path).exit_code == 0


def test_folders_beside_train_and_test_are_not_passed_over(tmp_path: Path) -> None:
    folders(tmp_path)
    sounds(tmp_path / "validation" / "Bark" / "v.wav")
    with pytest.raises(DataError, match="validation"):
        read_dataset(tmp_path)


def test_a_provenance_without_names_is_refused(tmp_path: Path) -> None:
    kaggle(tmp_path)
    write(tmp_path / "provenance.csv", [["name", "source", "group"], ["a.wav", "s", "g"]])
    with pytest.raises(DataError, match=r"provenance\.csv: no column fname"):
        read_dataset(tmp_path)
