"""Whatever a file holds, it gets tags or one line; whatever a path leads to, nothing takes for ever or all the disk."""

from __future__ import annotations

import io
import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiotagger import Tagger
from audiotagger.audio import decoding
from audiotagger.audio.decoding import read_waveform
from audiotagger.errors import AudioError, AudioWarning
from tests.audio.kinds_of_streams import encode, flac, hum
from tests.conftest import EXAMPLES, tone

RATE = 16_000

SCRIPT = EXAMPLES.parent / "benchmarks" / "broken_files.py"


def broken_files(*args: object) -> dict[str, int]:
    """Run the benchmark, and return the number of files with each outcome."""
    done = subprocess.run(
        [sys.executable, SCRIPT, *map(str, args)],
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, "PYTHONPATH": str(EXAMPLES.parent)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {key: int(number) for key, number in re.findall(r"^([a-z ]+): (\d+)", done.stdout, re.MULTILINE)}


@pytest.mark.slow
def test_broken_files_are_tagged_or_refused_in_one_line() -> None:
    found = broken_files("--count", 3000, "--seed", 1)
    assert found["tagged"] > 1500
    assert found["refused"] > 100
    assert found["peak memory"] < 1000  # MiB, whatever the headers ask for


def kind_of_error(path: Path) -> str:
    with pytest.raises(AudioError) as caught:
        read_waveform(path, RATE)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    return caught.value.kind


def test_a_rate_beyond_reason_asks_for_no_memory(tmp_path: Path) -> None:
    samples = tone(0.1).tobytes()
    for rate in (20_000_000, 0x7FFF_FFFF):
        (tmp_path / "a.au").write_bytes(b".snd" + struct.pack(">5I", 24, len(samples), 6, rate, 1) + samples)
        assert kind_of_error(tmp_path / "a.au") == "undecodable"
        with pytest.raises(ValueError, match=str(rate)):
            Tagger.load().tag(tone(0.1), sample_rate=rate)


@pytest.mark.parametrize("begin", [b"fLaC\0", b"fLaC\0\0\0\x22" + bytes(34)], ids=["marker", "header"])
def test_where_stream_after_stream_seems_to_begin_the_rest_is_given_up(tmp_path: Path, begin: bytes) -> None:
    (tmp_path / "a.flac").write_bytes(flac(1.0) + begin * 2000)
    warnings: list[AudioWarning] = []
    assert len(read_waveform(tmp_path / "a.flac", RATE, warnings.append)) == RATE
    assert [warning.kind for warning in warnings] == ["partial"]


def test_a_decoder_that_prints_does_not_print_among_the_results(tmp_path: Path) -> None:
    data = bytearray(encode(hum(1.0, RATE), RATE, "SDS", subtype="PCM_16"))
    data[3000:3400] = bytes(400)
    (tmp_path / "a.sds").write_bytes(data)
    for options in ((), ("--output", "/dev/stdout")):
        done = subprocess.run(
            [sys.executable, "-m", "audiotagger", "tag", tmp_path / "a.sds", "--format", "jsonl", *options],
            capture_output=True,
            check=True,
            text=True,
        )
        assert json.loads(done.stdout)["duration"] == 1


@pytest.mark.parametrize("shape", [(0,), (0, 2), (5, 0)])
def test_an_array_without_samples_is_empty(shape: tuple[int, ...]) -> None:
    with pytest.raises(AudioError) as caught:
        Tagger.load().tag(np.zeros(shape, np.float32), sample_rate=RATE)
    assert caught.value.kind == "empty"


def test_numbers_too_large_for_a_sample_are_silence() -> None:
    tagging = Tagger.load().tag(np.full(RATE, 1e300), sample_rate=RATE)
    assert tagging.tags == ()
    assert tagging.warning
    assert tagging.warning.kind == "bad_samples"


class Faulty(io.BytesIO):
    """A file whose reading fails, as nobody expected, once `left` bytes have been read."""

    left = 0

    def read(self, size: int | None = -1) -> bytes:
        self.left -= size or 0
        if self.left < 0:
            raise ZeroDivisionError
        return super().read(size)


def test_any_exception_costs_one_file(clip: Path) -> None:
    with clip.open("rb") as first, clip.open("rb") as last:
        taggings = list(Tagger.load().tag_files([first, Faulty(clip.read_bytes()), last]))
    assert [tagging.error and tagging.error.kind for tagging in taggings] == [None, "unreadable", None]


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "MP3", "OGG"])
def test_a_read_error_is_not_the_end_of_the_file(kind: str) -> None:
    file = Faulty(encode(hum(30.0, RATE), RATE, kind))
    file.left = len(file.getvalue()) // 2
    (tagging,) = Tagger.load().tag_files([file])
    if tagging.error:
        assert tagging.error.kind in ("unreadable", "undecodable")
    else:
        assert tagging.duration
        assert tagging.duration < 30
        assert tagging.warning
        assert tagging.warning.kind == "partial"


