from __future__ import annotations

import itertools
import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audiotagger import ModelError, Tagger
from audiotagger.audio.discovery import AUDIO_SUFFIXES
from audiotagger.audio.windows import WindowSplitter
from audiotagger.errors import AudioWarning
from audiotagger.inference.model import shipped_models
from audiotagger.inference.tagger import DEFAULT_THRESHOLD
from tests.conftest import EXAMPLES, noise, tone


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger.load()


@pytest.mark.parametrize("samples", [1, 99, 100, 101, 149, 150, 151, 200, 1234])
@pytest.mark.parametrize("block", [1, 7, 100, 5000])
def test_windows_cover_a_waveform_to_its_end(samples: int, block: int) -> None:
    waveform = np.arange(1, samples + 1, dtype=np.float32)
    splitter = WindowSplitter(100)
    windows = [w for i in range(0, samples, block) for w in splitter.push(waveform[i : i + block])] + splitter.end()
    assert all(len(window) == 100 for window in windows)
    if samples <= 100:
        (window,) = windows
        np.testing.assert_array_equal(window, [waveform[i % samples] for i in range(100)])
    else:
        starts = [*range(0, samples - 100, 100), samples - 100]
        assert len(windows) == len(starts)
        assert all(np.array_equal(w, waveform[s : s + 100]) for w, s in zip(windows, starts, strict=True))


@pytest.mark.parametrize("samples", [2, 10, 500, 16_000, 70_000])
def test_any_length_gets_tags(tagger: Tagger, samples: int) -> None:
    tagging = tagger.tag(noise(5.0)[:samples], sample_rate=16_000)
    assert tagging.duration == samples / tagger.sample_rate
    assert len(tagging.tags) == 3
    scores = [tag.score for tag in tagging.tags]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


@pytest.mark.parametrize("seconds", [0.001, 0.02, 0.05, 0.19])
def test_nothing_shorter_than_a_fifth_of_a_second_is_confident(tmp_path: Path, seconds: float) -> None:
    certain = Tagger.load(threshold=0.0)
    for clip in sorted(EXAMPLES.glob("*.*")):
        if clip.suffix not in AUDIO_SUFFIXES:
            continue
        sound, rate = soundfile.read(clip)
        start = np.argmax(np.abs(sound))
        soundfile.write(tmp_path / "a.wav", sound[start : start + round(seconds * rate)], rate)
        tagging = certain.tag(tmp_path / "a.wav")
        assert tagging.ok
        assert not tagging.confident
        assert tagging.segments == ()
    assert certain.tag(noise(0.21), sample_rate=16_000).confident


def test_a_warning_goes_with_the_result(tmp_path: Path, tagger: Tagger) -> None:
    soundfile.write(tmp_path / "a.flac", noise(4.0), 16_000)
    whole = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "half.flac").write_bytes(whole[: len(whole) // 2])
    good, half, none = tagger.tag_files([tmp_path / name for name in ("a.flac", "half.flac", "none.flac")])
    assert good.warning is None
    assert none.warning is None
    assert half.ok
    assert half.warning == tagger.tag(tmp_path / "half.flac").warning
    assert half.warning
    assert half.warning.kind == "partial"
    assert re.fullmatch(r".*/half.flac: damaged or cut off; [12].\d of 4.0 s could be read", half.warning.message)
    broken = noise(4.0)
    broken[::10] = np.nan
    warning = tagger.tag(broken, sample_rate=16_000).warning
    assert warning
    assert warning.kind == "bad_samples"
    warned: list[AudioWarning] = []
    dict(tagger.embed_files([tmp_path / "a.flac", tmp_path / "half.flac"], warn=warned.append))
    assert warned == [half.warning]


def test_scores_are_the_mean_over_the_models(tagger: Tagger) -> None:
    tagging = tagger.tag(tone(6.0), top_k=len(tagger.labels), sample_rate=16_000)
    assert set(tagging.by_model) == {"mel", "wave"}
    of_model = {name: {tag.label: tag.score for tag in tags} for name, tags in tagging.by_model.items()}
    assert 0.1 < sum(tag.score for tag in tagging.tags) < 1 + 1e-4  # the rest is none of the labels
    for tag in tagging.tags:
        assert tag.score == pytest.approx((of_model["mel"][tag.label] + of_model["wave"][tag.label]) / 2, abs=1e-6)


def test_level_and_channels_make_no_difference(tagger: Tagger) -> None:
    plain = tagger.tag(tone(3.0), sample_rate=16_000)
    for same in (0.02 * tone(3.0), 3 * tone(3.0), np.stack([tone(3.0), tone(3.0)], axis=1)):
        other = tagger.tag(same, sample_rate=16_000)
        assert [tag.label for tag in other.tags] == [tag.label for tag in plain.tags]
        assert other.tags[0].score == pytest.approx(plain.tags[0].score, abs=1e-3)


def test_top_k_and_min_score_are_independent(tagger: Tagger) -> None:
    everything = tagger.tag(tone(3.0), top_k=1000, sample_rate=16_000).tags
    assert len(everything) == len(tagger.labels)
    threshold = everything[1].score
    assert tagger.tag(tone(3.0), top_k=1000, min_score=threshold, sample_rate=16_000).tags == everything[:2]
    assert tagger.tag(tone(3.0), top_k=1, min_score=threshold, sample_rate=16_000).tags == everything[:1]


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="audiotagger export"):
        Tagger.load(tmp_path)


def test_a_foreign_file_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"not onnx")
    with pytest.raises(ModelError, match=r"x\.onnx"):
        Tagger.load(tmp_path)


