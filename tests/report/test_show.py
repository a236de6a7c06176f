"""`audiotagger show`: a file on the terminal, or as a picture."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import Result

from tests.conftest import EXAMPLES, command

Run = Callable[..., Result]

MARGIN, LINES = 22, 16


def lines_of(*args: object, cwd: Path) -> list[str]:
    done = command("show", *args, cwd=cwd)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.splitlines()


def picture(lines: list[str]) -> list[str]:
    """The spectrogram, from the highest line down, without its margin."""
    (end,) = (number for number, line in enumerate(lines) if line.strip().startswith("0:00.0"))
    return [line[MARGIN:] for line in lines[end - LINES : end]]


@pytest.mark.parametrize(
    ("hertz", "line"),
    [
        (7000, 0),
        (1000, 10),
        pytest.param(3000, 5, marks=pytest.mark.slow),
        pytest.param(115, 15, marks=pytest.mark.slow),
    ],
)
def test_a_tone_is_where_its_frequency_is(tmp_path: Path, hertz: int, line: int) -> None:
    time = np.arange(32_000) / 16_000
    soundfile.write(tmp_path / "tone.wav", np.where(time < 1, 0, 0.3 * np.sin(2 * np.pi * hertz * time)), 16_000)
    drawn = picture(lines_of("tone.wav", cwd=tmp_path))
    loudest = max(range(LINES), key=lambda number: drawn[number].count("█") + drawn[number].count("▓"))
    assert loudest == line
    half = len(drawn[line]) // 2
    assert drawn[line][: half - 2].strip() == ""
    assert " " not in drawn[line][half + 2 :]


def test_it_shows_labels_axes_and_when_which_label_applies(tmp_path: Path) -> None:
    parts = [soundfile.read(EXAMPLES / name, dtype="float32", always_2d=True) for name in ("flute.ogg", "hi-hat.wav")]
    (flute, rate), (other, _) = parts
    both = np.concatenate([flute[: 3 * rate, 0], np.resize(other[:rate, 0], 3 * rate)])
    soundfile.write(tmp_path / "both.wav", both, rate)
    lines = lines_of("both.wav", "--window", 1, "--hop", 1, "--top-k", 2, cwd=tmp_path)
    tagged = command("tag", "both.wav", "--window", 1, "--hop", 1, "--top-k", 2, "--format", "table", cwd=tmp_path)
    assert lines[:3] == tagged.stdout.splitlines()
    assert [line[:MARGIN].strip() for line in lines[3:19:5]] == ["7.2 kHz", "3.0 kHz", "1.0 kHz", "114 Hz"]
    assert lines[19].split() == ["0:00.0", "0:06.0"]
    timeline = {line[:MARGIN].strip(): line[MARGIN:] for line in lines[20:]}
    half = len(timeline["Flute"]) // 2
    for label, full, empty in (("Flute", slice(2, half - 2), slice(half + 2, None)),):
        assert set(timeline[label][full]) <= set("▆▇█")
        assert set(timeline[label][empty]) <= set(" ▁")
    assert set(timeline["Hi-hat"][half + 2 : -2]) <= set("▆▇█")


@pytest.mark.parametrize(
    "width", [40, pytest.param(80, marks=pytest.mark.slow), pytest.param(300, marks=pytest.mark.slow)]
)
def test_it_fits_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = lines_of(EXAMPLES / "hi-hat.wav", cwd=EXAMPLES)
    drawn = {len(line) for line in picture(lines)}
    assert drawn == {min(width - MARGIN - 1, 160)}
    assert len(lines) == 4 + LINES + 1 + 3


def test_without_unicode_it_is_ascii(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    shutil.copy(EXAMPLES / "hi-hat.wav", tmp_path / "caf\u00e9.wav")
    lines = lines_of("caf\u00e9.wav", cwd=tmp_path)
    assert "".join(lines).isascii()
    assert lines[0].startswith("caf\\xe9.wav")
    assert "@" in "".join(picture(lines))


@pytest.mark.skipif(not shutil.which("script"), reason="needs script, which makes a terminal")
@pytest.mark.parametrize(
    ("wish", "colours"),
    [({}, True), ({"NO_COLOR": "1"}, False), pytest.param({"TERM": "dumb"}, False, marks=pytest.mark.slow)],
)
def test_a_terminal_gets_colours_unless_it_asks_for_none(wish: dict[str, str], colours: bool) -> None:
    inner = f"stty cols 60; {sys.executable} -m audiotagger show hi-hat.wav"
    environment = {**os.environ, "TERM": "xterm-256color", **wish}
    del environment["COLUMNS"]
    done = subprocess.run(
        ["script", "-qec", inner, "/dev/null"],
        capture_output=True,
        check=False,
        timeout=60,
        env=environment,
        cwd=EXAMPLES,
    )
    assert done.returncode == 0, done.stdout
    shown = done.stdout.decode()
    assert bool(re.search(r"\x1b\[[0-9;]*[34]8;", shown)) == colours
    if colours:
        assert shown.count("▀") == LINES * (60 - MARGIN - 1)
    else:
        assert "█" in shown
        assert "▀" not in shown


def test_a_picture_is_written(tmp_path: Path) -> None:
    image = pytest.importorskip("matplotlib.image", reason="needs the extra plot")
    name = "$x^{2$.wav"  # which matplotlib would take for a formula
    shutil.copy(EXAMPLES / "hi-hat.wav", tmp_path / name)
    assert lines_of(name, "--png", "out.png", cwd=tmp_path) == []
    pixels = image.imread(tmp_path / "out.png")
    assert pixels.shape[1] > 2 * pixels.shape[0] > 500
    assert pixels[:, :, :3].std() > 0.1
    refused = command("show", name, "--png", "none/out.png", cwd=tmp_path)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


def test_standard_input_and_warnings(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "whole.flac", np.random.default_rng(0).normal(0, 0.1, 64_000), 16_000)
    whole = (tmp_path / "whole.flac").read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "audiotagger", "show", "-"],
        input=whole[: len(whole) // 2],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0
    assert done.stdout.startswith(b"-  0:0")
    assert re.fullmatch(rb"audiotagger: -: damaged or cut off; .*\n", done.stderr)


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (["none.wav"], 1, "none.wav: no such file"),
        (["bad.wav"], 1, "bad.wav: cannot be decoded"),
        (["."], 2, "a folder"),
        (["bad.wav", "--png", "out.jpg"], 2, "must end in .png"),
    ],
)
def test_what_cannot_be_shown_is_one_line(tmp_path: Path, args: list[str], status: int, message: str) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFF" + bytes(100))
    done = command("show", *args, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (status, "")
    assert message in done.stderr


@pytest.mark.parametrize(
    "seconds", [0.001, pytest.param(0.05, marks=pytest.mark.slow), pytest.param(300, marks=pytest.mark.slow)]
)
def test_any_length_is_shown_and_silence_too(tmp_path: Path, seconds: float) -> None:
    soundfile.write(tmp_path / "silent.wav", np.zeros(round(8000 * seconds)), 8000)
    lines = lines_of("silent.wav", cwd=tmp_path)
    assert "".join(picture(lines)).strip() == ""
