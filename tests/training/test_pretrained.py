"""Fine-tuning the pretrained model on a dataset with the same labels."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs the extra train")

import soundfile

from audiotagger import Tagger
from audiotagger.inference.model import shipped_models
from tests.conftest import invoke, noise


def write_clips(root: Path, split: str, labels: tuple[str, ...]) -> None:
    names = [f"{split}{i:02}.wav" for i in range(len(labels))]
    (root / f"audio_{split}").mkdir(parents=True)
    for seed, name in enumerate(names):
        soundfile.write(root / f"audio_{split}" / name, noise(0.5, seed=seed), 16_000)
    with (root / f"{split}.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["fname", "label"], *zip(names, labels, strict=True)])


@pytest.mark.slow
def test_fine_tuning_keeps_the_output_layer_for_the_same_labels(tmp_path: Path) -> None:
    labels = Tagger.load().labels
    data = tmp_path / "data"
    splits = {"train": labels, "other": ("hum", "rain"), "unlabelled": ("", "")}
    for split, of_clips in splits.items():
        write_clips(data, split, of_clips)
    done = invoke("train", "--model", "mel", "--init", "pretrained", "--epochs", 1, "--output", "run", cwd=tmp_path)
    assert done.exit_code == 0, done.stderr
    assert "fine-tuning the pretrained model and its output layer (same labels)" in done.stderr
    import keras

    from audiotagger.training import networks  # noqa: F401 (Keras must know the layers)

    def output_kernel(path: Path) -> np.ndarray:
        kernel: np.ndarray = keras.saving.load_model(path, compile=False).get_layer("logits").get_weights()[0]
        return kernel

    # A few steps at a low learning rate change it only slightly.
    before, after = (output_kernel(path) for path in (shipped_models() / "mel.keras", tmp_path / "run" / "model.keras"))
    assert 0 < np.abs(after - before).max() < 0.1 * np.abs(before).max()
