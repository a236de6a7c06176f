"""A decoder's early stop is not the end of a file, and where it starts need not be its beginning."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

import audiotagger.audio
from audiotagger.audio.decoding import read_blocks, read_waveform
from audiotagger.errors import AudioError, AudioWarning
from tests.audio.kinds_of_streams import (
    EARLY_ENDS,
    LATE_STARTS,
    UNKNOWN_SIZES,
    Stream,
    cut_in,
    encode,
    hum,
    mp3,
    without_xing,
)

RATE = 16_000


@pytest.fixture(params=["core", "formats"])
def install(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With and without the extra formats."""
    if request.param == "core":
        monkeypatch.setitem(sys.modules, "av", None)
        monkeypatch.delitem(sys.modules, "audiotagger.audio.containers", raising=False)
        monkeypatch.delattr(audiotagger.audio, "containers", raising=False)
    else:
        pytest.importorskip("av", reason="needs the extra formats")
    return str(request.param)


def check(path: Path, stream: Stream, within: float) -> None:
    path.write_bytes(stream.data)
    warnings: list[AudioWarning] = []
    waveform = read_waveform(path, RATE, warnings.append)
    assert len(waveform) / RATE == pytest.approx(stream.seconds, abs=within)
    assert [warning.kind for warning in warnings] == (["partial"] if stream.damaged else [])
    assert all(warning.message.startswith(f"{path}: ") for warning in warnings)
    expected, decoded = (np.abs(np.fft.rfft(wave)) for wave in (hum(stream.seconds, RATE)[:, 0], waveform))
    for hertz in (220, 277, 330):  # no piece of it plays too fast or too slow
        around = slice(int((hertz - 5) * len(waveform) / RATE), int((hertz + 5) * len(waveform) / RATE))
        there = slice(int((hertz - 5) * stream.seconds), int((hertz + 5) * stream.seconds))
        if not stream.damaged and "loud" not in path.name:
            assert np.sum(decoded[around] ** 2) == pytest.approx(np.sum(expected[there] ** 2), rel=0.4)


def named(kinds: Mapping[str, Callable[[], Stream]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("kind", kinds)


@named(EARLY_ENDS)
def test_all_that_a_file_holds_is_read(tmp_path: Path, kind: str, install: str) -> None:
    check(tmp_path / f"{kind}.bin", EARLY_ENDS[kind](), within=0.2)


@named(LATE_STARTS)
def test_what_stands_in_front_is_passed_over(tmp_path: Path, kind: str, install: str) -> None:
    check(tmp_path / f"{kind}.bin", LATE_STARTS[kind](), within=0.1)


@named(UNKNOWN_SIZES)
def test_data_of_unknown_size_go_to_the_end_of_the_file(tmp_path: Path, kind: str, install: str) -> None:
    check(tmp_path / "a.bin", UNKNOWN_SIZES[kind](), within=0.001)


def test_a_wav_that_is_empty_but_for_its_tags_is_empty(tmp_path: Path) -> None:
    data = bytearray(encode(hum(0, RATE), RATE, "WAV") + b"LIST" + (1000).to_bytes(4, "little") + bytes(1000))
    data[4:8] = (len(data) - 8).to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(AudioError) as caught:
        read_waveform(tmp_path / "a.wav", RATE)
    assert caught.value.kind == "empty"


def test_a_stream_in_a_file_that_is_open(tmp_path: Path) -> None:
    joined = mp3(2) + mp3(2)
    (tmp_path / "a").write_bytes(b"in front" + joined)
    with (tmp_path / "a").open("rb") as file:
        file.seek(8)
        assert len(read_waveform(file, RATE)) / RATE == pytest.approx(4, abs=0.1)


def test_no_sound_is_found_where_there_is_none(tmp_path: Path, install: str) -> None:
    for data in (np.random.default_rng(2).bytes(2_000_000), bytes(100_000), b"text\n" * 10_000):
        (tmp_path / "a.mp3").write_bytes(data)
        with pytest.raises(AudioError) as caught:
            read_waveform(tmp_path / "a.mp3", RATE)
        assert caught.value.kind == ("needs_extra" if install == "core" else "undecodable")


def test_a_file_of_many_streams_is_read_in_blocks(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_bytes(without_xing(mp3(4)) * 15)
    blocks = [len(block) / RATE for block in read_blocks(tmp_path / "a.mp3", RATE)]
    assert sum(blocks) == pytest.approx(60, abs=2)
    assert max(blocks) < 11


@pytest.mark.parametrize("data", [mp3(1) + mp3(1, 22_050), cut_in(mp3(2), bytes(3000))], ids=["joined", "damaged"])
def test_decoders_say_nothing_and_the_warning_is_one_line(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(data)
    for quiet in ((), ("--quiet",)):
        done = subprocess.run(
            [sys.executable, "-m", "audiotagger", "tag", "--format", "jsonl", *quiet, path],
            capture_output=True,
            check=True,
            text=True,
        )
        warning = json.loads(done.stdout)["warning"]
        assert (warning is not None) == (b"\0" * 2000 in data)
        if warning:
            assert warning["kind"] == "partial"
            assert "2.0 s" in warning["message"]
        shown = warning and not quiet
        assert done.stderr == (f"audiotagger: {warning['message']}\n" if shown else "")