@pytest.mark.parametrize("minutes", [10, pytest.param(360, marks=pytest.mark.slow)])
def test_long_silence_in_a_small_file(tmp_path: Path, minutes: int) -> None:
    path = tmp_path / "a.flac"
    with soundfile.SoundFile(path, "w", RATE, 1, format="FLAC") as file:
        for _ in range(minutes):
            file.write(np.zeros(60 * RATE, np.int16))
    assert path.stat().st_size < 4000 * minutes
    tagging = Tagger.load().tag(path)
    assert tagging.duration == 60 * minutes
    assert tagging.tags == ()


# --- what is no file -------------------------------------------------------------------------------------------------


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "dangling.wav").symlink_to("nowhere")
    (tmp_path / "itself.wav").symlink_to("itself.wav")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.wav"))
        for name, kind in (
            ("folder.wav", "no_audio"),
            ("dangling.wav", "not_found"),
            ("itself.wav", "unreadable"),
            ("socket.wav", "unreadable"),
            ("long" * 100 + ".wav", "unreadable"),
            ("null\0byte.wav", "unreadable"),
        ):
            assert kind_of_error(tmp_path / name) == kind, name


@pytest.mark.parametrize("name", ["/dev/null", "/dev/zero", "/dev/urandom"])
def test_devices_that_never_end(name: str) -> None:
    if not Path(name).exists():
        pytest.skip(f"needs {name}")
    assert kind_of_error(Path(name)) == "empty"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_that_nobody_writes_to_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "WAIT_FOR_WRITER", 0.2)
    os.mkfifo(tmp_path / "a.wav")
    assert kind_of_error(tmp_path / "a.wav") == "unreadable"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_who_writes_to_a_pipe_may_take_longer(tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    monkeypatch.setattr(decoding, "WAIT_FOR_WRITER", 5)
    opened = threading.Event()

    def write() -> None:
        with pipe.open("wb") as file:
            opened.set()
            monkeypatch.setattr(decoding, "WAIT_FOR_WRITER", 0)  # it is there by now: no need to wait for that
            data = clip.read_bytes()
            for start in range(0, len(data), 10_000):
                file.write(data[start : start + 10_000])
                file.flush()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        np.testing.assert_array_equal(read_waveform(pipe, RATE), read_waveform(clip, RATE))
    finally:
        writer.join()
    assert opened.is_set()


def test_a_pipe_that_never_ends_does_not_fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            buffer[:] = bytes(len(buffer))
            return len(buffer)

    monkeypatch.setattr(decoding, "LARGEST_PIPE", 10 << 20)
    with pytest.raises(AudioError, match="from a pipe") as caught:
        read_waveform(Endless(), RATE)  # type: ignore[arg-type]
    assert caught.value.kind == "unreadable"


@pytest.mark.parametrize(
    "header", [b"RIFF\4\0\0\0WAVE", b"\0\0\0\10ftyp", b"FORM\0\0\0\4AIFF"], ids=["WAV", "MP4", "AIFF"]
)
def test_a_file_that_begins_anew_for_ever_is_given_up(tmp_path: Path, clip: Path, header: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(clip.read_bytes() + header * 100_000)
    warnings: list[AudioWarning] = []
    assert len(read_waveform(tmp_path / "a.wav", RATE, warnings.append)) == 2 * RATE
    assert len(warnings) <= 1
