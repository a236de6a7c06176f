"""A library that crashes, hangs or takes all memory while labels are written costs its file, which stays as it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from tests.conftest import started, tone, wait_until
from tests.output.test_metadata import stored

pytest.importorskip("av", reason="needs the extra metadata")
pytest.importorskip("mutagen", reason="needs the extra metadata")

FAULTS = {
    "abort": 11_001,  # the sample rate of the file in which it happens
    "segfault": 11_002,
    "killed": 11_003,
    "hang": 11_004,
    "deaf": 11_005,
    "memory": 11_006,
    "bug": 11_007,
}

FAULTY_MUTAGEN = f"""
import ctypes, os, re, signal, time
from mutagen.wave import WAVE

save = WAVE.save
faults = {{
    "abort": os.abort,
    "segfault": lambda: ctypes.string_at(0),
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "hang": lambda: time.sleep(10_000),
    "deaf": lambda: re.match("(a+)+$", "a" * 60 + "b"),  # lets no other thread of Python run
    "memory": lambda: bytearray(1 << 50),
    "bug": lambda: [][0],
}}

def faulty(self, *args, **kwargs):
    save(self, *args, **kwargs)
    for name, sample_rate in {FAULTS}.items():
        if self.info.sample_rate == sample_rate:
            faults[name]()

WAVE.save = faulty
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run in, where mutagen is faulty: clips/a.wav and z.wav, and one for each fault."""
    (tmp_path / "faulty").mkdir()
    (tmp_path / "faulty" / "sitecustomize.py").write_text(FAULTY_MUTAGEN)
    paths = [str(tmp_path / "faulty"), str(Path(__file__).parent.parent.parent), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    (tmp_path / "clips").mkdir()
    for name, sample_rate in {"a": 16_000, "z": 16_000, **FAULTS}.items():
        soundfile.write(tmp_path / "clips" / f"{name}.wav", tone(1.0, sample_rate), sample_rate)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "clips"


def test_a_fault_costs_its_file_the_labels_and_not_the_batch(folder: Path) -> None:
    before = {name: (folder / f"{name}.wav").read_bytes() for name in FAULTS}
    line = "tag clips --write --threshold 0 --timeout 5 --format jsonl"
    done = subprocess.run(
        [sys.executable, "-m", "audiotagger", *line.split()],
        capture_output=True,
        check=False,
        text=True,
        timeout=200,
    )
    assert done.returncode == 1, done.stderr
    results = {Path(result["path"]).stem: result for result in map(json.loads, done.stdout.splitlines())}
    kinds = {name: result["error"] and result["error"]["kind"] for name, result in results.items()}
    assert kinds == {"a": None, "z": None} | dict.fromkeys(FAULTS, "not_written")
    assert all(result["tags"] for result in results.values())
    lines = [f"audiotagger: {result['error']['message']}" for result in results.values() if result["error"]]
    assert done.stderr.splitlines() == lines
    messages = {name: results[name]["error"]["message"].partition(": labels not stored: ")[2] for name in FAULTS}
    assert [name for name in FAULTS if not messages[name]] == []
    assert "SIGABRT" in messages["abort"]
    assert "SIGSEGV" in messages["segfault"]
    assert "5 s" in messages["hang"]
    assert {name: (folder / f"{name}.wav").read_bytes() for name in FAULTS} == before
    assert stored(folder / "a.wav")
    assert stored(folder / "z.wav")
    assert list(folder.glob(".*")) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_leaves_the_file_as_it_was_and_no_copy(folder: Path, number: int) -> None:
    before = (folder / "hang.wav").read_bytes()
    with started("tag", "clips/hang.wav", "--write", "--threshold", "0") as process:
        wait_until(lambda: any(copy.stat().st_size for copy in folder.glob(".audiotagger-*")), process)
        process.send_signal(number)
        assert process.wait(timeout=60) == 128 + number
    assert (folder / "hang.wav").read_bytes() == before
    assert list(folder.glob(".*")) == []
