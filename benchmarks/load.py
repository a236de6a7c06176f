"""Tag very much at once, and fail if memory, open files, temporary files or speed are not as at the start.

    python benchmarks/load.py files --count 20000
    python benchmarks/load.py processes --count 8
    python benchmarks/load.py hours --count 24

Each tags a tenth first and then all. Printed are memory (of all processes, with what they share counted once) and open
files while they run, and seconds of audio per second of CPU time, as other programs may keep the machine busy. Limits:
the last third of a run may take 10 % more memory than the second, and all of it 20 % more CPU time for a second of
audio than the tenth. Linux only.
"""

from __future__ import annotations

import json
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

RATE = 16_000
PER_FOLDER = 100
MORE_MEMORY = 1.1
SLOWER = 1.2

app = typer.Typer(add_completion=False, help=__doc__, rich_markup_mode=None)


@dataclass
class Run:
    """Some commands that ran at once."""

    seconds: float
    """Of audio."""
    files: int
    samples: list[tuple[int, float, int]] = field(default_factory=list)
    """Every half second: number of processes, MiB, open files."""
    cpu: float = 0.0
    faults: list[str] = field(default_factory=list)

    def third(self, number: int) -> tuple[int, float, int]:
        """Return the medians in one of three parts of the run, of which the first has the start in it."""
        size = max(1, len(self.samples) // 3)
        part = self.samples[number * size :][:size] or self.samples[-1:]
        processes, memory, opened = zip(*part, strict=True)
        return int(statistics.median(processes)), statistics.median(memory), int(statistics.median(opened))


@app.command()
def files(count: Annotated[int, typer.Option(min=100, help="Number of clips, of 0.1 to 2 s.")] = 20_000) -> None:
    """Tag short clips in many folders with one command."""

    def prepare(folder: Path, share: float) -> tuple[list[list[str]], float, int]:
        n_files = round(share * count)
        seconds = sum(write_clips(folder / "clips", n_files))
        return [[str(folder / "clips"), "--output", str(folder / "out.jsonl")]], seconds, n_files

    compare(prepare)


@app.command()
def processes(
    count: Annotated[int, typer.Option(min=1, help="Number of commands.")] = 8,
    clips: Annotated[int, typer.Option(min=10, help="Clips that each of them tags.")] = 2000,
) -> None:
    """Tag short clips with several commands at once, each in a folder of its own; their output is in one folder."""

    def prepare(folder: Path, share: float) -> tuple[list[list[str]], float, int]:
        seconds, commands = 0.0, []
        for i in range(count):
            seconds += sum(write_clips(folder / f"clips{i}", round(share * clips)))
            commands.append([str(folder / f"clips{i}"), "--output", str(folder / f"out{i}.jsonl"), "--jobs", "1"])
        return commands, seconds, count * round(share * clips)

    compare(prepare)


@app.command()
def hours(count: Annotated[float, typer.Option(min=0.1, help="Duration in hours.")] = 24) -> None:
    """Tag one long file with its segments."""

    def prepare(folder: Path, share: float) -> tuple[list[list[str]], float, int]:
        seconds = round(3600 * share * count)
        write_long(folder / "long.wav", seconds)
        return [[str(folder / "long.wav"), "--segments", "--output", str(folder / "out.jsonl")]], seconds, 1

    compare(prepare)


def compare(prepare: Callable[[Path, float], tuple[list[list[str]], float, int]]) -> None:
    """Tag a tenth and then all of what `prepare` makes; print what that took, and what is wrong.

    `prepare` gets a folder and the share of all, and returns the arguments of the commands, the seconds of audio and
    the number of files.
    """
    runs = []
    for share in (0.1, 1.0):
        with tempfile.TemporaryDirectory() as folder:
            commands, seconds, n_files = prepare(Path(folder), share)
            runs.append(run := measure(commands, Path(folder), Run(seconds, n_files)))
        typer.echo(
            f"{run.files} files, {run.seconds / 3600:.2f} h of audio, {run.cpu:.0f} s of CPU time: "
            f"{run.seconds / run.cpu:.0f} s of audio per second"
        )
        for name, number in (("first", 0), ("second", 1), ("last", 2)):
            n_processes, memory, opened = run.third(number)
            typer.echo(f"  {name:6} third: {n_processes} processes, {memory:.0f} MiB, {opened} open files")
    short, whole = runs
    faults = short.faults + whole.faults
    if whole.third(2)[1] > MORE_MEMORY * whole.third(1)[1]:
        faults.append("memory grows")
    if whole.third(2)[2] > whole.third(1)[2]:
        faults.append("files stay open")
    if whole.cpu / whole.seconds > SLOWER * short.cpu / short.seconds:
        faults.append("it becomes slower")
    for fault in faults:
        typer.echo(f"FAULT: {fault}")
    typer.echo(f"{len(faults)} faults")
    if faults:
        raise typer.Exit(1)


def measure(commands: list[list[str]], folder: Path, run: Run) -> Run:
    """Run commands at once, with a folder for temporary files of their own, and look at what they leave."""
    temporary = folder / "temporary"
    temporary.mkdir()
    before = cpu_of_children()
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "audiotagger", "tag", *command],
            env={**os.environ, "TMPDIR": str(temporary)},
            start_new_session=True,
        )
        for command in commands
    ]
    ended = threading.Event()
    watcher = threading.Thread(target=watch, args=([process.pid for process in running], run, ended))
    watcher.start()
    statuses = [process.wait() for process in running]
    ended.set()
    watcher.join()
    run.cpu = cpu_of_children() - before
    results = [json.loads(line) for path in sorted(folder.glob("out*.jsonl")) for line in path.open(encoding="utf-8")]
    if any(statuses):
        run.faults.append(f"exit statuses {statuses}")
    if len({result["path"] for result in results}) != run.files or len(results) != run.files:
        run.faults.append(f"{len(results)} results for {run.files} files")
    if errors := [result["error"]["message"] for result in results if result["error"]]:
        run.faults.append(f"{len(errors)} errors, such as {errors[0]}")
    read = sum(result["duration"] or 0 for result in results)
    if abs(read - run.seconds) > 0.001 * run.files:
        run.faults.append(f"{read:.1f} s of {run.seconds:.1f} s")
    if left := [*temporary.iterdir(), *folder.glob("**/*.partial")]:
        run.faults.append(f"left behind: {left[:3]}")
    if left_running := [process.pid for process in running if alive(process.pid)]:
        run.faults.append(f"still running: {left_running}")
    return run


