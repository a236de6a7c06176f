"""`audiotagger tag` as a process among others: pipes, interrupts, terminals, full disks, odd names, memory."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
from typer.testing import Result

from tests.conftest import started, tone, write_long

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, clip: Path) -> Path:
    (tmp_path / "bad.wav").write_bytes(b"RIFF" + bytes(100))
    return tmp_path


def command(*args: object, **kwargs: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "audiotagger", *map(str, args)], capture_output=True, check=False, timeout=60, **kwargs
    )


def test_standard_input(clip: Path) -> None:
    piped = command("tag", "-", "--format", "jsonl", input=clip.read_bytes())
    named = command("tag", clip, "--format", "jsonl")
    assert piped.returncode == 0, piped.stderr
    one, other = json.loads(piped.stdout), json.loads(named.stdout)
    assert one.pop("path") == "-"
    assert other.pop("path") == str(clip)
    assert one == other


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="needs /dev/fd")
def test_descriptors_of_the_shell_are_paths_too(clip: Path) -> None:
    line = f"{sys.executable} -m audiotagger tag <(cat {clip}) /dev/stdin < {clip}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=False, timeout=60, text=True)
    assert done.returncode == 0, done.stderr
    one, other = (row.split("\t") for row in done.stdout.splitlines())
    assert one[0].startswith("/dev/fd/")
    assert other[0] == "/dev/stdin"
    assert one[1:] == other[1:]


def test_a_closed_pipe_ends_quietly(folder: Path, clip: Path) -> None:
    line = f"{sys.executable} -m audiotagger tag {' '.join([str(clip)] * 40)} | head -n 1"
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=False, timeout=60)
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("closed", "status", "lines"), [("<&-", 0, (1, 0)), (">&-", 2, (0, 1)), ("2>&-", 2, (0, 0)), ("<&- >&-", 2, (0, 1))]
)
def test_closed_streams_are_no_traceback(clip: Path, closed: str, status: int, lines: tuple[int, int]) -> None:
    line = f"{sys.executable} -m audiotagger tag {clip} {closed}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=False, timeout=60)
    assert done.returncode == status
    assert (done.stdout.count(b"\n"), done.stderr.count(b"\n")) == lines, done.stderr


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


@pytest.mark.parametrize("endless", ["-", "long.wav"])
def test_an_interrupt_ends_at_once_with_130(tmp_path: Path, clip: Path, endless: str) -> None:
    write_long(tmp_path / "long.wav", minutes=120)  # it takes longer, and nothing ever comes from stdin
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with started("tag", clip, endless, "--format", "json", cwd=tmp_path, **pipes) as process:
        assert process.stdout
        assert process.stderr
        out = process.stdout.readline()  # with the first result
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
        out, err = out + process.stdout.read(), process.stderr.read()
    assert [one["path"] for one in json.loads(out)] == [str(clip)]
    assert b"Traceback" not in err


@pytest.mark.skipif(not shutil.which("script"), reason="needs script, which makes a terminal")
def test_a_terminal_for_errors_does_not_swallow_results(tmp_path: Path, clip: Path) -> None:
    inner = f"{sys.executable} -m audiotagger tag {clip} > {tmp_path}/out.txt"
    done = subprocess.run(["script", "-qec", inner, "/dev/null"], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "out.txt").read_text().startswith(str(clip))


@pytest.mark.skipif(not shutil.which("script"), reason="needs script, which makes a terminal")
def test_a_terminal_shows_how_many_files_there_are(tmp_path: Path) -> None:
    for i in range(40):
        soundfile.write(tmp_path / f"{i}.wav", tone(1.0), 16_000)
    journal = tmp_path / "journal.jsonl"
    assert command("tag", tmp_path / "7.wav", "--output", journal).returncode == 0
    (tmp_path / "list.txt").write_text("".join(f"{tmp_path / f'{i}.wav'}\n" for i in range(40)))
    of_list = f"--files-from {tmp_path}/list.txt --output {journal} --resume"
    for args, total in ((f"{tmp_path} > {tmp_path}/out.txt", 40), (of_list, 39)):
        inner = f"{sys.executable} -m audiotagger tag --jobs 1 {args}"
        done = subprocess.run(["script", "-qec", inner, "/dev/null"], capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout
        assert f"/{total}".encode() in done.stdout
    assert (tmp_path / "out.txt").read_text().count("\n") == journal.read_text().count("\n") == 40


@pytest.mark.skipif(not shutil.which("script"), reason="needs script, which makes a terminal")
@pytest.mark.parametrize("output_format", ["table", "json", pytest.param("text", marks=pytest.mark.slow)])
def test_the_bar_erases_no_result_on_a_terminal(folder: Path, clip: Path, output_format: str) -> None:
    bad = folder / f"{'long ' * 30}.wav"
    bad.write_bytes(b"RIFF" + bytes(100))
    inner = f"stty cols 80; {sys.executable} -m audiotagger tag '{clip}' '{bad}' '{clip}' --format {output_format}"
    environment = {**os.environ, "TERM": "xterm-256color"}
    done = subprocess.run(
        ["script", "-qec", inner, "/dev/null"], capture_output=True, check=False, timeout=60, env=environment
    )
    assert done.returncode == 1, done.stdout
    lines = lines_left(done.stdout.decode())
    start = '  {"path": "' if output_format == "json" else ""
    assert sum(line.startswith(start + str(clip)) for line in lines) == 2
    assert any(f"audiotagger: {bad}: " in line for line in lines)


def lines_left(printed: str) -> list[str]:
    """What a terminal shows in the end, of endless width: lines moved up to and erased are gone."""
    lines, at = [""], 0
    for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r?\n|\r|[^\x1b\r\n]+", printed):
        if part.endswith("\n"):
            at += 1
            lines += [""] * (at == len(lines))
        elif part.startswith("\x1b"):
            at -= (int(part[2:-1] or 1)) if part.endswith("A") else 0
            lines[at] = "" if part == "\x1b[2K" else lines[at]
        elif part != "\r":
            lines[at] += part
    return lines


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


def test_tagging_leaves_nothing_behind_in_the_home_folder(tmp_path: Path, clip: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home)}
    del environment["AUDIOTAGGER_CACHE"]
    done = command("tag", clip, env=environment)
    assert done.returncode == 0
    assert done.stderr == b""
    assert list(home.iterdir()) == []


def test_names_that_are_no_text_survive(tmp_path: Path, clip: Path) -> None:
    odd = tmp_path / "caf\udce9 \N{SNOWMAN}.wav"
    odd.write_bytes(clip.read_bytes())
    done = command("tag", odd, "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["path"] == str(odd)
    as_text = command("tag", odd, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert as_text.stdout.startswith(os.fsencode(odd) + b"\t")


def test_a_long_file_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    script = (
        "import resource, sys; from audiotagger.cli import app\n"
        "try: app(['tag', sys.argv[1]])\n"
        "finally: print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)"  # of the worker
    )
    peaks = []
    for minutes in (1, 12):  # 12 minutes alone would be 46 MB
        path = tmp_path / f"{minutes}.wav"
        write_long(path, minutes)
        done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, check=False, timeout=300)
        assert done.stdout.count(b"\n") == 1, done.stderr
        peaks.append(int(done.stderr) / 1024)
    assert peaks[1] < peaks[0] + 30, peaks


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_an_interrupt_while_a_library_is_imported_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, status: int
) -> None:
    (tmp_path / "onnxruntime.py").write_text(f"""
import os
try:
    os.kill(os.getpid(), {int(number)})
    input()
except KeyboardInterrupt as interrupt:
    raise ImportError("initialization failed") from interrupt  # as modules in C do
""")
    paths = [str(tmp_path), str(Path(__file__).parent.parent.parent), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    done = command("evaluate", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (status, b"", b"")
