"""Time-stamped labels: `audiotagger tag --segments`, `Tagger.segments` and label tracks for Audacity."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import Result

from audiotagger import Tagger
from tests.conftest import EXAMPLES

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def flute_then_hi_hat(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[float, str]]]:
    """Two examples on four minutes of silence, and when they begin."""
    path = tmp_path_factory.mktemp("long") / "long.wav"
    rate = soundfile.info(EXAMPLES / "flute.ogg").samplerate
    waveform = np.zeros(240 * rate, np.float32)
    starts: list[tuple[float, str]] = []
    for start, example in ((40, EXAMPLES / "flute.ogg"), (160, EXAMPLES / "hi-hat.wav")):
        sound = soundfile.read(example, dtype="float32", always_2d=True)[0].mean(axis=1)
        assert soundfile.info(example).samplerate == rate
        waveform[start * rate : start * rate + len(sound)] = sound
        starts.append((start, Tagger.load().tag(example).tags[0].label))
    soundfile.write(path, waveform, rate)
    return path, starts


def test_segments_are_right_to_a_window(run: Run, flute_then_hi_hat: tuple[Path, list[tuple[float, str]]]) -> None:
    path, starts = flute_then_hi_hat
    rows = list(csv.DictReader(run("tag", path, "--segments", "--format", "csv").stdout.splitlines()))
    assert rows
    for start, label in starts:
        (first, *_) = (row for row in rows if row["label"] == label)
        assert abs(float(first["start"]) - start) <= 4
    for row in rows:
        assert any(start - 4 <= float(row["start"]) < float(row["end"]) <= start + 30 for start, _ in starts)


def test_a_shorter_hop_is_more_exact(flute_then_hi_hat: tuple[Path, list[tuple[float, str]]]) -> None:
    path, starts = flute_then_hi_hat
    segments = Tagger.load(hop=0.5, window=2.0).segments(path)
    for start, label in starts:
        assert min(abs(segment.start - start) for segment in segments if segment.label == label) <= 1.5


def test_a_label_track_is_of_one_file(run: Run) -> None:
    example = EXAMPLES / "flute.ogg"
    done = run("tag", example, "--format", "audacity")
    assert done.exit_code == 0
    start, end, label = done.stdout.splitlines()[0].split("\t")
    assert 0 <= float(start) < float(end) <= soundfile.info(example).duration + 0.001
    assert label


@pytest.mark.parametrize("output", [[], ["--output", "labels.txt"]])
def test_label_tracks_of_several_files_need_a_folder(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for paths in ([EXAMPLES], [EXAMPLES / "flute.ogg", EXAMPLES / "violin.opus"]):
        refused = run("tag", *paths, "--format", "audacity", *output)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert "--output DIR" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_label_tracks_mirrors_the_files(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("in/one", "in/two", "else"):
        Path(folder).mkdir(parents=True)
        shutil.copy(EXAMPLES / "flute.ogg", folder)
    Path("in/bad.wav").write_bytes(b"RIFF\0\0\0\0WAVEnothing")
    done = run("tag", "in//", "else/flute.ogg", "in/../else/flute.ogg", "--format", "audacity", "-o", "labels/today")
    assert done.exit_code == 1
    assert done.stdout == ""
    bad, twice = done.stderr.splitlines()
    assert "in//bad.wav" in bad
    assert "in/../else/flute.ogg: not written" in twice
    written = {str(path.relative_to("labels/today")) for path in Path("labels").rglob("*") if path.is_file()}
    assert written == {"one/flute.ogg.txt", "two/flute.ogg.txt", "flute.ogg.txt"}
    assert Path("labels/today/one/flute.ogg.txt").read_text() == run("tag", "in/one", "-f", "audacity").stdout
    assert {path.name for path in tmp_path.iterdir()} == {"in", "else", "labels"}


def test_a_name_with_a_suffix_is_a_label_track(run: Run, tmp_path: Path) -> None:
    example = EXAMPLES / "flute.ogg"
    assert run("tag", example, "--format", "audacity", "--output", tmp_path / "flute.txt").exit_code == 0
    assert (tmp_path / "flute.txt").read_text() == run("tag", example, "--format", "audacity").stdout
    in_the_way = run("tag", EXAMPLES, "--format", "audacity", "--output", tmp_path / "flute.txt" / "folder")
    assert (in_the_way.exit_code, in_the_way.stdout) == (2, "")
    assert "--output" in in_the_way.stderr


def test_a_window_can_be_no_shorter_than_a_hop(run: Run) -> None:
    refused = run("tag", EXAMPLES, "--window", 1, "--hop", 2)
    assert refused.exit_code == 2
    assert "hop" in refused.stderr
