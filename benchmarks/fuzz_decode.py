"""Fuzz decoding and tagging: libFuzzer changes audio files, guided by the lines of audiotagger that they reach.

    pip install atheris
    python benchmarks/fuzz_decode.py -max_total_time=600 -seed=1

It needs Linux, and prints the number of executions at the end. It stops with a failure at any exception but
AudioError, a score that is not a number, a crash, 60 s for a file or 2 GB of memory, and leaves the file here.
Other arguments are libFuzzer's (`-help=1`), such as a folder in which files with new coverage are collected. It begins
with a file of each format that `encode_audio.py` knows; the C libraries are not instrumented.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["audiotagger"]):
    from audiotagger import AudioError, Tagger

from encode_audio import encode, encodings

OPTIONS = ["-timeout=60", "-rss_limit_mb=2000", "-max_len=100000", "-print_final_stats=1", "-close_fd_mask=3"]
"""By default; the last one keeps what decoders print from the terminal."""


def main() -> None:
    """Write the first files, and run libFuzzer in a child, as it ends its process."""
    with tempfile.TemporaryDirectory() as folder:
        for kind in encodings():
            (Path(folder) / "-".join(kind)).write_bytes(encode(*kind))
        child = os.fork()
        if not child:
            fuzz(folder)
        _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


def fuzz(folder: str) -> None:
    """Run libFuzzer with the files of a folder, and the arguments of this command."""
    tagger = Tagger.load()

    def tag(data: bytes) -> None:
        try:
            tagging = tagger.tag(io.BytesIO(data), top_k=len(tagger.labels))
        except AudioError:
            return
        scores = [found.score for found in tagging.tags]
        assert all(0 <= score <= 1 for score in scores), scores
        assert sum(scores) < 1.01, scores
        assert tagging.duration is not None
        assert 0 <= tagging.duration < float("inf"), tagging.duration

    options = [argument for argument in sys.argv[1:] if argument.startswith("-")]
    collected = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    atheris.Setup([sys.argv[0], *OPTIONS, *options, *collected, folder], tag)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
