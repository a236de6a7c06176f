"""Tag a folder of difficult files with all extras and with none, and print whether each gets the right answer.

    AUDIOTAGGER_CASES=FOLDER python benchmarks/cases.py [--core VENV/bin/python]

The folder may have a README.md with a table whose first column names files, the second says what they are and the last
what is right: how many seconds are read ("2.9 s or more"), "never confident", "silence", "not touched" (by
`tag --write`), or "line" where the file may be refused. Where it gives no duration, FFmpeg's counts, packet by packet.
Besides, every file must get its result or one line, nothing may be shortened without a warning, and `tag --write` must
leave packets and decoded samples as they are. `--core` is a Python without the extras; by default this one, kept from
importing them. The exit status is 1 if anything is wrong.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import av
import numpy as np
import typer
from clips import sound, stored

ABOUT = 0.12
"""Seconds by which a duration may differ: what coders add at the ends."""


@dataclass(frozen=True)
class Case:
    """A file, and what is right."""

    name: str
    right: str
    seconds: float
    at_least: bool
    silent: bool
    """Whether it is digital silence, or nearly."""


def main(
    folder: Annotated[Path, typer.Argument(envvar="AUDIOTAGGER_CASES", help="The files.")],
    core: Annotated[Path | None, typer.Option(metavar="PYTHON", help="Without the extras.")] = None,
) -> None:
    """Print a line for each file."""
    cases = read_cases(folder)
    wrong = 0
    with tempfile.TemporaryDirectory() as hidden:
        for name in ("av", "mutagen"):
            Path(hidden, f"{name}.py").write_text(f"raise ModuleNotFoundError('no {name}', name='{name}')")
        results = (
            tag(folder, Path(sys.executable), ""),
            tag(folder, core or Path(sys.executable), "" if core else hidden),
        )
    width = max(len(case.name) for case in cases)
    typer.echo(f"{'file':{width}}  with extras / core / --write")
    for case in cases:
        found = [
            judge(case, *results[0], core=False),
            judge(case, *results[1], core=True),
            judge_writing(case, folder / case.name),
        ]
        wrong += sum(one.startswith("WRONG") for one in found)
        typer.echo(f"{case.name:{width}}  {' / '.join(found)}")
    typer.echo(f"{len(cases)} files, {3 * len(cases)} answers, {wrong} wrong")
    if wrong:
        raise typer.Exit(1)


def read_cases(folder: Path) -> list[Case]:
    """Read the table in a folder's README.md; files that it does not name are cases too."""
    rows: dict[str, tuple[str, str]] = {}
    readme = folder / "README.md"
    for line in readme.read_text(encoding="utf-8").splitlines() if readme.exists() else ():
        columns = [column.strip() for column in line.strip("|").split("|")]
        if line.startswith("|") and (folder / columns[0].split(",")[0]).is_file():
            rows |= {name.strip(): (columns[1], columns[-1]) for name in columns[0].split(",")}
    cases = []
    for path in sorted(path for path in folder.iterdir() if path.is_file() and path != readme):
        what, right = rows.get(path.name, ("", ""))
        stated = next(filter(None, (re.search(r"([\d.]+) s\b( or more)?", text) for text in (right, what))), None)
        decoded, peak = decode(path)
        seconds = float(stated[1]) if stated else decoded
        at_least = bool(stated and stated[2]) or "all but" in right
        cases.append(Case(path.name, right, seconds, at_least, peak < 1e-3))
    return cases


def decode(path: Path) -> tuple[float, float]:
    """Return the seconds and the peak that FFmpeg makes of the default track; 0 if it cannot open the file."""
    try:
        container = av.open(str(path), metadata_errors="replace")
    except av.FFmpegError:
        return 0.0, 0.0
    with container:
        tracks = container.streams.audio
        track = next((track for track in tracks if track.disposition & av.stream.Disposition.default), tracks[0])
        seconds = peak = 0.0
        for packet in container.demux(track):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                seconds += frame.samples / frame.sample_rate
                samples = frame.to_ndarray()
                whole = 2 ** (8 * samples.itemsize - 1) if samples.dtype.kind == "i" else 1
                peak = max(peak, float(np.abs(samples.astype(float)).max(initial=0)) / whole)
    return seconds, peak


def tag(folder: Path, python: Path, hidden: str) -> tuple[dict[str, Any], list[str]]:
    """Return the results of a folder by name, and the lines on stderr."""
    root = str(Path(__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (hidden, root)))}
    command = [str(python), "-m", "audiotagger", "tag", "--all", "--format", "jsonl", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False, text=True, env=environment)
    results = map(json.loads, done.stdout.splitlines())
    return {Path(result["path"]).name: result for result in results}, done.stderr.splitlines()


def judge(case: Case, results: dict[str, Any], lines: list[str], core: bool) -> str:
    """Return "right" or "WRONG", and why."""
    if case.name not in results:
        return "WRONG: no result"
    result = results[case.name]
    for found in filter(None, (result["error"], result["warning"])):
        if lines.count(f"audiotagger: {found['message']}") != 1:
            return "WRONG: not one line on stderr"
    if error := result["error"]:
        expected = "line" in case.right or not case.seconds or (core and error["kind"] == "needs_extra")
        return f"{'right' if expected else 'WRONG'} ({error['kind']})"
    seconds = result["duration"]
    short = case.seconds - seconds > (0.05 * case.seconds if case.at_least else ABOUT)
    if (short and not (core and result["warning"])) or seconds - case.seconds > (1 if case.at_least else ABOUT):
        return f"WRONG: {seconds:.2f} of {case.seconds:.2f} s"
    if result["confident"] and ("never confident" in case.right or seconds < 0.2):
        return "WRONG: confident"
    if "silence" in case.right and result["tags"]:
        return "WRONG: not silent"
    if not (result["tags"] or "silence" in case.right or case.silent):
        return "WRONG: silent"
    best = f"{result['tags'][0]['label']}{'' if result['confident'] else '?'}" if result["tags"] else "silence"
    return f"right ({seconds:.2f} s {best})"


def judge_writing(case: Case, path: Path) -> str:
    """Return "right" or "WRONG" for what `tag --write` does to a copy, and why."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copy(path, folder))
        before, inode, sounds = copy.read_bytes(), copy.stat().st_ino, decoded(copy)
        command = [sys.executable, "-m", "audiotagger", "tag", str(copy), "--write", "--threshold", "0"]
        if "not touched" in case.right:
            command[-2:] = ["--threshold", "1"]
        done = subprocess.run(command, capture_output=True, check=False, text=True)
        untouched = (copy.read_bytes(), copy.stat().st_ino) == (before, inode)
        if list(Path(folder).iterdir()) != [copy]:
            return "WRONG: leaves something behind"
        if "not touched" in case.right and not untouched:
            return "WRONG: touched"
        if untouched:
            refused = done.stderr.count("\n") == 1 and done.returncode == 1
            return f"right ({'refused' if refused else 'untouched'})" if done.returncode == refused else "WRONG: status"
        if done.returncode or decoded(copy) != sounds or not stored(copy):
            return f"WRONG: damaged, {done.stderr}"
    return "right (stored)"


def decoded(path: Path) -> str:
    """Return a hash of what FFmpeg makes of a file, nothing if it cannot read it."""
    try:
        return sound(path)
    except av.FFmpegError:
        return ""


if __name__ == "__main__":
    typer.run(main)
