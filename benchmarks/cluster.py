"""Measure what tagging costs on a Ray cluster, and on one machine without Ray: CPU seconds, scaled to large jobs.

python benchmarks/cluster.py [--clips 1000] [--long 16] [--names 1000000]

Clips of 5 s and files of 5 min (44.1 kHz, WAV) are tagged by `audiotagger tag --jobs N` and by `--engine ray` on a
cluster of this machine, of as many workers. CPU seconds are those of all their processes between 20 % and 80 % of the
files: what starting costs is printed apart. They hardly depend on what else the machine does, but wall clock does.
Linux only.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterator
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")

JOBS = len(os.sched_getaffinity(0))

RAY = """
import sys
from audiotagger.audio.discovery import find_audio
from audiotagger.engines.ray import tag_files
for report in tag_files(find_audio([sys.argv[1]]), sys.argv[2], partition_size=int(sys.argv[3]), jobs=int(sys.argv[4])):
    assert not report.errors and not report.failure, report
    print(report.files, flush=True)
"""

PLAN = """
import resource, sys, time
from audiotagger.engines.partitions import plan
began = time.process_time()
count = int(sys.argv[1])
names = (f"s3://bucket/{index % 1000:03}/recording-{index:012}.flac" for index in range(count))
partitions = plan(sys.argv[2], names, {}, resume=False)
megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
seconds = time.process_time() - began
print(f"plan of {count:,} names: {partitions.count:,} partitions, {seconds:.1f} CPU s, {megabytes} MiB")
"""


def cpu_seconds(root: int) -> float:
    """Return the CPU seconds of a process and all its descendants, those that have ended included."""
    parents, times = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        parents[int(folder.name)] = int(fields[1])
        times[int(folder.name)] = sum(map(int, fields[11:15])) / TICKS
    family = {root}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(times.get(pid, 0.0) for pid in family)


def write_files(folder: Path, count: int, seconds: int) -> None:
    """Write 16-bit wavs of noise, 44.1 kHz mono."""
    folder.mkdir()
    rng = random.Random(0)
    for index in range(count):
        second = rng.randbytes(2 * 44_100)
        with wave.open(str(folder / f"{index:06}.wav"), "wb") as file:
            file.setparams((1, 2, 44_100, 0, "NONE", ""))
            for _ in range(seconds):
                file.writeframesraw(second)


def finished(process: subprocess.Popen[str], each: int | None) -> Iterator[int]:
    """Yield the number of finished files: a line is `each` file, or has their number."""
    assert process.stdout
    done = 0
    for line in process.stdout:
        done += each or int(line)
        yield done


def measure(command: list[str], files: int, each: int | None) -> tuple[float, float]:
    """Return the CPU seconds per file, and those before the first one is finished."""
    samples: list[tuple[int, float]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        marks = [0.0, 0.2, 0.8]
        for done in finished(process, each):
            if marks and done > marks[0] * files:
                samples.append((done, cpu_seconds(process.pid)))
                marks.pop(0)
    if process.returncode or len(samples) < 3:
        raise SystemExit(f"{' '.join(command[:6])} failed")
    (_, start), (first, before), (last, after) = samples
    return (after - before) / (last - first), start


def main() -> None:
    """Write the files, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--long", type=int, default=16)
    parser.add_argument("--names", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        for name, count, seconds in (("clips", arguments.clips, 5), ("long", arguments.long, 300)):
            write_files(Path(root, name), count, seconds)
            local = [sys.executable, "-m", "audiotagger", "tag", f"{root}/{name}", "--jobs", str(JOBS), "-f", "jsonl"]
            size = max(1, count // 20)
            ray = [sys.executable, "-c", RAY, f"{root}/{name}", f"{root}/out-{name}", str(size), str(JOBS)]
            for engine, command, each in (("local", local, 1), ("ray", ray, None)):
                began = time.monotonic()
                per_file, start = measure(command, count, each)
                hours = per_file / seconds * 1000
                print(
                    f"{count} files of {seconds} s, {engine}: {1000 * per_file:.1f} CPU ms per file, "
                    f"{per_file * 1e6 / 3600:.1f} CPU hours per million files, {hours:.1f} per 1,000 hours; "
                    f"start {start:.1f} CPU s; {time.monotonic() - began:.0f} s in all",
                    flush=True,
                )
        subprocess.run([sys.executable, "-c", PLAN, str(arguments.names), f"{root}/plan"], check=True)
    print(f"{JOBS} workers on this machine")


if __name__ == "__main__":
    main()
