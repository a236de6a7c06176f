"""Print what `audiotagger tag` costs as whole processes, in CPU seconds, and relative to other work on the same files.

python benchmarks/throughput.py [--runs 5] [--jobs 400] [--long 3600] [--many 20000] [--models DIR]
                                [--yamnet yamnet.tflite]

Commands that are compared run in turns, so that what slows the machine down meets all of them; medians are printed, and
medians of the ratios in each turn. CPU seconds are those of a process with its children, user and system together.

--yamnet, or the environment variable AUDIOTAGGER_YAMNET, names Google's YAMNet as a LiteRT file with 521 scores per
0.975 s, to be run every 0.49 s (`pip install ai-edge-litert`); without it, that comparison is left out.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from dataclasses import dataclass
from pathlib import Path

# Import nothing large here: a child process's peak memory is at least its parent's size.

RATE = 44_100

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

YAMNET = """
import sys, numpy, soundfile, soxr
from ai_edge_litert.interpreter import Interpreter
model = Interpreter(sys.argv[1], num_threads=1)
(given,), scores = model.get_input_details(), model.get_output_details()[0]
model.resize_tensor_input(given["index"], [15_600])
model.allocate_tensors()
for path in sys.argv[2:]:
    samples, rate = soundfile.read(path, dtype="float32")
    samples = soxr.resample(samples, rate, 16_000)
    frames = []
    for start in range(0, len(samples) - 15_600 + 1, 7_840):
        model.set_tensor(given["index"], samples[start : start + 15_600])
        model.invoke()
        frames.append(model.get_tensor(scores["index"]).ravel())
    print(path, *numpy.mean(frames, axis=0).argsort()[:-4:-1])
"""

DECODING = """
import sys, soundfile, soxr
for path in sys.argv[1:]:
    with soundfile.SoundFile(path) as file:
        stream = soxr.ResampleStream(file.samplerate, 16_000, 1, dtype="float32")
        while len(block := file.read(441_000, dtype="float32")):
            stream.resample_chunk(block, last=file.tell() == file.frames)
"""

READING = """
import sys
from audiotagger.audio.decoding import read_blocks
for path in sys.argv[1:]:
    for block in read_blocks(path, 16_000):
        pass
"""


@dataclass
class Runs:
    """What the runs of one command took."""

    cpu: list[float]
    wall: list[float]
    peaks: list[float]
    """MiB of the largest process."""


def run(command: list[str]) -> tuple[float, float, float]:
    """Return CPU seconds, wall seconds and peak MiB of a command."""
    began = time.perf_counter()
    environment = os.environ | ONE_THREAD
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed: {' '.join(command)[:200]}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - began, usage.ru_maxrss / 1024


def in_turns(runs: int, **commands: list[str]) -> dict[str, Runs]:
    """Run commands in turns, after a first turn that does not count."""
    results = {name: Runs([], [], []) for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            cpu, wall, peak = run(command)
            if turn:
                results[name].cpu.append(cpu)
                results[name].wall.append(wall)
                results[name].peaks.append(peak)
    return results


def ratio(of: list[float], to: list[float]) -> float:
    """Return the median of the ratios in each turn."""
    return statistics.median(a / b for a, b in zip(of, to, strict=True))


def write_noise(path: Path, seconds: float, seed: int = 0) -> None:
    """Write a 16-bit mono wav of noise."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        second = random.Random(seed).randbytes(2 * RATE)
        for _ in range(int(seconds)):
            file.writeframesraw(second)


def row(name: str, value: str, bar: str = "") -> None:
    """Print one line."""
    print(f"{name:<58}{value:>12}  {bar}".rstrip(), flush=True)


def tag(*args: object, models: str | None) -> list[str]:
    """Return a command that tags."""
    options = ["--models", models] if models else []
    return [sys.executable, "-m", "audiotagger", "tag", *options, *map(str, args)]


def compare_short(folder: Path, runs: int, models: str | None, yamnet: str | None) -> float:
    """Compare 50 files of 5 s; return seconds of audio per CPU second."""
    files = [str(folder / f"{i:02}.wav") for i in range(50)]
    for seed, file in enumerate(files):
        write_noise(Path(file), 5, seed)
    python = [sys.executable, "-c"]
    commands = {
        "tag": tag("--jobs", 1, *files, models=models),
        "reading": [*python, READING, *files],
        "decoding": [*python, DECODING, *files],
    }
    if yamnet:
        commands["yamnet"] = [*python, YAMNET, yamnet, *files]
    results = in_turns(runs, **commands)
    of_tag = results["tag"]
    print("50 wav files of 5 s, 44.1 kHz, one thread")
    for name, title in (
        ("tag", "audiotagger tag --jobs 1"),
        ("reading", "reading alone, as audiotagger does"),
        ("decoding", "soundfile and soxr alone"),
        ("yamnet", "YAMNet with LiteRT"),
    ):
        if name in results:
            row(f"  {title}", f"{statistics.median(results[name].cpu):.3f} s")
    if yamnet:
        row("  tag / YAMNet", f"{ratio(of_tag.cpu, results['yamnet'].cpu):.2f}", "at most 0.90")
    row("  tag / reading alone", f"{ratio(of_tag.cpu, results['reading'].cpu):.2f}", "at most 3")
    row("  tag / soundfile and soxr alone", f"{ratio(of_tag.cpu, results['decoding'].cpu):.2f}")
    row("  peak of the largest process", f"{max(of_tag.peaks):.0f} MiB", "at most 150 MB")
    return 250 / statistics.median(of_tag.cpu)


