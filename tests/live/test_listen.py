"""`audiotagger listen`: tags of the last seconds, from samples in a pipe."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.conftest import EXAMPLES, command, started, tone


def samples(name: str, seconds: float = 3.0) -> tuple[bytes, int]:
    """The beginning of an example as raw samples, and their rate."""
    waveform, rate = soundfile.read(EXAMPLES / name, dtype="int16", always_2d=True)
    return waveform[: round(seconds * rate), 0].astype("<i2").tobytes(), rate


@contextmanager
def listening(*args: object) -> Iterator[subprocess.Popen[bytes]]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with started("listen", "--input", "-", "--format", "jsonl", *args, bufsize=0, **pipes) as process:
        yield process


def listen_to(content: bytes, *args: object) -> list[dict[str, Any]]:
    with listening(*args) as process:
        out, err = process.communicate(content, timeout=120)
    assert (process.returncode, err) == (0, b"")
    return [json.loads(line) for line in out.splitlines()]


def test_a_result_comes_with_its_last_sample(tmp_path: Path) -> None:
    content, rate = samples("flute.ogg")
    with listening("--rate", rate, "--hop", 0.5) as process:
        assert process.stdin
        assert process.stdout
        for end in (0.5, 1.0, 1.5):
            piece = content[round((end - 0.5) * rate) * 2 : round(end * rate) * 2]
            process.stdin.write(piece[:4001])  # which ends in the middle of a sample
            process.stdin.write(piece[4001:])
            result = json.loads(process.stdout.readline())  # nothing more is sent before it is there
            assert (result["start"], result["end"]) == (0.0, end)
        assert result["tags"][0]["label"] == "Flute"
        assert result["confident"]
        assert process.communicate(timeout=60) == (b"", b"")
    assert process.returncode == 0


@pytest.mark.parametrize("rate", [16_000, pytest.param(44_100, marks=pytest.mark.slow)])
def test_results_are_those_of_tag_for_the_same_seconds(tmp_path: Path, rate: int) -> None:
    waveform = np.concatenate([tone(2.0, rate), soundfile.read(EXAMPLES / "hi-hat.wav", dtype="float32")[0][:rate]])
    pcm = (waveform * 32_767).astype("<i2")
    options = ("--top-k", 2, "--labels", "Hi-hat,Flute,Bark", "--window", 1.5)
    results = listen_to(pcm.tobytes(), "--rate", rate, "--hop", 1, *options)
    assert [(result["start"], result["end"]) for result in results] == [(0, 1), (0.5, 2), (1.5, 3)]
    for result in results:
        soundfile.write(tmp_path / "part.wav", pcm[round(result["start"] * rate) : round(result["end"] * rate)], rate)
        tagged = command("tag", "part.wav", "--format", "jsonl", *options, cwd=tmp_path)
        assert result["tags"] == json.loads(tagged.stdout)["tags"]
        assert result["confident"] == json.loads(tagged.stdout)["confident"]


def test_what_is_left_at_the_end_is_tagged_too() -> None:
    content, rate = samples("flute.ogg", 2.25)
    results = listen_to(content + b"\0", "--rate", rate, "--hop", 2, "--window", 2)
    assert [(result["start"], result["end"]) for result in results] == [(0.0, 2.0), (0.25, 2.25)]
    assert listen_to(b"") == []


def test_silence_has_no_labels_and_is_no_error(tmp_path: Path) -> None:
    assert listen_to(bytes(32_000)) == [{"start": 0.0, "end": 1.0, "tags": [], "confident": False}]
    (tmp_path / "silence.pcm").write_bytes(bytes(32_000))
    done = command("listen", "--input", "silence.pcm", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "0.000\t1.000\t?\t\n")


def test_text_has_fixed_columns(tmp_path: Path) -> None:
    content, rate = samples("flute.ogg", 1.0)
    (tmp_path / "flute.pcm").write_bytes(content)
    for threshold, mark in ((0.5, ""), (1.0, "?")):
        args = ("--input", "flute.pcm", "--rate", rate, "--threshold", threshold, "--top-k", 2)
        fields = command("listen", *args, cwd=tmp_path).stdout.split("\t")
        assert fields[:3] == ["0.000", "1.000", f"Flute{mark}"]
        assert len(fields) == 6


@pytest.mark.skipif(not shutil.which("script"), reason="needs script, which makes a terminal")
def test_a_terminal_shows_each_change(tmp_path: Path) -> None:
    flute, rate = samples("flute.ogg", 2.0)
    other, other_rate = samples("hi-hat.wav", 2.0)
    assert rate == other_rate
    (tmp_path / "both.pcm").write_bytes(flute + other)
    inner = f"{sys.executable} -m audiotagger listen --input both.pcm --rate {rate} --window 1"
    done = subprocess.run(
        ["script", "-qec", inner, "/dev/null"], capture_output=True, check=False, timeout=60, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout
    assert b"0:01.0  Flute  0." in done.stdout
    assert b"0:03.0  Hi-hat  0." in done.stdout
    assert b"0:02.0  Flute" not in done.stdout


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_it_can_be_stopped(number: int, status: int) -> None:
    with listening() as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(bytes(32_000))
        assert process.stdout.readline()
        process.send_signal(number)
        assert process.wait(timeout=60) == status
        assert process.communicate() == (b"", b"")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--input", "none.pcm"], "none.pcm: No such file"),
        (["--input", "-", "--device", "1"], "give one"),
        (["--input", "-", "--labels", "Flut"], "unknown label"),
    ],
)
def test_wrong_usage(tmp_path: Path, args: list[str], message: str) -> None:
    done = command("listen", *args, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("library", "message"),
    [
        ("raise OSError('PortAudio library not found')", "PortAudio library not found; install PortAudio"),
        (
            "def query_devices(*_): raise ValueError('No input device')\nclass PortAudioError(Exception): pass",
            "lists all",
        ),
    ],
)
def test_no_microphone_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, message: str) -> None:
    (tmp_path / "sounddevice.py").write_text(library)
    here = str(Path(__file__).parent.parent.parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), here, os.environ.get("PYTHONPATH", "")]))
    done = command("listen", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("audiotagger: microphone: ")
    assert message in done.stderr


def test_a_file_of_a_format_is_no_raw_sound() -> None:
    for name in ("hi-hat.wav", "flute.ogg"):
        done = command("listen", "--input", EXAMPLES / name, cwd=EXAMPLES)
        assert (done.returncode, done.stdout) == (1, "")
        assert "not raw samples" in done.stderr
        assert done.stderr.count("\n") == 1