def test_one_model_alone_tags_too(tmp_path: Path) -> None:
    shutil.copy(shipped_models() / "mel.onnx", tmp_path)
    alone = Tagger.load(tmp_path).tag(tone(2.0), sample_rate=16_000)
    assert alone.tags == alone.by_model["mel"]


def test_silence_around_a_sound_does_not_water_it_down(tagger: Tagger) -> None:
    silence = np.zeros(60 * 16_000, np.float32)
    alone = tagger.tag(tone(8.0), sample_rate=16_000)
    among = tagger.tag(np.concatenate([silence, tone(8.0), silence]), sample_rate=16_000)
    assert among.tags[0].label == alone.tags[0].label
    assert among.tags[0].score > 0.7 * alone.tags[0].score


def test_silence_gets_no_label(tagger: Tagger) -> None:
    for level in (0.0, 1e-5):
        silent = tagger.tag(level * noise(5.0), sample_rate=16_000)
        assert silent.ok
        assert not silent.confident
        assert silent.tags == ()


@pytest.mark.parametrize("slope", [0, 1, 2])
def test_the_noise_of_a_quiet_recording_is_taken_for_nothing_but_noise(tagger: Tagger, slope: int) -> None:
    spectrum = np.fft.rfft(np.random.default_rng(0).normal(size=8 * 16_000))
    hiss = np.fft.irfft(spectrum / np.arange(1, len(spectrum) + 1) ** (slope / 2))
    for decibels in (-75, -60, -40):
        level = 10 ** (decibels / 20) / np.sqrt(np.mean(hiss**2))
        tagging = tagger.tag(level * hiss, sample_rate=16_000)
        assert not tagging.confident or tagging.tags[0].label in {"Rain", "Sea_waves", "Water_running", "Wind"}


def test_an_answer_is_confident_if_its_score_says_so(tagger: Tagger) -> None:
    for example in sorted(EXAMPLES.glob("*.ogg")):
        tagging = tagger.tag(example, min_score=0.99)
        assert tagging.confident == (tagger.tag(example).tags[0].score >= DEFAULT_THRESHOLD)


def test_segments_cover_time_once_and_in_order(tagger: Tagger) -> None:
    rng = np.random.default_rng(0)
    for _ in range(12):
        seconds, hop = rng.uniform(0.01, 12), rng.uniform(0.2, 2)
        cut = Tagger(tagger.models, window=rng.uniform(hop, 3), hop=hop, threshold=0.0)
        segments = cut.segments(noise(seconds), sample_rate=16_000)
        assert segments[0].start == 0
        assert segments[-1].end == pytest.approx(seconds, abs=1e-3)
        for one, following in itertools.pairwise(segments):
            assert one.start < one.end == following.start
            assert one.label != following.label


def test_impossible_windows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="hop"):
        Tagger.load(window=0.5, hop=1.0)
    with pytest.raises(ValueError, match="hop"):
        Tagger.load(window=0.0)


def test_incomplete_metadata_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="needs the extra train")
    proto = onnx.load(shipped_models() / "mel.onnx")
    kept = {prop.key: prop.value for prop in proto.metadata_props if prop.key != "window_samples"}
    del proto.metadata_props[:]
    onnx.helper.set_model_props(proto, kept)
    onnx.save(proto, tmp_path / "mel.onnx")
    with pytest.raises(ModelError, match="window_samples"):
        Tagger.load(tmp_path)


def test_models_of_other_labels_are_not_averaged(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="needs the extra train")
    proto = onnx.load(shipped_models() / "mel.onnx")
    props = {prop.key: prop.value for prop in proto.metadata_props}
    props["labels"] = props["labels"].replace("Bark", "Woof")
    onnx.helper.set_model_props(proto, props)
    onnx.save(proto, tmp_path / "mel.onnx")
    shutil.copy(shipped_models() / "wave.onnx", tmp_path)
    with pytest.raises(ModelError, match="cannot be averaged"):
        Tagger.load(tmp_path)


def test_arrays_that_are_no_waveforms_are_refused(tagger: Tagger) -> None:
    with pytest.raises(ValueError, match="sample_rate"):
        tagger.tag(tone(1.0))
    with pytest.raises(ValueError, match="samples, channels"):
        tagger.tag(np.stack([tone(1.0), tone(1.0)]), sample_rate=16_000)
    for rate in (0, 44_100.5):
        with pytest.raises(ValueError, match="whole number"):
            tagger.tag(tone(1.0), sample_rate=rate)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="floats"):
        tagger.tag((tone(1.0) * 32_767).astype(np.int16), sample_rate=16_000)
    as_float = tagger.tag(tone(20.0), sample_rate=16_000.0)  # type: ignore[arg-type]
    assert as_float == tagger.tag(tone(20.0), sample_rate=16_000)


def test_a_pickled_tagger_predicts_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(shipped_models().parent)
    tagger = Tagger.load("models", window=2.0, hop=1.0, threshold=0.3, labels=["Flute", "Cello"])
    pickled = pickle.dumps(tagger)
    assert len(pickled) < 10_000
    monkeypatch.chdir(tmp_path)
    again = pickle.loads(pickled)
    for example in EXAMPLES.glob("*.o*"):
        assert again.tag(example) == tagger.tag(example)


def test_results_survive_another_process(tagger: Tagger) -> None:
    (failed,) = tagger.tag_files(["nothing.wav"])
    again = pickle.loads(pickle.dumps(failed))
    assert again.error.kind == "not_found"
    assert str(again.error) == str(failed.error)
