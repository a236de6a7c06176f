from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

from tests.conftest import EXAMPLES

pytest.importorskip("keras", reason="needs the extra train")

import keras
import librosa

from audiotagger.inference.model import shipped_models
from audiotagger.training import layers, networks
from audiotagger.training.initialization import copy_weights


def test_log_mel_is_librosas() -> None:
    """Of the very layer that the mel net begins with, on the examples: within 0.01 dB."""
    script = EXAMPLES.parent / "benchmarks" / "log_mel.py"
    done = subprocess.run([sys.executable, script, EXAMPLES], capture_output=True, check=True, text=True)
    found = re.fullmatch(r"(\d+) clips of .*: at most ([\d.]+) dB from librosa\n", done.stdout)
    assert found
    assert int(found[1]) >= 4
    assert float(found[2]) < 0.01


def test_rms_normalization_brings_all_to_one_level_but_silence() -> None:
    sound = np.random.default_rng(0).normal(size=(1, 8_000)).astype(np.float32)
    padded = np.pad(sound, ((0, 0), (0, 8_000)))
    normalize = layers.RMSNormalization()
    loud, quiet, short = (np.asarray(normalize(x)) for x in (sound, 1e-3 * sound, padded))
    np.testing.assert_allclose(loud, quiet, rtol=1e-4)
    np.testing.assert_allclose(short[:, :8_000], loud, rtol=1e-4)
    assert np.sqrt(np.mean(loud**2)) == pytest.approx(1, rel=1e-4)
    assert np.abs(normalize(np.zeros((1, 100), np.float32))).max() == 0
    assert np.sqrt(np.mean(np.square(normalize(1e-6 * sound)))) < 0.02


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
def test_nets_take_any_batch_and_length_and_are_small(kind: str, arch: str) -> None:
    net = networks.build(kind, arch, 41)
    for batch, samples in ((1, 80_000), (3, 90_001)):
        logits = net(np.zeros((batch, samples), np.float32), training=False)["logits"]
        assert tuple(logits.shape) == (batch, 41)
    assert sum(int(np.prod(weight.shape)) for weight in net.trainable_weights) < 2_000_000


def test_the_nets_of_2018_have_their_size() -> None:
    sizes = {
        kind: sum(int(np.prod(w.shape)) for w in networks.build(kind, "baseline", 41).trainable_weights)
        for kind in ("mel", "wave")
    }
    assert sizes["mel"] == pytest.approx(96_000, rel=0.01)
    assert sizes["wave"] == pytest.approx(360_000, rel=0.01)


def test_a_saved_net_says_the_same(tmp_path: object) -> None:
    net = networks.build("mel", "default", 5)
    net.save(f"{tmp_path}/net.keras")
    again = keras.saving.load_model(f"{tmp_path}/net.keras")
    sound = np.random.default_rng(0).normal(size=(2, 20_000)).astype(np.float32)
    np.testing.assert_allclose(net(sound)["logits"], again(sound)["logits"], atol=1e-5)


def embeddings_and_logits(net: keras.Model, sound: np.ndarray) -> list[np.ndarray]:
    logits = net.output["logits"] if isinstance(net.output, dict) else net.output
    return [np.asarray(out) for out in keras.Model(net.input, [net.get_layer("embedding").output, logits])(sound)]


def test_a_net_can_begin_with_the_shipped_weights_and_another_head() -> None:
    shipped = keras.saving.load_model(shipped_models() / "wave.keras", compile=False)
    sound = np.random.default_rng(0).normal(size=(2, 20_000)).astype(np.float32)
    embedding, logits = embeddings_and_logits(shipped, sound)
    net = networks.build("wave", "default", 5, teacher_size=7)
    copy_weights(shipped, net, head=False)
    again, other = embeddings_and_logits(net, sound)
    np.testing.assert_allclose(again, embedding, atol=1e-5)
    assert other.shape == (2, 5)
    for head in (False, True):  # of the same size, but other labels perhaps
        net = networks.build("wave", "default", logits.shape[1])
        copy_weights(shipped, net, head)
        again, same = embeddings_and_logits(net, sound)
        np.testing.assert_allclose(again, embedding, atol=1e-5)
        assert np.allclose(same, logits, atol=1e-4) is head
