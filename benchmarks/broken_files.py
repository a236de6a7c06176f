"""Tag broken, lying and extreme files of every format and count what happens; it fails if that is more than one line.

    python benchmarks/broken_files.py --count 20000 --seed 0

The same seed makes the same files. Formats that only PyAV encodes take part where it is installed.
"""

from __future__ import annotations

import itertools
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from broken_audio import BrokenFile, broken_files

BATCH = 400
"""Files given to one process."""

BATCH_SECONDS = 300
FILE_SECONDS = 60
"""How long a batch may take, and a file."""

OUTCOMES = ("tagged", "refused", "crash", "hang", "not a number", "other fault")


def main(
    count: Annotated[int, typer.Option(help="Files damaged at random; there are about 350 others.")] = 1000,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    keep: Annotated[Path | None, typer.Option(metavar="DIR", help="Copy the files that are not handled there.")] = None,
) -> None:
    """Print the number of files with each outcome. Exit status 1 if there is any but the first two."""
    outcomes: Counter[str] = Counter()
    began = time.monotonic()
    for batch in batched(broken_files(count, seed), BATCH):
        with tempfile.TemporaryDirectory() as folder:
            for file in batch:
                (Path(folder) / file.name).write_bytes(file.data)
            for name, outcome, details in tag_all(Path(folder)):
                outcomes[outcome] += 1
                if outcome not in ("tagged", "refused"):
                    typer.echo(f"{outcome}: {name}: {details}")
                    if keep and (Path(folder) / name).exists():
                        keep.mkdir(parents=True, exist_ok=True)
                        (keep / name).write_bytes((Path(folder) / name).read_bytes())
    typer.echo(f"{outcomes.total()} files tried in {time.monotonic() - began:.0f} s")
    for outcome in OUTCOMES:
        typer.echo(f"{outcome}: {outcomes[outcome]}")
    typer.echo(f"peak memory: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024} MiB")
    if outcomes.total() > outcomes["tagged"] + outcomes["refused"]:
        raise typer.Exit(1)


def batched(files: Iterator[BrokenFile], size: int) -> Iterator[list[BrokenFile]]:
    """Yield lists of `size` files."""
    while batch := list(itertools.islice(files, size)):
        yield batch


def tag_all(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Tag the files of a folder, and yield the name of each, its outcome and what is wrong."""
    waiting = {path.name for path in folder.iterdir()}
    _, _, results, errors = tag(folder, BATCH_SECONDS)
    for result in results:
        name = Path(result["path"]).name
        waiting.discard(name)
        yield name, *judge(result, errors)
    for name in sorted(waiting):  # one of them has ended the process
        outcome, details, alone, lines = tag(folder / name, 2 * FILE_SECONDS)
        yield name, *(judge(alone[0], lines) if alone and not outcome else (outcome or "other fault", details))
    if unexpected := [line for line in errors if not line.startswith(f"audiotagger: {folder}")]:
        yield "a line on stderr", "other fault", " / ".join(unexpected[-3:])


def tag(path: Path, seconds: float) -> tuple[str, str, list[dict[str, Any]], list[str]]:
    """Return how the command failed ("" if it did not), details, its results and the lines on stderr."""
    options = ["--all", "--format", "jsonl", "--timeout", str(FILE_SECONDS)]
    command = [sys.executable, "-m", "audiotagger", "tag", *options, str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(timeout=seconds)
        outcome = "" if process.returncode in (0, 1) else "crash"
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        outcome = "hang"
    *lines, unfinished = out.decode().split("\n")
    errors = err.decode(errors="replace").splitlines()
    details = f"status {process.returncode}, {errors[-1:]}"
    try:
        results = list(map(json.loads, lines))
    except ValueError:  # something else prints there
        return "other fault", f"{details}, not only JSON on stdout", [], errors
    if unfinished and not outcome:
        return "other fault", f"{details}, the last result is unfinished", [], errors
    return outcome, details, results, errors


def judge(result: dict[str, Any], errors: list[str]) -> tuple[str, str]:
    """Return the outcome and what is wrong."""
    for found in filter(None, (result["error"], result["warning"])):
        if errors.count(f"audiotagger: {found['message']}") != 1 or not found["message"].startswith(result["path"]):
            return "other fault", f"no line of its own: {found}"
    if result["error"]:
        kind = {"crashed": "crash", "timeout": "hang"}.get(result["error"]["kind"], "refused")
        if "Error(" in result["error"]["message"]:
            return "other fault", result["error"]["message"]
        return kind, result["error"]["message"]
    numbers = [result["duration"], *(tag["score"] for tag in result["tags"])]
    if not all(map(math.isfinite, numbers)):
        return "not a number", str(numbers)
    if min(numbers) < 0 or sum(numbers[1:]) > 1.01:
        return "other fault", str(numbers)
    return "tagged", ""


if __name__ == "__main__":
    typer.run(main)
