"""Sampling, augmentation and mixup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from audiotagger.datasets.cache import decode_all
from audiotagger.datasets.clip import Clip
from audiotagger.datasets.dataset import read_dataset
from audiotagger.datasets.splits import hold_out
from audiotagger.training import augmentation
from audiotagger.training.batches import Batches, Examples, draw_probabilities, prefetch, sampling_probabilities
from audiotagger.training.recipes import RECIPES, Recipe
from tests.conftest import tone

RECIPE = replace(RECIPES["mel", "default"], batch_size=16)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUDIOTAGGER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def examples(clips: Sequence[Clip], recipe: Recipe = RECIPE, n_outputs: int = 3) -> Examples:
    """As in a run: labelled clips, then other sounds."""
    outputs = np.array([output_of(clip) for clip in clips])
    first_other = int(np.sum(outputs < 2))
    shares = [(slice(0, first_other), 1 - recipe.other), (slice(first_other, None), recipe.other)]
    waveforms = decode_all(clips, 16_000, lambda *_: None)
    background = np.arange(first_other, len(clips))
    return Examples(clips, waveforms, outputs, n_outputs, draw_probabilities(clips, shares), background)


def batches(root: Path, recipe: Recipe = RECIPE, seed: int = 0) -> Batches:
    found = read_dataset(root)
    return Batches(examples([*hold_out(found.train)[0], *found.other], recipe), recipe, 100, seed)


def output_of(clip: Clip) -> int:
    """The index of a clip's output: noise, tone, other; -1 without label."""
    return {"noise": 0, "tone": 1}.get(clip.label, 2 if clip.path.parent.name == "audio_other" else -1)


def test_noise_is_none_of_the_labels(corpus: Path) -> None:
    recipe = replace(RECIPE, synthetic=0.5, batch_size=64, mix=0.0)
    found = read_dataset(corpus)
    clips = examples([*hold_out(found.train)[0], *found.other], recipe)
    without, with_output = (
        Batches(replace(clips, other_output=output), recipe, 100, 0)[3].targets["logits"] for output in (None, 2)
    )
    other_share = recipe.other + (1 - recipe.other) * 0.5
    assert abs(without[:, 2].mean() - recipe.other) < 0.15
    assert abs(with_output[:, 2].mean() - other_share) < 0.15
    np.testing.assert_array_equal(with_output.sum(axis=1), 1)


def test_synthesized_sounds_differ_and_have_one_level() -> None:
    rng = np.random.default_rng(0)
    sounds = np.stack([augmentation.synthesize(16_000, 16_000, rng) for _ in range(40)])
    assert np.isfinite(sounds).all()
    np.testing.assert_allclose(augmentation.rms(sounds), 1, rtol=1e-3)
    assert np.abs(np.corrcoef(sounds) - np.eye(40)).max() < 0.99


def test_a_batch_depends_on_seed_and_step_alone(corpus: Path) -> None:
    one, other = batches(corpus), batches(corpus)
    np.testing.assert_array_equal(one[5].waveforms, other[5].waveforms)
    assert not np.array_equal(one[5].waveforms, one[6].waveforms)
    assert not np.array_equal(one[5].waveforms, batches(corpus, seed=1)[5].waveforms)
    ahead = list(prefetch(one, range(3, 9)))
    assert len(ahead) == 6
    np.testing.assert_array_equal(ahead[2].waveforms, other[5].waveforms)


def test_targets_are_distributions(corpus: Path) -> None:
    for step in (0, 50, 95):
        batch = batches(corpus)[step]
        assert batch.waveforms.shape == (16, 51_200)
        assert batch.waveforms.dtype == np.float32
        assert np.isfinite(batch.waveforms).all()
        np.testing.assert_allclose(batch.targets["logits"].sum(axis=1), 1, rtol=1e-5)
        assert (batch.targets["logits"] >= 0).all()


def test_the_last_tenth_of_the_steps_has_no_mixtures(corpus: Path) -> None:
    recipe = replace(RECIPE, other=0.0)
    mixed = np.concatenate([batches(corpus, recipe)[step].targets["logits"].max(axis=1) for step in range(10)])
    clean = np.concatenate([batches(corpus, recipe)[step].targets["logits"].max(axis=1) for step in range(90, 100)])
    assert (mixed < 1).mean() > 0.1
    assert (clean == 1).all()


def targets_of(batches: Batches, steps: int = 10) -> NDArray[np.float32]:
    return np.concatenate([batches[step].targets["logits"] for step in range(steps)])


def test_other_sounds_have_an_output_of_their_own(corpus: Path) -> None:
    targets = targets_of(batches(corpus, replace(RECIPE, other=0.5, mix=0.0)))
    assert 0.35 < np.mean(targets[:, 2] == 1) < 0.65


