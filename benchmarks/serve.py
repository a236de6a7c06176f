"""Send files to `audiotagger serve` from several clients at once, and compare with `audiotagger tag` on the same files.

python benchmarks/serve.py [--files 400] [--clients 4] [--jobs 2]

It prints how many files a second either tags and the CPU time that a file takes, both with start-up, the median and the
99th percentile of the time from request to answer, and the memory of all processes of the service (PSS, Linux only)
along the way; then how long a window takes in batches:
whether it would help to gather the windows of several requests. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from load import cpu_of_children, family, megabytes
from speed import write_noise

BATCHES = """
import statistics, time, numpy as np
from audiotagger import Tagger
models = Tagger.load().models
windows = np.random.default_rng(0).normal(0, 0.1, (8, 5 * 16_000)).astype(np.float32)
times = {(model.name, size): [] for model in models for size in (1, 2, 4, 8)}
for _ in range(15):  # in turns: what slows the machine down meets all of them
    for model in models:
        for size in (1, 2, 4, 8):
            start = time.process_time()
            model.predict(windows[:size])
            times[model.name, size].append((time.process_time() - start) / size)
for (name, size), of_size in times.items():
    print(f"{name:<4} model, batches of {size}: {1000 * statistics.median(of_size):6.2f} CPU ms a window")
"""


def tag(folder: str, n_files: int, jobs: int) -> None:
    """Run the command, print what is measured."""
    before, began = cpu_of_children(), time.perf_counter()
    command = [sys.executable, "-m", "audiotagger", "tag", folder, "--format", "jsonl", "--jobs", str(jobs)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    took, used = time.perf_counter() - began, cpu_of_children() - before
    print(f"tag                {n_files / took:6.1f} files/s, {1000 * used / n_files:.1f} CPU ms a file", flush=True)


def send(host: str, files: list[bytes], seconds: list[float]) -> None:
    """Send files one after the other over one connection; append how long each answer takes."""
    connection = http.client.HTTPConnection(host)
    while files:
        content = files.pop()
        began = time.perf_counter()
        connection.request("POST", "/tag", content)
        answer = connection.getresponse()
        answer.read()
        seconds.append(time.perf_counter() - began)
        if answer.status != 200:
            raise SystemExit(f"the service answered {answer.status}")
    connection.close()


def serve(files: list[bytes], clients: int, jobs: int) -> None:
    """Start the service, send it all files, print what is measured."""
    before, total, seconds, memory = cpu_of_children(), len(files), list[float](), list[float]()
    began = time.perf_counter()
    command = [sys.executable, "-m", "audiotagger", "serve", "--port", "0", "--jobs", str(jobs)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        host = process.stderr.readline().strip().rpartition("/")[2]
        threads = _start(host, files, clients, seconds)
        for part in (0.1, 0.5, 0.95):
            while len(seconds) < part * total and any(thread.is_alive() for thread in threads):
                time.sleep(0.05)
            memory.append(sum(map(megabytes, family(process.pid))))
        for thread in threads:
            thread.join()
        took = time.perf_counter() - began
        process.terminate()
    middle, last = statistics.median(seconds), statistics.quantiles(seconds, n=100)[98]
    used = 1000 * (cpu_of_children() - before) / total
    times = f"{used:.1f} CPU ms a file, {1000 * middle:.0f} ms median, {1000 * last:.0f} ms p99"
    print(f"serve, {clients} clients   {total / took:6.1f} files/s, {times}")
    print("memory after 10 %, 50 % and 95 %: " + ", ".join(f"{one:.0f}" for one in memory) + " MiB")


def _start(host: str, files: list[bytes], clients: int, seconds: list[float]) -> list[threading.Thread]:
    threads = [threading.Thread(target=send, args=(host, files, seconds)) for _ in range(clients)]
    for thread in threads:
        thread.start()
    return threads


def main() -> None:
    """Create the files, print a line per measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "0000.wav")
        write_noise(path, 5, 44_100, 1)
        content = path.read_bytes()
        for i in range(1, options.files):
            Path(folder, f"{i:04}.wav").write_bytes(content)
        tag(folder, options.files, options.jobs)
        serve([content] * options.files, options.clients, options.jobs)
        serve([content] * options.files, 1, options.jobs)
    subprocess.run([sys.executable, "-c", BATCHES], check=True)


if __name__ == "__main__":
    main()
