"""`audiotagger tag` as a user meets it: what is on stdout and stderr, and the exit status."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import Result

from audiotagger import Tagger
from tests.conftest import tone

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, clip: Path) -> Path:
    (tmp_path / "bad.wav").write_bytes(b"RIFF" + bytes(100))
    return tmp_path


def test_text_is_a_line_of_tabs(run: Run, clip: Path) -> None:
    result = run("tag", clip)
    assert result.exit_code == 0, result.output
    path, *tags = result.stdout.rstrip("\n").split("\t")
    assert path == str(clip)
    known = Tagger.load().labels
    assert len(tags) == 6
    assert all(label.removesuffix("?") in known for label in tags[::2])
    scores = [float(score) for score in tags[1::2]]
    assert 1 >= scores[0] >= scores[1] >= scores[2] >= 0
    assert result.stderr == ""


@pytest.mark.parametrize("threshold", [0, 1])
def test_columns_stay_where_they_are(run: Run, clip: Path, threshold: int) -> None:
    silence = clip.with_name("silence.wav")
    soundfile.write(silence, np.zeros(16_000), 16_000)
    lines = run("tag", clip, silence, "--threshold", threshold, "--min-score", 0.01).stdout.splitlines()
    path, label, score = lines[0].split("\t")[:3]
    assert (path, label.endswith("?"), float(score) > 0) == (str(clip), threshold == 1, True)
    assert lines[1].split("\t") == [str(silence), "?", ""]


def test_text_by_model_names_the_model_in_the_second_column(run: Run, clip: Path) -> None:
    lines = run("tag", clip, "--by-model", "--top-k", 1).stdout.splitlines()
    assert [line.split("\t")[1] for line in lines] == ["ensemble", "mel", "wave"]


def test_json_and_jsonl_hold_the_same_objects(run: Run, folder: Path) -> None:
    array, lines = run("tag", folder, "--format", "json"), run("tag", folder, "--format", "jsonl")
    assert array.exit_code == lines.exit_code == 1
    objects = json.loads(array.stdout)
    assert objects == [json.loads(line) for line in lines.stdout.splitlines()]
    bad, good = objects
    assert list(good) == ["path", "duration", "tags", "confident", "error", "warning"]
    assert good["duration"] == 2.0
    assert good["error"] is None
    assert [list(tag) for tag in good["tags"]] == [["label", "score"]] * 3
    assert bad["tags"] == []
    assert bad["duration"] is None
    assert bad["error"]["kind"] == "undecodable"
    assert "bad.wav" in bad["error"]["message"]


def test_json_by_model(run: Run, clip: Path) -> None:
    (result,) = json.loads(run("tag", clip, "--format", "json", "--by-model").stdout)
    assert set(result["by_model"]) == {"mel", "wave"}
    assert len(result["by_model"]["wave"]) == 3


def test_json_of_nothing_is_an_empty_array_or_an_error(run: Run, tmp_path: Path) -> None:
    result = run("tag", tmp_path, "--format", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)[0]["error"]["kind"] == "no_audio"


def test_csv_is_a_tidy_table(run: Run, folder: Path) -> None:
    rows = list(csv.DictReader(run("tag", folder, "--format", "csv", "--top-k", 2).stdout.splitlines()))
    assert [list(row) for row in rows] == [["path", "label", "score", "confident"]] * 2
    assert float(rows[0]["score"]) >= float(rows[1]["score"])


def test_table_shows_name_length_and_labels(run: Run, clip: Path) -> None:
    result = run("tag", clip, "--format", "table")
    first, *rest = result.stdout.splitlines()
    assert "0:02.0" in first
    assert len(rest) == 3


def test_odd_shapes_of_audio_get_tags(run: Run, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "one-sample.wav", tone(1.0)[9:10], 16_000)
    soundfile.write(tmp_path / "one-sample-96k.wav", np.ones(1), 96_000)
    soundfile.write(
        tmp_path / "surround.wav", np.repeat(tone(0.3, 96_000)[:, None], 8, axis=1), 96_000, subtype="FLOAT"
    )
    soundfile.write(tmp_path / "telephone.au", tone(9.0, 8_000), 8_000, subtype="ULAW")
    result = run("tag", tmp_path, "--format", "jsonl")
    assert result.exit_code == 0, result.stderr
    # One sample is a constant, which is silence.
    assert [len(json.loads(line)["tags"]) for line in result.stdout.splitlines()] == [0, 0, 3, 3]


def test_min_score_may_leave_nothing(run: Run, clip: Path) -> None:
    result = run("tag", clip, "--min-score", 1)
    assert result.exit_code == 0
    assert result.stdout in (f"{clip}\t\t\n", f"{clip}\t?\t\n")
    (row,) = csv.DictReader(run("tag", clip, "--min-score", 1, "--format", "csv").stdout.splitlines())
    assert (row["path"], row["label"], row["score"]) == (str(clip), "", "")


def test_errors_go_to_stderr_with_the_name_and_the_rest_goes_on(run: Run, folder: Path, clip: Path) -> None:
    result = run("tag", folder / "bad.wav", folder / "missing.wav", clip)
    assert result.exit_code == 1
    assert result.stdout.startswith(str(clip))
    errors = result.stderr.splitlines()
    assert len(errors) == 2
    assert "bad.wav" in errors[0]
    assert "missing.wav" in errors[1]


def test_what_a_folder_holds_besides_audio_is_counted_once(run: Run, tmp_path: Path, clip: Path) -> None:
    (tmp_path / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    one = run("tag", tmp_path)
    assert one.exit_code == 0
    assert one.stdout.startswith(str(clip))
    line = "audiotagger: skipped {} without an audio or video suffix; --all tries every file\n"
    assert one.stderr == line.format("1 file")
    (tmp_path / "notes.txt").write_text("text")
    assert run("tag", tmp_path).stderr == line.format("2 files")


@pytest.mark.parametrize(
    "args",
    [
        ["tag"],
        ["tag", "--top-k", "0", "x"],
        ["tag", "--format", "xml", "x"],
        ["nonsense"],
        ["tag", "--models", "/", "x"],
    ],
)
def test_wrong_usage_is_exit_status_2(run: Run, args: list[str]) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_version(run: Run) -> None:
    from audiotagger import __version__

    first, *models = run("--version").stdout.splitlines()
    assert first == f"audiotagger {__version__}"
    assert [model.split()[0] for model in models] == ["mel", "wave"]


def test_what_is_said_beside_results_can_be_chosen(run: Run, clip: Path) -> None:
    (clip.parent / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0 a picture")
    assert run("tag", clip.parent, "--quiet").stderr == ""
    assert "skipped 1 file" in run("tag", clip.parent).stderr
    said = run("tag", clip.parent, "--verbose").stderr
    assert "mel.onnx" in said
    assert "wave.onnx" in said


def test_one_standard_input_cannot_be_read_twice(run: Run) -> None:
    assert run("tag", "-", "-").exit_code == 2
