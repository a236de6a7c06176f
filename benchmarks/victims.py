"""Commands for `kills.py` to kill, and how to tell that nothing is lost."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from clips import sound, stored, write_clips, write_dataset


class Victim:
    """A command to kill, in a folder of its own."""

    finish_after = 10
    """Kills after which it may run to its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def command(self) -> str:
        """Return the arguments of the command, which is run in `folder`."""
        raise NotImplementedError

    def losses(self) -> Iterator[str]:
        """Yield what is wrong after a kill."""
        return iter(())

    def finished(self) -> Iterator[str]:
        """Yield what is wrong after it has run to its end, then let it begin anew."""
        return iter(())


class Output(Victim):
    """`tag -o` replaces the results of an earlier run."""

    finish_after = 5

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        write_clips(folder / "clips", 60)
        self.results: list[Any] = []

    def command(self) -> str:
        return "tag clips --output out.json"

    def losses(self) -> Iterator[str]:
        found = json.loads((self.folder / "out.json").read_text())
        if found != self.results[: len(found)]:
            yield "out.json has other results"

    def finished(self) -> Iterator[str]:
        found = json.loads((self.folder / "out.json").read_text())
        if len(found) != 60 or (self.results and found != self.results):
            yield f"out.json has {len(found)} results, or others"
        self.results = found


class Resume(Victim):
    """`tag --resume` appends to a journal."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        write_clips(folder / "clips", 120)
        self.results: list[Any] = []
        self.done = 0

    def command(self) -> str:
        return "tag clips --output out.jsonl --resume"

    def _found(self, whole: bool) -> list[Any]:
        path = self.folder / "out.jsonl"
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        return [json.loads(line) for line in lines if whole or line.endswith(b"\n")]

    def losses(self) -> Iterator[str]:
        found = self._found(whole=False)
        if len(found) < self.done or found != self.results[: len(found)]:
            yield f"the journal has {len(found)} results after {self.done}, or others"
        self.done = len(found)

    def finished(self) -> Iterator[str]:
        found = self._found(whole=True)
        if len(found) != 120 or (self.results and found != self.results):
            yield f"the journal has {len(found)} results, or others"
        self.results, self.done = found, 0
        (self.folder / "out.jsonl").unlink()


class Write(Victim):
    """`tag --write` replaces the user's files."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        write_clips(folder / "originals", 24, ("wav", "flac", "ogg", "mp3", "opus", "aiff", "m4a"))
        shutil.copytree(folder / "originals", folder / "clips")
        self.sounds = {path.name: sound(path) for path in (folder / "clips").iterdir()}
        self.labels: dict[str, str] = {}

    def command(self) -> str:
        return "tag clips --write --threshold 0 --min-score 0 --output out.jsonl --resume"

    def _files(self) -> Iterator[Path]:
        yield from (path for path in (self.folder / "clips").iterdir() if not path.name.startswith("."))

    def losses(self) -> Iterator[str]:
        if {path.name for path in self._files()} != set(self.sounds):
            yield "files are missing"
        for path in self._files():
            if sound(path) != self.sounds[path.name]:
                yield f"{path.name} sounds different"
            if (labels := stored(path)) and labels != self.labels[path.name]:
                yield f"{path.name} has the labels {labels}"

    def finished(self) -> Iterator[str]:
        yield from (f"{path.name} sounds different" for path in self._files() if sound(path) != self.sounds[path.name])
        labels = {path.name: stored(path) for path in self._files()}
        if not all(labels.values()) or (self.labels and labels != self.labels):
            yield f"labels are missing or different: {labels}"
        self.labels = labels
        shutil.rmtree(self.folder / "clips")
        shutil.copytree(self.folder / "originals", self.folder / "clips")
        (self.folder / "out.jsonl").unlink()


class Train(Victim):
    """`train` and `train --resume`."""

    finish_after = 4

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        write_dataset(folder / "data")
        self.history: list[list[str]] = []
        self.epochs = 0

    def command(self) -> str:
        resume = "--resume" if (self.folder / "run" / "config.json").exists() else ""
        return f"train --model mel --init scratch --epochs 3 --output run {resume}"

    def losses(self) -> Iterator[str]:
        history, checkpoint = self.folder / "run" / "history.csv", self.folder / "run" / "checkpoint.npz"
        epochs = 0
        if checkpoint.exists():
            with np.load(checkpoint) as arrays:
                epochs = len(json.loads(str(arrays["history"])))
                if not all(np.isfinite(arrays[name]).all() for name in arrays if name != "history"):
                    yield "the checkpoint has what are no numbers"
        if epochs < self.epochs:
            yield f"the checkpoint has {epochs} epochs after {self.epochs}"
        self.epochs = epochs
        yield from broken_in_cache(self.folder)
        if history.exists() and losses_of(history) != self.history[: len(losses_of(history))]:
            yield f"history.csv has {losses_of(history)} instead of {self.history}"

    def finished(self) -> Iterator[str]:
        history = losses_of(self.folder / "run" / "history.csv")
        if len(history) != 3 or (self.history and history != self.history):
            yield f"history.csv has {history} instead of {self.history}"
        json.loads((self.folder / "run" / "result.json").read_text())
        self.history, self.epochs = history, 0
        shutil.rmtree(self.folder / "run")
        shutil.rmtree(self.folder / "cache")


class Export(Victim):
    """`export` replaces models."""

    finish_after = 6

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        write_dataset(folder / "data")
        run("train --model mel --init scratch --epochs 1 --output run", folder)

    def command(self) -> str:
        return "export run --output models"

    def losses(self) -> Iterator[str]:
        done = run("models verify --models models", self.folder, check=False)
        if done.returncode:
            yield f"models verify: {done.stdout} {done.stderr}"

    finished = losses


class Evaluate(Victim):
    """`evaluate` with a cache of decoded clips."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        write_dataset(folder / "data")
        self.report = ""

    def command(self) -> str:
        return "evaluate data --format json"

    def losses(self) -> Iterator[str]:
        yield from broken_in_cache(self.folder)

    def finished(self) -> Iterator[str]:
        report = run(self.command(), self.folder).stdout
        if self.report and report != self.report:
            yield "the report differs"
        self.report = report


VICTIMS = {each.__name__.lower(): each for each in (Output, Resume, Write, Train, Export, Evaluate)}


def start(command: str, folder: Path, **options: Any) -> subprocess.Popen[str]:
    """Start audiotagger in a folder, in a process group of its own, with a cache there."""
    return subprocess.Popen(
        [sys.executable, "-m", "audiotagger", *command.split()],
        cwd=folder,
        env={**os.environ, "AUDIOTAGGER_CACHE": str(folder / "cache"), "CUDA_VISIBLE_DEVICES": ""},
        text=True,
        start_new_session=True,
        **options,
    )


def run(command: str, folder: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run audiotagger in a folder to its end."""
    with start(command, folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        out, err = process.communicate()
    if check and process.returncode:
        raise RuntimeError(f"{command}: {err}")
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def broken_in_cache(folder: Path) -> Iterator[str]:
    """Yield which clips in the cache are not whole."""
    for path in (folder / "cache" / "clips").glob("*.npy"):
        if not np.isfinite(np.load(path)).all():
            yield f"{path}: broken"


def losses_of(history: Path) -> list[list[str]]:
    """Return what a history.csv has, but for the speed."""
    with history.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [[f"{float(row[name]):.3g}" for name in ("epoch", "loss", "val_top1")] for row in rows]
