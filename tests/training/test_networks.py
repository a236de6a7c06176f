"""Networks and their layers."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import EXAMPLES

pytest.importorskip("keras", reason="needs the extra train")

import keras
import librosa

from audiotagger.training import layers, networks
from audiotagger.training.initialization import initial_model
from audiotagger.training.recipes import RECIPES
from audiotagger.training.run_folder import Config


@pytest.mark.slow
def test_log_mel_is_that_of_librosa() -> None:
    """The mel model's, on the examples: within 0.01 dB."""
    script = EXAMPLES.parent / "benchmarks" / "log_mel.py"
    done = subprocess.run([sys.executable, script, EXAMPLES], capture_output=True, check=True, text=True)
    found = re.fullmatch(r"(\d+) clips of .*: at most ([\d.]+) dB from librosa\n", done.stdout)
    assert found
    assert int(found[1]) >= 4
    assert float(found[2]) < 0.01


def test_rms_normalization_scales_all_to_one_level_except_silence() -> None:
    waveform = np.random.default_rng(0).normal(size=(1, 8_000)).astype(np.float32)
    padded = np.pad(waveform, ((0, 0), (0, 8_000)))
    normalize = layers.RMSNormalization()
    loud, quiet, short = (np.asarray(normalize(x)) for x in (waveform, 1e-3 * waveform, padded))
    np.testing.assert_allclose(loud, quiet, rtol=1e-4)
    np.testing.assert_allclose(short[:, :8_000], loud, rtol=1e-4)
    assert np.sqrt(np.mean(loud**2)) == pytest.approx(1, rel=1e-4)
    assert np.abs(normalize(np.zeros((1, 100), np.float32))).max() == 0
    assert np.sqrt(np.mean(np.square(normalize(1e-6 * waveform)))) < 0.02


def test_the_filter_bank_starts_on_the_mel_scale() -> None:
    bank = layers.FilterBank(filters=80, frame_length=480, hop_length=80)
    time = np.arange(16_000) / 16_000
    strongest = []
    for hertz in (200, 500, 1000, 2000, 4000):
        log_power = np.asarray(bank(np.sin(2 * np.pi * hertz * time)[None].astype(np.float32)))
        assert log_power.shape == (1, 201, 80)
        strongest.append(int(log_power[0, 100].argmax()))
    centres = librosa.mel_frequencies(82, fmin=30, fmax=8_000)[1:-1]
    assert strongest == pytest.approx(
        [int(np.argmin(np.abs(centres - f))) for f in (200, 500, 1000, 2000, 4000)], abs=1
    )


@pytest.mark.parametrize(("kind", "arch"), networks.NETWORKS)
def test_models_accept_any_batch_size_and_length_and_are_small(kind: str, arch: str) -> None:
    model = networks.build(kind, arch, 41)
    for batch, samples in ((1, 80_000), (3, 90_001)):
        logits = model(np.zeros((batch, samples), np.float32), training=False)["logits"]
        assert tuple(logits.shape) == (batch, 41)
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) < 2_000_000


def test_the_baseline_models_have_the_sizes_of_2018() -> None:
    sizes = {
        kind: sum(int(np.prod(w.shape)) for w in networks.build(kind, "baseline", 41).trainable_weights)
        for kind in ("mel", "wave")
    }
    assert sizes["mel"] == pytest.approx(96_000, rel=0.01)
    assert sizes["wave"] == pytest.approx(360_000, rel=0.01)


def test_a_saved_model_predicts_the_same(tmp_path: object) -> None:
    model = networks.build("mel", "default", 5)
    model.save(f"{tmp_path}/model.keras")
    again = keras.saving.load_model(f"{tmp_path}/model.keras")
    waveforms = np.random.default_rng(0).normal(size=(2, 20_000)).astype(np.float32)
    np.testing.assert_allclose(model(waveforms)["logits"], again(waveforms)["logits"], atol=1e-5)


def embeddings_and_logits(model: keras.Model, waveforms: np.ndarray) -> list[np.ndarray]:
    logits = model.output["logits"] if isinstance(model.output, dict) else model.output
    both = keras.Model(model.input, [model.get_layer("embedding").output, logits])
    return [np.asarray(output) for output in both(waveforms)]


@pytest.mark.parametrize(("init", "labels", "same"), [("body", 5, False), ("body", 41, False), ("whole", 41, True)])
def test_a_model_can_be_initialized_with_trained_weights(tmp_path: Path, init: str, labels: int, same: bool) -> None:
    trained = networks.build("wave", "default", 41)
    model = keras.Model(trained.input, trained.output["logits"])
    model.save(tmp_path / "init.keras")
    waveforms = np.random.default_rng(0).normal(size=(2, 20_000)).astype(np.float32)
    embedding, logits = embeddings_and_logits(model, waveforms)
    recipe = RECIPES["wave", "default"]
    config = Config("wave", "default", "", "", (*map(str, range(labels)),), False, recipe, None, "", 0, 0, init)
    again, other = embeddings_and_logits(initial_model(config, tmp_path, teacher_size=7), waveforms)
    np.testing.assert_allclose(again, embedding, atol=1e-5)
    assert other.shape == (2, labels)
    assert (labels == 41 and np.allclose(other, logits, rtol=1e-3, atol=1e-12)) is same
