"""Feed `audiotagger listen` in real time and print how long a result takes after its last sample.

python benchmarks/listen.py [--seconds 30]
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import subprocess
import sys
import time

RATE = 44_100

PIECE = 2 * RATE // 20
"""Bytes that are sent at once."""


def main() -> None:
    """Send a second of noise every second, wait for each result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=30)
    seconds = parser.parse_args().seconds
    second = random.Random(0).randbytes(2 * RATE)
    command = [sys.executable, "-m", "audiotagger", "listen", "--input", "-", "--rate", str(RATE)]
    delays = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdin
        assert process.stdout
        for _ in range(seconds):
            for begin in range(0, len(second), PIECE):
                time.sleep(PIECE / (2 * RATE))
                process.stdin.write(second[begin : begin + PIECE])
            began = time.perf_counter()
            process.stdout.readline()
            delays.append(time.perf_counter() - began)
        process.stdin.close()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (usage.ru_utime + usage.ru_stime) / seconds
    print(
        f"from the last sample to the result: {1000 * statistics.median(delays[1:]):.0f} ms median, "
        f"{1000 * max(delays[1:]):.0f} ms at most; {1000 * cpu:.0f} CPU ms per second, with start-up"
    )


if __name__ == "__main__":
    main()
