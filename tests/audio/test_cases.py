"""Any folder of difficult files, named by AUDIOTAGGER_CASES: each gets its result or one line, and nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.audio.test_containers import RUN
from tests.conftest import EXAMPLES

av = pytest.importorskip("av", reason="needs the extra formats")

CASES = os.environ.get("AUDIOTAGGER_CASES", "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CASES, reason="set AUDIOTAGGER_CASES to a folder of difficult files"),
]


@pytest.mark.parametrize("install", ["", "import sys; sys.modules['av'] = None; "], ids=["formats", "core"])
def test_each_file_gets_its_result_or_one_line(install: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", install + RUN, "tag", "--format", "jsonl", "--segments", CASES],
        capture_output=True,
        check=False,
        text=True,
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert results
    schema = json.loads((EXAMPLES.parent / "audiotagger" / "schema.json").read_text(encoding="utf-8"))
    for result in results:
        jsonschema.validate(result, schema)
    messages = [result[key]["message"] for result in results for key in ("error", "warning") if result[key]]
    lines = [line for line in done.stderr.splitlines() if not line.startswith("audiotagger: skipped ")]
    assert lines == [f"audiotagger: {message}" for message in messages]
    assert done.returncode == any(result["error"] for result in results)
    for result in results:
        if result["error"] is None and result["warning"] is None:
            assert result["duration"] == pytest.approx(decoded_seconds(Path(result["path"])), abs=0.1), result["path"]
        assert not result["confident"] or result["duration"] >= 0.2


def decoded_seconds(path: Path) -> float:
    """How much FFmpeg makes of the default track."""
    with av.open(str(path), metadata_errors="replace") as container:
        tracks = container.streams.audio
        track = next((track for track in tracks if track.disposition & av.stream.Disposition.default), tracks[0])
        seconds = 0.0
        for packet in container.demux(track):
            try:
                seconds += sum(frame.samples / frame.sample_rate for frame in packet.decode())
            except av.FFmpegError:
                continue
    return seconds
