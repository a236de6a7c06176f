"""Tag thousands of small files and print the memory and the open files after 10 %, 50 % and nearly all of them.

Memory is that of all processes, with what they share counted once (PSS). Linux only.

python benchmarks/many_files.py [--files 5000]
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path


def processes(parent: int) -> list[Path]:
    """Return the folders in /proc of a process and its children."""
    children = [path.read_text(encoding="ascii") for path in Path(f"/proc/{parent}/task").glob("*/children")]
    return [Path(f"/proc/{pid}") for pid in (parent, *" ".join(children).split())]


def megabytes(process: Path) -> float:
    """Return the memory of a process in MiB."""
    found = re.search(r"^Pss:\s+(\d+) kB", (process / "smaps_rollup").read_text(encoding="ascii"), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def open_files(process: Path) -> int:
    """Return the number of file descriptors that a process has open."""
    return len(list((process / "fd").iterdir()))


def main() -> None:
    """Create the files, tag them, print three lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=5000)
    n_files = parser.parse_args().files
    with tempfile.TemporaryDirectory() as folder:
        rng = random.Random(0)
        for i in range(n_files):
            with wave.open(f"{folder}/{i:06}.wav", "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(16_000)
                file.writeframes(rng.randbytes(2 * rng.randrange(1_000, 32_000)))
        began = time.monotonic()
        command = [sys.executable, "-m", "audiotagger", "tag", folder, "--format", "jsonl"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout
            for done, _ in enumerate(process.stdout, 1):
                if done in (n_files // 10, n_files // 2, n_files - 20):
                    family = processes(process.pid)
                    memory, opened = sum(map(megabytes, family)), sum(map(open_files, family))
                    print(
                        f"{done:6} files  {len(family)} processes  {memory:6.1f} MiB  {opened} open files  "
                        f"{time.monotonic() - began:6.1f} s",
                        flush=True,
                    )
        if process.returncode:
            sys.exit(process.returncode)


if __name__ == "__main__":
    main()
