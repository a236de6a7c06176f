from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiotagger.audio.decoding import read_blocks, read_waveform, waveform_blocks
from audiotagger.errors import AudioError
from tests.conftest import tone

FORMATS = [(name, channels) for name in ("a.wav", "a.flac", "a.ogg", "a.opus", "a.aiff") for channels in (1, 2, 6)]


@pytest.mark.parametrize(("name", "channels"), [*FORMATS, ("a.mp3", 1), ("a.mp3", 2)])
def test_every_format_gives_the_same_sound(tmp_path: Path, name: str, channels: int) -> None:
    rate = 48_000
    path = tmp_path / name
    codec = {"format": "OGG", "subtype": "OPUS"} if name.endswith("opus") else {}
    soundfile.write(path, np.repeat(tone(1.0, rate)[:, None], channels, axis=1), rate, **codec)
    decoded = read_waveform(path, 16_000)
    assert decoded.dtype == np.float32
    assert abs(len(decoded) - 16_000) < 1_500  # coders pad
    expected = tone(1.0, 16_000)
    lag = int(np.argmax(np.correlate(decoded, expected[:4000], "valid")))
    overlap = decoded[lag : lag + 8_000]
    assert np.corrcoef(overlap, expected[: len(overlap)])[0, 1] > 0.95


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100, 96_000])
def test_resampling_keeps_duration_and_pitch(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(1.5, rate), rate)
    decoded = read_waveform(path, 16_000)
    assert len(decoded) == pytest.approx(24_000, abs=2)
    assert np.argmax(np.abs(np.fft.rfft(decoded))) / 1.5 == pytest.approx(440, abs=2)


def test_blocks_of_a_long_file_are_the_file(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    sound = np.tile(tone(2.5), 10)
    soundfile.write(path, sound, 16_000, subtype="FLOAT")
    blocks = list(read_blocks(path, 16_000))
    assert len(blocks) > 2
    assert max(map(len, blocks)) < 11 * 16_000
    np.testing.assert_allclose(np.concatenate(blocks), sound, atol=0.02)


def test_a_pipe_and_an_array_give_what_the_file_gives(tmp_path: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    path = tmp_path / "a.flac"
    soundfile.write(path, tone(1.0, 44_100), 44_100)
    from_file = read_waveform(path, 16_000)
    np.testing.assert_array_equal(read_waveform(Pipe(path.read_bytes()), 16_000), from_file)
    array, rate = soundfile.read(path, dtype="float32")
    np.testing.assert_array_equal(np.concatenate(list(waveform_blocks(array, rate, 16_000))), from_file)


def test_errors_name_the_file_and_a_kind(tmp_path: Path) -> None:
    text, empty, raw, nothing = (tmp_path / name for name in ("text.wav", "empty.wav", "a.raw", "nothing.wav"))
    nothing.touch()
    text.write_text("not audio")
    raw.write_bytes(b"\0" * 1000)
    soundfile.write(empty, np.zeros(0, np.float32), 16_000)
    for path, kind in (
        (text, "undecodable"),
        (raw, "undecodable"),
        (empty, "empty"),
        (nothing, "empty"),
        (tmp_path / "missing.wav", "not_found"),
        (tmp_path, "no_audio"),
    ):
        with pytest.raises(AudioError) as caught:
            read_waveform(path, 16_000)
        assert caught.value.kind == kind
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.wav", "a.ogg", "a.mp3", "a.flac"])
def test_of_a_truncated_file_what_is_there_is_decoded(tmp_path: Path, name: str) -> None:
    whole, cut = tmp_path / name, tmp_path / f"cut-{name}"
    soundfile.write(whole, np.random.default_rng(0).uniform(-0.3, 0.3, 20 * 44_100), 44_100)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert 5 < len(read_waveform(cut, 16_000)) / 16_000 < 15


def test_flac_of_unknown_length(tmp_path: Path) -> None:
    path = tmp_path / "streamed.flac"
    soundfile.write(path, tone(3.0, 44_100), 44_100)
    data = bytearray(path.read_bytes())
    assert data[:4] == b"fLaC"
    data[21] &= 0xF0  # STREAMINFO's 36 bits of total samples: 0 means unknown, as encoders into a pipe write it
    data[22:26] = bytes(4)
    path.write_bytes(data)
    assert len(read_waveform(path, 16_000)) == pytest.approx(48_000, abs=2)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3"])
def test_a_file_may_grow_while_it_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    soundfile.write(path, np.random.default_rng(0).uniform(-0.3, 0.3, 60 * 16_000), 16_000)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    blocks = read_blocks(path, 16_000)
    samples = len(next(blocks))
    with path.open("ab") as file:
        file.write(whole[len(whole) // 2 :])
    samples += sum(map(len, blocks))
    assert 25 <= samples / 16_000 <= 61


def test_a_wav_whose_length_was_not_known_when_it_was_begun(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(2.0), 16_000)
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[4:8] = data[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert len(read_waveform(path, 16_000)) == 32_000
