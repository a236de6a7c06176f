"""Tag thousands of small files and print the memory used after 10 %, 50 % and nearly all of them.

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
                    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
                    memory = re.search(r"VmRSS:\s+(\d+) kB", status)
                    seconds = time.monotonic() - began
                    if memory:  # the process may have ended with the last file
                        print(f"{done:6} files  {int(memory[1]) / 1024:6.1f} MiB  {seconds:6.1f} s", flush=True)
        if process.returncode:
            sys.exit(process.returncode)


if __name__ == "__main__":
    main()
