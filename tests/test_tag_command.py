"""`audiotagger tag` as a user meets it: what is on stdout and stderr, and the exit status."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from typer.testing import Result

from tests.conftest import tone

Run = Callable[..., Result]


def command(*args: object, **kwargs: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "audiotagger", *map(str, args)], capture_output=True, check=False, timeout=60, **kwargs
    )


@pytest.fixture
def folder(tmp_path: Path, clip: Path) -> Path:
    (tmp_path / "bad.wav").write_bytes(b"RIFF" + bytes(100))
    return tmp_path


def test_text_is_a_line_of_tabs(run: Run, clip: Path) -> None:
    result = run("tag", clip)
    assert result.exit_code == 0, result.output
    path, *tags = result.stdout.rstrip("\n").split("\t")
    assert path == str(clip)
    tags = tags[tags[0] == "?" :]
    assert len(tags) == 3
    for tag in tags:
        label, score = tag.split(" ")
        assert label
        assert 0 <= float(score) <= 1
    assert result.stderr == ""


def test_text_by_model_names_the_net_in_the_second_column(run: Run, clip: Path) -> None:
    lines = run("tag", clip, "--by-model", "--top-k", 1).stdout.splitlines()
    assert [line.split("\t")[1] for line in lines] == ["average", "mel", "wave"]


def test_json_and_jsonl_hold_the_same_objects(run: Run, folder: Path) -> None:
    array, lines = run("tag", folder, "--format", "json"), run("tag", folder, "--format", "jsonl")
    assert array.exit_code == lines.exit_code == 1
    objects = json.loads(array.stdout)
    assert objects == [json.loads(line) for line in lines.stdout.splitlines()]
    bad, good = objects
    assert list(good) == ["path", "duration", "tags", "confident", "error"]
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
    # A sample at 96 kHz is less than one at the nets' rate: nothing to hear.
    assert [len(json.loads(line)["tags"]) for line in result.stdout.splitlines()] == [0, 3, 3, 3]


def test_min_score_may_leave_nothing(run: Run, clip: Path) -> None:
    result = run("tag", clip, "--min-score", 1)
    assert result.exit_code == 0
    assert result.stdout in (f"{clip}\t\n", f"{clip}\t?\n")
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
    assert one.stderr == "audiotagger: skipped 1 file that holds no audio\n"
    (tmp_path / "404.mp3").write_text("<html>")
    assert run("tag", tmp_path).stderr == "audiotagger: skipped 2 files that hold no audio\n"


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


def test_standard_input(clip: Path) -> None:
    piped = command("tag", "-", "--format", "jsonl", input=clip.read_bytes())
    named = command("tag", clip, "--format", "jsonl")
    assert piped.returncode == 0, piped.stderr
    one, other = json.loads(piped.stdout), json.loads(named.stdout)
    assert one.pop("path") == "-"
    assert other.pop("path") == str(clip)
    assert one == other


def test_a_closed_pipe_ends_quietly(folder: Path, clip: Path) -> None:
    line = f"{sys.executable} -m audiotagger tag {' '.join([str(clip)] * 40)} | head -n 1"
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=False, timeout=60)
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line(clip: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "audiotagger", "tag", clip],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"No space left" in done.stderr


@pytest.mark.parametrize("paths", [["-"], ["long.wav"]])
def test_an_interrupt_ends_at_once_with_130(tmp_path: Path, paths: list[str]) -> None:
    with soundfile.SoundFile(tmp_path / "long.wav", "w", 8_000, 1) as file:
        for _ in range(2 * 3600):
            file.write(tone(1.0, 8_000))
    process = subprocess.Popen(
        [sys.executable, "-m", "audiotagger", "tag", *paths, "--format", "json"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    time.sleep(2)  # two hours of audio take longer, and nothing ever comes from stdin
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20) if paths != ["-"] else wait_without_input(process)
    assert process.returncode == 130, err
    assert json.loads(out) == []
    assert b"Traceback" not in err


def wait_without_input(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    assert process.stdin
    assert process.stdout
    assert process.stderr
    process.wait(timeout=20)  # with its stdin still open
    process.stdin.close()
    with process.stdout, process.stderr:
        return process.stdout.read(), process.stderr.read()


@pytest.mark.skipif(not shutil.which("script"), reason="needs script, which makes a terminal")
def test_a_terminal_for_errors_does_not_swallow_results(tmp_path: Path, clip: Path) -> None:
    inner = f"{sys.executable} -m audiotagger tag {clip} > {tmp_path}/out.txt"
    done = subprocess.run(["script", "-qec", inner, "/dev/null"], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "out.txt").read_text().startswith(str(clip))


@pytest.mark.skipif(not shutil.which("script"), reason="needs script, which makes a terminal")
def test_a_terminal_gets_colours_unless_it_asks_for_none(clip: Path) -> None:
    inner = f"{sys.executable} -m audiotagger tag {clip} --segments --threshold 0"
    shown = {}
    for name, wish in (("colours", {}), ("none", {"NO_COLOR": "1"})):
        environment = {**os.environ, "TERM": "xterm-256color", **wish}
        done = subprocess.run(
            ["script", "-qec", inner, "/dev/null"], capture_output=True, check=False, timeout=60, env=environment
        )
        assert done.returncode == 0, done.stdout
        shown[name] = done.stdout
    colour = re.compile(rb"\x1b\[[0-9;]*3[0-9]")
    assert colour.search(shown["colours"])
    assert not colour.search(shown["none"])


def test_shells_complete_commands_and_options() -> None:
    for words, expected in (("audiotagger ta", b"tag"), ("audiotagger tag --seg", b"--segments")):
        environment = {
            **os.environ,
            "_AUDIOTAGGER_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(words.count(" ")),
        }
        script = Path(sys.executable).with_name("audiotagger")
        done = subprocess.run([script], capture_output=True, check=False, timeout=60, env=environment)
        assert expected in done.stdout.split(), done.stderr


def test_what_is_said_beside_results_can_be_chosen(run: Run, clip: Path) -> None:
    (clip.parent / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0 a picture")
    assert run("tag", clip.parent, "--quiet").stderr == ""
    assert "skipped 1 file" in run("tag", clip.parent).stderr
    said = run("tag", clip.parent, "--verbose").stderr
    assert "mel.onnx" in said
    assert "wave.onnx" in said


def test_tagging_leaves_nothing_behind_in_the_home_folder(tmp_path: Path, clip: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    done = command("tag", clip, env={**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home)})
    assert done.returncode == 0
    assert done.stderr == b""
    assert list(home.iterdir()) == []


def test_one_standard_input_cannot_be_read_twice(run: Run) -> None:
    assert run("tag", "-", "-").exit_code == 2


def test_names_that_are_no_text_survive(tmp_path: Path, clip: Path) -> None:
    odd = tmp_path / "caf\udce9 \N{SNOWMAN}.wav"
    odd.write_bytes(clip.read_bytes())
    done = command("tag", odd, "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["path"] == str(odd)
    as_text = command("tag", odd, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert as_text.stdout.startswith(os.fsencode(odd) + b"\t")


def test_models_are_listed_with_what_they_are(run: Run) -> None:
    result = run("models")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["mel", "wave"]
    assert all("41 labels" in line and "16000 Hz" in line and "sha256" in line for line in lines)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak of memory from /proc")
def test_a_long_file_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    script = (
        "import sys; from audiotagger.cli import app\n"
        "try: app(['tag', sys.argv[1]])\n"
        "finally: print(next(x for x in open('/proc/self/status') if x.startswith('VmHWM')), file=sys.stderr)"
    )
    peaks = []
    for minutes in (1, 20):  # 20 minutes alone would be 77 MB
        path = tmp_path / f"{minutes}.wav"
        with soundfile.SoundFile(path, "w", 8_000, 1) as file:
            for _ in range(60 * minutes):
                file.write(tone(1.0, 8_000))
        done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, check=False, timeout=300)
        assert done.stdout.count(b"\n") == 1, done.stderr
        peaks.append(int(done.stderr.split()[1]) / 1024)
    assert peaks[1] < peaks[0] + 30, peaks
