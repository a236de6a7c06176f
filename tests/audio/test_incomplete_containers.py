"""Of what PyAV decodes: files that are joined, cut off, damaged or read in part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audiotagger.audio.decoding import read_waveform
from audiotagger.errors import AudioWarning
from tests.audio.encoding import encode
from tests.conftest import tone

JOINED = [("a.m4a", "aac"), ("alac.m4a", "alac"), ("a.wma", "wmav2"), ("a.wv", "wavpack"), ("a.tta", "tta")]


@pytest.mark.parametrize(("name", "codec"), [*JOINED, ("a.aac", "aac"), ("a.mka", "flac"), ("a.ogg", "flac")])
def test_all_of_joined_files_is_read(tmp_path: Path, name: str, codec: str) -> None:
    parts = [encode(tmp_path / f"{i}{name}", codec, tone(i, 44_100)).read_bytes() for i in (2, 1)]
    (tmp_path / name).write_bytes(b"".join(parts))
    warnings: list[AudioWarning] = []
    assert len(read_waveform(tmp_path / name, 16_000, warnings.append)) / 16_000 == pytest.approx(3, abs=0.15)
    assert warnings == []


def test_what_is_left_of_a_damaged_part_is_a_warning(tmp_path: Path) -> None:
    first, second = (encode(tmp_path / f"{i}.m4a", "aac", tone(2.0, 44_100)).read_bytes() for i in range(2))
    (tmp_path / "a.m4a").write_bytes(first + second[: len(second) // 2])  # without what says where its samples are
    warnings: list[AudioWarning] = []
    assert len(read_waveform(tmp_path / "a.m4a", 16_000, warnings.append)) / 16_000 == pytest.approx(2, abs=0.1)
    assert [warning.kind for warning in warnings] == ["partial"]


@pytest.mark.parametrize(("name", "codec"), [("a.wma", "wmav2"), ("a.wv", "wavpack"), ("a.ogg", "flac")])
def test_a_file_that_is_cut_off_has_a_warning(tmp_path: Path, name: str, codec: str) -> None:
    path = encode(tmp_path / name, codec, tone(4.0, 44_100))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    warnings: list[AudioWarning] = []
    assert 1 <= len(read_waveform(path, 16_000, warnings.append)) / 16_000 < 3
    assert [warning.kind for warning in warnings] == ["partial"]


def test_a_tag_in_front_of_a_file_is_passed_over(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.m4a", "aac", tone(2.0, 44_100))
    path.write_bytes(b"ID3\x03\0\0\0\0\1\0" + bytes(128) + path.read_bytes())
    assert len(read_waveform(path, 16_000)) / 16_000 == pytest.approx(2, abs=0.1)


def test_of_a_file_that_is_cut_off_what_is_there_is_read(tmp_path: Path) -> None:
    for path, states_duration in (
        (encode(tmp_path / "a.ac3", "ac3", tone(4.0, 44_100)), False),
        (encode(tmp_path / "a.webm", "libopus", tone(4.0, 48_000), rate=48_000), True),
        (encode(tmp_path / "a.tta", "tta", tone(4.0, 44_100)), True),
    ):
        warnings: list[AudioWarning] = []
        read_waveform(path, 16_000, warnings.append)
        assert not warnings
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        seconds = len(read_waveform(path, 16_000, warnings.append)) / 16_000
        assert 1 < seconds < 3
        assert [warning.kind for warning in warnings] == ["partial"] * states_duration
        assert not warnings or f"{seconds:.1f} of 4.0 s could be read" in warnings[0].message


def test_damaged_packets_are_a_warning(tmp_path: Path) -> None:
    data = bytearray(encode(tmp_path / "a.m4a", "aac", tone(8.0, 44_100)).read_bytes())
    middle = (data.index(b"mdat") + data.index(b"moov")) // 2
    data[middle : middle + 4000] = np.random.default_rng(0).bytes(4000)
    (tmp_path / "a.m4a").write_bytes(data)
    warnings: list[AudioWarning] = []
    assert len(read_waveform(tmp_path / "a.m4a", 16_000, warnings.append)) / 16_000 > 7
    assert [warning.kind for warning in warnings] == ["partial"]


def test_of_two_data_chunks_the_second_one_is_missed(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.wav", "pcm_s16le", tone(2.0, 44_100))
    warnings: list[AudioWarning] = []
    read_waveform(path, 16_000, warnings.append)
    assert not warnings
    data = path.read_bytes()
    chunk = data[data.index(b"data") :]
    joined = data + chunk
    path.write_bytes(joined[:4] + (len(joined) - 8).to_bytes(4, "little") + joined[8:])
    assert len(read_waveform(path, 16_000, warnings.append)) / 16_000 == pytest.approx(2, abs=0.1)
    assert [warning.kind for warning in warnings] == ["partial"]
