from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audiotagger.training import augment
from audiotagger.training.corpus import hold_out, read_corpus
from audiotagger.training.pipeline import Batches, Teacher, decode_all, prefetch, read_teacher
from audiotagger.training.recipes import RECIPES, Recipe
from tests.conftest import tone

RECIPE = replace(RECIPES["mel", "default"], batch_size=16, unlabelled=0.0)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUDIOTAGGER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def batches(root: Path, recipe: Recipe = RECIPE, seed: int = 0, teacher: Teacher | None = None) -> Batches:
    found = read_corpus(root)
    clips = [*found.train, *found.other]
    waveforms = decode_all(clips, 16_000, lambda *_: None)
    return Batches(found, hold_out(found.train, 0.1)[0], clips, waveforms, teacher, recipe, 16_000, 100, seed)


def test_clips_are_decoded_once(corpus: Path, cache: Path) -> None:
    clips = read_corpus(corpus).train
    seen: list[int] = []
    first = decode_all(clips, 16_000, lambda done, total: seen.append(done))
    assert seen == list(range(1, 41))
    again = decode_all(clips, 16_000, lambda done, total: seen.append(done))
    assert len(seen) == len(clips) == len(again)
    np.testing.assert_array_equal(first[7], again[7])
    assert sorted(path.suffix for path in cache.iterdir()) == [".f16", ".npy"]


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
        assert batch.waveforms.shape == (16, 64_000)
        assert batch.waveforms.dtype == np.float32
        assert np.isfinite(batch.waveforms).all()
        np.testing.assert_allclose(batch.targets["logits"].sum(axis=1), 1, rtol=1e-5)
        assert (batch.targets["logits"] >= 0).all()


def test_the_last_tenth_is_not_mixed(corpus: Path) -> None:
    recipe = replace(RECIPE, other=0.0)
    mixed = np.concatenate([batches(corpus, recipe)[step].targets["logits"].max(axis=1) for step in range(10)])
    clean = np.concatenate([batches(corpus, recipe)[step].targets["logits"].max(axis=1) for step in range(90, 100)])
    assert (mixed < 1).mean() > 0.2
    assert (clean == 1).all()


def test_other_sounds_are_none_of_the_labels(corpus: Path) -> None:
    recipe = replace(RECIPE, other=0.5, mix=0.0)
    targets = np.concatenate([batches(corpus, recipe)[step].targets["logits"] for step in range(10)])
    uniform = np.all(targets == 0.5, axis=1)
    assert 0.35 < uniform.mean() < 0.65


def test_a_teacher_softens_labels(corpus: Path, tmp_path: Path) -> None:
    found = read_corpus(corpus)
    clips = [*found.train, *found.other]
    arrays = {
        name: np.random.default_rng(0).uniform(0, 1, (len(clips), 8)).astype(np.float16)
        for name in ("mn04_embedding", "mn04_scores", "yamnet_scores")
    }
    soft = np.tile(np.array([0.25, 0.75], np.float16), (len(clips), 1))
    names = [clip.path.name for clip in clips]
    np.savez(tmp_path / "teacher.npz", fname=names, labels=found.labels, soft41=soft, **arrays)  # type: ignore[arg-type]
    teacher = read_teacher(tmp_path / "teacher.npz", clips, found.labels)
    assert np.sum(teacher.features.var(axis=0)) == pytest.approx(3, rel=1e-3)
    recipe = replace(RECIPE, mix=0.0, other=0.0, soft_labels=0.4)
    batch = batches(corpus, recipe, teacher=teacher)[0]
    of_label = sorted({tuple(row) for row in batch.targets["logits"].tolist()})
    np.testing.assert_allclose(of_label, [(0.1, 0.9), (0.7, 0.3)], rtol=1e-5)
    assert batch.targets["teacher"].shape == (16, 24)


@pytest.mark.parametrize("samples", [1, 100, 15_999, 16_000, 16_001, 50_000])
def test_placing_keeps_the_sound(samples: int) -> None:
    sound = np.arange(1, samples + 1, dtype=np.float32)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        placed = augment.place(sound, 16_000, rng)
        assert placed.shape == (16_000,)
        assert placed.any()
        assert np.isin(placed, np.append(sound, 0)).all()


def test_colouring_and_speed_keep_the_pitch_in_bounds() -> None:
    sound = tone(1.0)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        faster = augment.change_speed(sound, rng)
        assert 0.79 < len(faster) / len(sound) < 1.26
        coloured = augment.colour(sound, 16_000, rng)
        assert coloured.shape == sound.shape
        assert np.isfinite(coloured).all()


def test_mixing_is_by_loudness() -> None:
    loud, quiet = np.ones((1, 100), np.float32), np.full((1, 100), 0.01, np.float32)
    waveforms = np.concatenate([loud, -quiet])
    targets = {"logits": np.eye(2, dtype=np.float32)}
    share = np.full((2, 1), 0.75, np.float32)
    mixed, labels = augment.mix(waveforms, targets, share, np.array([1, 0]))
    assert labels["logits"].tolist() == [[0.75, 0.25], [0.25, 0.75]]
    expected = (0.75 - 0.25) / np.hypot(0.75, 0.25)
    np.testing.assert_allclose(mixed, [[expected] * 100, [-expected] * 100], rtol=1e-5)