def cpu_of_children() -> float:
    """Return the CPU time of all processes that have ended, with their children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def watch(parents: list[int], run: Run, ended: threading.Event) -> None:
    """Add a sample every half second."""
    while not ended.wait(0.5):
        families = [process for parent in parents for process in family(parent)]
        memory, opened = sum(map(megabytes, families)), sum(map(open_files, families))
        if families:
            run.samples.append((len(families), memory, opened))


def family(parent: int) -> Iterator[Path]:
    """Yield the folders in /proc of a process and its children."""
    try:
        children = [path.read_text(encoding="ascii") for path in Path(f"/proc/{parent}/task").glob("*/children")]
    except OSError:  # it has just ended
        return
    yield from (Path(f"/proc/{pid}") for pid in (parent, *" ".join(children).split()))


def megabytes(process: Path) -> float:
    """Return the memory of a process in MiB."""
    try:
        found = re.search(r"^Pss:\s+(\d+) kB", (process / "smaps_rollup").read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def open_files(process: Path) -> int:
    """Return the number of file descriptors that a process has open."""
    try:
        return len(list((process / "fd").iterdir()))
    except OSError:
        return 0


def alive(session: int) -> bool:
    """Return whether a process of a session, all that a command has started, still runs."""
    time.sleep(0.1)  # the kernel takes a moment
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return False
    return True


def write_clips(folder: Path, count: int) -> Iterator[float]:
    """Write short clips of noise into folders of `PER_FOLDER`, and yield the seconds of each."""
    rng = random.Random(0)
    noise = rng.randbytes(2 * 3 * RATE)
    for i in range(count):
        inner = folder / f"{i // PER_FOLDER:04}"
        inner.mkdir(parents=True, exist_ok=True)
        start, n_samples = 2 * rng.randrange(RATE), rng.randrange(RATE // 10, 2 * RATE)
        with wave.open(str(inner / f"{i:06}.wav"), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes(noise[start : start + 2 * n_samples])
        yield n_samples / RATE


def write_long(path: Path, seconds: int) -> None:
    """Write noise that is silent now and then, at 8 kHz."""
    rng = random.Random(0)
    minute = bytearray(rng.randbytes(60 * 8000))
    minute[: 10 * 8000] = bytes([128]) * (10 * 8000)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 1, 8000, 0, "NONE", ""))
        for _ in range(seconds // 60):
            file.writeframes(bytes(minute))
        file.writeframes(bytes(minute[: seconds % 60 * 8000]))


if __name__ == "__main__":
    app()
