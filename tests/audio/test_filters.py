"""What the samples of a file go through before they are cut into windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from audiotagger.audio.decoding import read_blocks, read_waveform, waveform_blocks
from audiotagger.audio.filters import remove_rumble
from audiotagger.errors import AudioWarning
from audiotagger.inference.tagger import Tagger
from tests.conftest import EXAMPLES, tone

RATE = 16_000

Waveform = NDArray[np.float32]


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger.load()


@pytest.fixture(scope="module")
def trumpet() -> Waveform:
    return read_waveform(EXAMPLES / "trumpet.mp3", RATE)


def decoded(channels: Waveform, rate: int = RATE) -> Waveform:
    return np.concatenate(list(waveform_blocks(channels, rate, RATE)))


def level(waveform: Waveform) -> float:
    """In dB."""
    return float(20 * np.log10(np.sqrt(np.mean(waveform**2))))


@pytest.mark.parametrize(
    "gains",
    [(1, -1), (0.5, -0.5, 0), (1, -1, 1, -1), (0.1, -0.9, 0.5, 0.3), (0, 0, 1, 0, 0, 0), (1, -0.99), (1,) + (0,) * 31],
)
def test_channels_that_cancel_are_not_lost(tmp_path: Path, gains: tuple[float, ...]) -> None:
    sound = tone(3.0)
    soundfile.write(tmp_path / "a.wav", sound[:, None] * np.array(gains), RATE, subtype="FLOAT")
    result = read_waveform(tmp_path / "a.wav", RATE)
    loudest = max(gains, key=abs) * sound
    assert level(result) == pytest.approx(level(loudest), abs=12)
    assert abs(np.corrcoef(result, sound)[0, 1]) > 0.99


def test_channels_that_cancel_get_the_labels_of_one(tagger: Tagger, trumpet: Waveform) -> None:
    alone = tagger.tag(trumpet, sample_rate=RATE)
    opposite = tagger.tag(np.stack([trumpet, -trumpet], axis=1), sample_rate=RATE)
    assert opposite.confident
    assert opposite.tags[0].label == alone.tags[0].label
    assert opposite.tags[0].score == pytest.approx(alone.tags[0].score, abs=0.01)


def test_channels_that_do_not_cancel_are_averaged() -> None:
    rng = np.random.default_rng(0)
    common, left, right = rng.normal(size=(3, 3 * RATE)).astype(np.float32)
    channels = np.stack([common + 0.5 * left, common + 0.5 * right], axis=1)
    np.testing.assert_allclose(decoded(channels), decoded(channels.mean(axis=1)), atol=1e-5)


def test_channels_may_cancel_in_a_part_of_a_file() -> None:
    sound = np.tile(tone(5.0), 12)
    sign = np.where(np.arange(len(sound)) < 30 * RATE, 1, -1)
    result = decoded(np.stack([sound, sign * sound], axis=1))
    for start in range(0, 60, 5):
        part = slice(start * RATE, (start + 5) * RATE)
        assert level(result[part]) == pytest.approx(level(sound[part]), abs=0.5)


@pytest.mark.parametrize("offset", [0.001, 0.1, -0.9])
def test_a_constant_offset_changes_nothing(tagger: Tagger, trumpet: Waveform, offset: float) -> None:
    quiet = 0.05 * trumpet
    plain = tagger.tag(quiet, sample_rate=RATE)
    for channels in (quiet + offset, np.stack([quiet + offset, quiet], axis=1)):
        shifted = tagger.tag(channels, sample_rate=RATE)
        assert shifted.tags[0].label == plain.tags[0].label
        assert shifted.tags[0].score == pytest.approx(plain.tags[0].score, abs=0.01)


@pytest.mark.parametrize("hertz", [0.5, 3, 10, 16])
def test_rumble_changes_nothing(tagger: Tagger, trumpet: Waveform, hertz: float) -> None:
    plain = tagger.tag(0.1 * trumpet, sample_rate=RATE)
    rumble = 0.1 * np.sin(2 * np.pi * hertz * np.arange(len(trumpet)) / RATE + 1)
    shaken = tagger.tag(0.1 * trumpet + rumble.astype(np.float32), sample_rate=RATE)
    assert shaken.tags[0].label == plain.tags[0].label
    assert shaken.tags[0].score == pytest.approx(plain.tags[0].score, abs=0.1)


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_nothing_but_an_offset_is_silence(tmp_path: Path, tagger: Tagger, subtype: str) -> None:
    for channels in (1, 2):
        soundfile.write(tmp_path / "a.wav", np.full((3 * 44_100, channels), 0.3), 44_100, subtype=subtype)
        tagging = tagger.tag(tmp_path / "a.wav")
        assert tagging.ok
        assert tagging.tags == ()


@pytest.mark.parametrize("hertz", [40, 60, 440, 7000])
def test_what_can_be_heard_is_left_alone(hertz: float) -> None:
    sound = 0.5 * np.sin(2 * np.pi * hertz * np.arange(5 * RATE) / RATE).astype(np.float32)
    result = decoded(sound)
    assert len(result) == len(sound)
    inner = slice(RATE // 2, -RATE // 2)  # at the ends a low tone does not go on as it would
    np.testing.assert_allclose(result[inner], sound[inner], atol=0.002)


def test_digital_silence_stays_silent_next_to_a_sound() -> None:
    silence = np.zeros(2 * RATE, np.float32)
    result = decoded(np.concatenate([silence, 0.5 + tone(2.0), silence]))
    assert np.abs(result[: 2 * RATE - 100]).max() < 1e-4
    assert np.abs(result[4 * RATE + 100 :]).max() < 1e-4


@pytest.mark.parametrize("seconds", [0.0001, 0.01, 0.05, 0.1, 0.5])
def test_short_waveforms_keep_their_length(seconds: float) -> None:
    sound = tone(2.0)[1000 : 1000 + max(1, round(seconds * RATE))]
    assert len(decoded(sound + 0.2)) == len(sound)


def test_blocks_make_no_difference(tmp_path: Path) -> None:
    sound = (6000 * np.random.default_rng(0).normal(size=25 * RATE)).astype(np.int16)
    waves = []
    for name in ("a.wav", "a.flac"):
        soundfile.write(tmp_path / name, sound, RATE)
        waves.append(np.concatenate(list(read_blocks(tmp_path / name, RATE))))
    np.testing.assert_array_equal(waves[0], waves[1])
    whole = remove_rumble([(sound / 32_768).astype(np.float32)], RATE)
    np.testing.assert_allclose(waves[0], np.concatenate(list(whole)), atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_bad_samples_are_silence_and_many_of_them_a_warning(tmp_path: Path, bad: float) -> None:
    sound = tone(2.0)
    for share, warned in ((0.001, False), (0.05, True)):
        broken = np.stack([sound, sound], axis=1)
        broken[:: round(1 / share)] = bad
        soundfile.write(tmp_path / "a.wav", broken, RATE, subtype="FLOAT")
        warnings: list[AudioWarning] = []
        result = read_waveform(tmp_path / "a.wav", RATE, warnings.append)
        assert np.abs(result).max() < 1
        assert level(result) == pytest.approx(level(sound), abs=0.5)
        assert [warning.kind for warning in warnings] == ["bad_samples"] * warned
        assert (
            not warned
            or warnings[0].message
            == f"{tmp_path / 'a.wav'}: 5% of the samples are no numbers, or too large; read as silence"
        )