def test_sources_of_a_label_are_balanced() -> None:
    def share_of_the_small_source(small: int, large: int) -> float:
        clips = [Clip(Path(f"{i}"), "a", "small" if i < small else "large", f"{i}") for i in range(small + large)]
        probabilities = sampling_probabilities(clips)
        return float(probabilities[:small].sum() / probabilities.sum())

    assert share_of_the_small_source(10, 10) == pytest.approx(0.5)
    assert share_of_the_small_source(1, 100) == pytest.approx(1 / 11)


def test_the_verified_share_of_a_mixture_is_that_of_its_verified_clips(corpus: Path) -> None:
    found = read_dataset(corpus)
    partly_verified = [replace(clip, verified=i % 2 == 0) for i, clip in enumerate(found.train)]

    def targets(clips: Sequence[Clip], recipe: Recipe) -> NDArray[np.float32]:
        return Batches(examples(clips, recipe, n_outputs=2), recipe, 100, 0)[0].targets["logits"]

    plain = targets(list(found.train), RECIPE)
    assert plain.shape == (16, 2)
    mixed = targets(partly_verified, RECIPE)
    assert mixed.shape == (16, 3)
    np.testing.assert_array_equal(mixed[:, :2], plain)
    # Clips of noise are verified, those of tones are not.
    np.testing.assert_allclose(mixed[:, 2], mixed[:, 0], atol=1e-6)
    assert 0 < np.mean((mixed[:, 2] > 0) & (mixed[:, 2] < 1)) < 1


@pytest.mark.parametrize("samples", [1, 100, 15_999, 16_000, 16_001, 50_000])
def test_crop_or_tile_only_adds_silence(samples: int) -> None:
    waveform = np.arange(1, samples + 1, dtype=np.float32)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        tiled = augmentation.crop_or_tile(waveform, 16_000, rng)
        assert tiled.shape == (16_000,)
        assert tiled.any()
        assert np.isin(tiled, np.append(waveform, 0)).all()


def test_short_clips_are_repeated_in_different_ways() -> None:
    waveform = np.arange(1, 1001, dtype=np.float32)
    tiled = [augmentation.crop_or_tile(waveform, 4000, np.random.default_rng(seed)) for seed in range(200)]
    silent = np.array([np.mean(each == 0) for each in tiled])
    assert 0.3 < np.mean(silent == 0) < 0.7  # repeated without a gap
    assert 0.1 < np.mean(silent == 0.75) < 0.4  # once, in silence
    assert 0.1 < np.mean((silent > 0) & (silent < 0.75)) < 0.4  # with gaps
    assert len({each.tobytes() for each in tiled}) > 150


def test_speed_changes_length_and_pitch_together() -> None:
    waveform = tone(2.0)
    for seed in range(20):
        faster = augmentation.change_speed(waveform, np.random.default_rng(seed))
        factor = len(waveform) / len(faster)
        assert 0.79 < factor < 1.26
        hertz = np.abs(np.fft.rfft(faster)).argmax() / len(faster) * 16_000
        assert hertz == pytest.approx(440 * factor, rel=0.01)


def test_eq_and_reverb_keep_signal_and_silence() -> None:
    waveform = np.pad(tone(1.0), (16_000, 32_000))
    correlations, nonzero = [], []
    for seed in range(40):
        filtered = augmentation.random_eq_reverb(waveform, 16_000, np.random.default_rng(seed))
        assert filtered.shape == waveform.shape
        assert np.isfinite(filtered).all()
        correlations.append(np.abs(np.corrcoef(filtered, waveform)[0, 1]))
        nonzero.append(np.count_nonzero(filtered) / np.count_nonzero(waveform))
    assert np.median(correlations) > 0.5
    assert np.median(nonzero) < 1.5
    assert np.median(augmentation.rms(filtered)) == pytest.approx(augmentation.rms(waveform)[0], rel=0.9)


def test_background_is_below_the_clip(corpus: Path) -> None:
    alone = replace(RECIPE, mix=0.0, other=0.0)
    clean, augmented = batches(corpus, alone)[95].waveforms, batches(corpus, alone)[0].waveforms
    # A quarter of 16 clips has a background, and none is louder than an equalizer can make it.
    assert np.abs(np.log10(augmentation.rms(augmented).max() / augmentation.rms(clean).max())) < 1


def test_mixup_is_by_loudness() -> None:
    loud, quiet = np.ones((1, 100), np.float32), np.full((1, 100), 0.01, np.float32)
    waveforms = np.concatenate([loud, -quiet])
    targets = {"logits": np.eye(2, dtype=np.float32)}
    share = np.full((2, 1), 0.75, np.float32)
    mixed, labels = augmentation.mixup(waveforms, targets, share, np.array([1, 0]))
    assert labels["logits"].tolist() == [[0.75, 0.25], [0.25, 0.75]]
    expected = (0.75 - 0.25) / np.hypot(0.75, 0.25)
    np.testing.assert_allclose(mixed, [[expected] * 100, [-expected] * 100], rtol=1e-5)