def compare_long(folder: Path, seconds: int, runs: int, models: str | None, short: float) -> None:
    """Compare one long file with the short ones."""
    path = folder / "long.wav"
    write_noise(path, seconds)
    results = in_turns(
        runs,
        tag=tag("--jobs", 1, path, models=models),
        reading=[sys.executable, "-c", READING, str(path)],
        decoding=[sys.executable, "-c", DECODING, str(path)],
    )
    long = seconds / statistics.median(results["tag"].cpu)
    print(f"one wav file of {seconds} s, 44.1 kHz, one thread")
    row("  seconds of audio per CPU second", f"{long:.0f}")
    row("  seconds of audio per CPU second, short files", f"{short:.0f}")
    row("  long / short", f"{long / short:.2f}", "at least 1.3")
    row("  tag / reading alone", f"{ratio(results['tag'].cpu, results['reading'].cpu):.2f}")
    row("  tag / soundfile and soxr alone", f"{ratio(results['tag'].cpu, results['decoding'].cpu):.2f}")
    row("  peak of the largest process", f"{max(results['tag'].peaks):.0f} MiB", "at most 150 MB")


def compare_start(folder: Path, runs: int, models: str | None) -> None:
    """Compare start-up with that of the libraries that tagging needs."""
    results = in_turns(
        2 * runs,
        bare=[sys.executable, "-c", "import numpy, onnxruntime"],
        one=tag("--jobs", 1, folder / "00.wav", models=models),
        help=[sys.executable, "-m", "audiotagger", "--help"],
    )
    print("start-up")
    row('  python -c "import numpy, onnxruntime"', f"{statistics.median(results['bare'].cpu):.3f} s")
    for name, title, bar in (("one", "audiotagger tag, one file of 5 s", 2.2), ("help", "audiotagger --help", 0.6)):
        row(f"  {title}", f"{statistics.median(results[name].cpu):.3f} s")
        row("    relative to that", f"{ratio(results[name].cpu, results['bare'].cpu):.2f}", f"at most {bar}")
        row("    by the clock", f"{ratio(results[name].wall, results['bare'].wall):.2f}")


def compare_jobs(folder: Path, number: int, runs: int, models: str | None) -> None:
    """Compare two workers with one: by the clock, so only on a quiet machine."""
    files = [folder / f"{i % 50:02}.wav" for i in range(number)]
    results = in_turns(runs, one=tag("--jobs", 1, *files, models=models), two=tag("--jobs", 2, *files, models=models))
    print(f"{number} wav files of 5 s on {os.cpu_count()} cores, seconds on the clock")
    for name in ("one", "two"):
        row(f"  --jobs {1 + (name == 'two')}", f"{statistics.median(results[name].wall):.2f} s")
    row("  gain", f"{ratio(results['one'].wall, results['two'].wall):.2f}", "at least 1.8")


def compare_numbers(folder: Path, many: int, models: str | None) -> None:
    """Compare the CPU time per file, without start-up, of a hundred files and of many."""
    links = folder / "many"
    links.mkdir()
    for i in range(many):
        (links / f"{i:06}.wav").symlink_to(folder / f"{i % 50:02}.wav")
    few = [links / f"{i:06}.wav" for i in range(100)]
    first, hundred, all_of_them = (run(tag("--jobs", 1, *paths, models=models)) for paths in ([few[0]], few, [links]))
    of_few, of_many = (hundred[0] - first[0]) / 99, (all_of_them[0] - first[0]) / (many - 1)
    print(f"CPU time per file, without start-up, of 100 and of {many} files")
    row("  of 100", f"{1e3 * of_few:.2f} ms")
    row(f"  of {many}", f"{1e3 * of_many:.2f} ms")
    row("  ratio", f"{of_many / of_few:.2f}", "1")
    row("  peak of the largest process", f"{all_of_them[2]:.0f} MiB", "at most 150 MB")


def main() -> None:
    """Print the machine, the versions and one table per comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="turns of each comparison")
    parser.add_argument("--jobs", type=int, default=400, metavar="FILES", help="files for one and two jobs; 0: none")
    parser.add_argument("--long", type=int, default=3600, metavar="SECONDS", help="length of the long file; 0: none")
    parser.add_argument("--many", type=int, default=20_000, metavar="FILES", help="number of files; 0: none")
    parser.add_argument("--models", metavar="DIR", help="folder of models, by default the shipped ones")
    parser.add_argument("--yamnet", default=os.environ.get("AUDIOTAGGER_YAMNET"), metavar="FILE")
    options = parser.parse_args()
    if options.yamnet and not importlib.util.find_spec("ai_edge_litert"):
        parser.error("--yamnet needs `pip install ai-edge-litert`")
    packages = ["numpy", "onnxruntime", "soundfile", "soxr", "typer"] + ["ai-edge-litert"] * bool(options.yamnet)
    print(f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}")
    print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        short = compare_short(folder, options.runs, options.models, options.yamnet)
        compare_start(folder, options.runs, options.models)
        if options.jobs:
            compare_jobs(folder, options.jobs, min(options.runs, 3), options.models)
        if options.long:
            compare_long(folder, options.long, min(options.runs, 3), options.models, short)
        if options.many:
            compare_numbers(folder, options.many, options.models)


if __name__ == "__main__":
    main()
