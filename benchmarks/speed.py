"""Print run time and memory of `audiotagger`: start-up, one clip, hours of audio; milliseconds per model.

python benchmarks/speed.py [--runs 7] [--hours 2] [--models DIR --models OTHER_DIR]

Whole processes are measured, as a user experiences them; the medians are printed. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

# Import nothing large here: a child process's peak memory is at least its parent's size.

MODELS = """
import statistics, sys, time, numpy as np
from audiotagger import Tagger
clip = np.random.default_rng(0).normal(0, 0.1, (1, 5 * 16_000)).astype(np.float32)
models = [(folder, model) for folder in sys.argv[1:] or [None] for model in Tagger.load(folder).models]
times = [[] for _ in models]
for _ in range(60):  # in turns: what slows the machine down meets all of them
    for of_model, (_, model) in zip(times, models):
        start = time.perf_counter()
        model.predict(clip)
        of_model.append(time.perf_counter() - start)
for of_model, (folder, model) in zip(times, models):
    where = f" of {folder}" if folder else ""
    print(f"{model.name:<4} model{where}, 5 s clip, one thread     {1000 * statistics.median(of_model):8.1f} ms")
"""


def write_noise(path: Path, seconds: int, rate: int, channels: int) -> None:
    """Write a 16-bit wav of noise."""
    second = random.Random(0).randbytes(2 * rate * channels)
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        for _ in range(seconds):
            file.writeframesraw(second)


def measure(args: list[str], runs: int) -> tuple[float, float]:
    """Return the medians of wall seconds and peak MiB of `audiotagger ARGS`, after a warm-up run."""
    seconds, peaks = [], []
    for _ in range(runs + (runs > 1)):
        began = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", "audiotagger", *args], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"audiotagger {' '.join(args)} failed")
        seconds.append(time.perf_counter() - began)
        peaks.append(usage.ru_maxrss / 1024)
    counted = slice(1 if runs > 1 else 0, None)
    return statistics.median(seconds[counted]), statistics.median(peaks[counted])


def main() -> None:
    """Print one line per measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--hours", type=int, default=2, help="length of the long file; 0 leaves it out")
    parser.add_argument("--models", action="append", default=[], help="folders of models to time in turns")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip, long = Path(folder) / "clip.wav", Path(folder) / "long.wav"
        write_noise(clip, 5, 16_000, 1)
        lines = [
            ("audiotagger --help", ["--help"], options.runs),
            ("audiotagger tag, 5 s wav", ["tag", str(clip)], options.runs),
        ]
        if options.hours:
            write_noise(long, 3600 * options.hours, 44_100, 2)
            lines.append((f"audiotagger tag, {options.hours} h wav, 44.1 kHz", ["tag", str(long)], 1))
        for name, args, runs in lines:
            seconds, peak = measure(args, runs)
            print(f"{name:<36}{seconds:8.2f} s  {peak:6.0f} MiB", flush=True)
    subprocess.run([sys.executable, "-c", MODELS, *options.models], check=True)


if __name__ == "__main__":
    main()
