"""The nets: waveform in, logits out, everything between inside the graph.

Two nets see the same sound differently. The mel net looks at a log-mel spectrogram with long frames (60 ms), the
wave net learns its own filters on the raw waveform with short frames (5 ms apart). `baseline` holds the two nets of
2018 for comparison. Every layer here converts to ONNX with a dynamic batch and a dynamic number of samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from audiotagger.training.layers import FilterBank, LogMel, MinMaxScaling, PeakDecibels, RMSNormalization


def _conv(x: Any, filters: int, kernel: int | tuple[int, int] = 3, strides: int | tuple[int, int] = 1) -> Any:
    x = layers.Conv2D(filters, kernel, strides, padding="same", use_bias=False)(x)
    return layers.Activation("relu")(layers.BatchNormalization(momentum=0.97)(x))


def _image_net(image: Any, stem: tuple[int, tuple[int, int], tuple[int, int]], channels: Sequence[int]) -> Any:
    """Features [batch, channels[-1]] of an image [batch, time, frequency].

    A strided stem (filters, kernel, strides), VGG-like 3x3 convolutions, one where the image is still large and pairs
    after it, the mean over frequency, then mean + max over time (what lasts, and what happens once) as in PANNs (Kong
    et al. 2020, arXiv:1912.10211).
    """
    x = layers.BatchNormalization(momentum=0.97, center=False, scale=False, name="dataset_normalization")(image)
    x = layers.Reshape((-1, image.shape[-1], 1))(x)
    x = _conv(_conv(x, *stem), channels[0])
    for width in channels[1:]:
        x = layers.MaxPooling2D(2, padding="same")(x)
        x = _conv(_conv(x, width), width)
    x = ops.mean(x, axis=2)
    return layers.Add(name="embedding", dtype="float32")([ops.mean(x, axis=1), ops.max(x, axis=1)])


def mel_net(waveform: Any) -> Any:
    """Features of the mel net: 64 mels, frames of 60 ms every 20 ms."""
    x = LogMel(n_mels=64, n_fft=960, hop_length=320, floor_db=-50.0)(RMSNormalization()(waveform))
    x = _image_net(x, stem=(24, (5, 5), (2, 2)), channels=(32, 64, 128, 192))
    return layers.Dropout(0.2)(x)


def wave_net(waveform: Any) -> Any:
    """Features of the wave net: 64 learned filters of up to 50 ms every 10 ms."""
    x = FilterBank(filters=64, frame_length=800, hop_length=160)(RMSNormalization()(waveform))
    x = _image_net(x, stem=(24, (5, 5), (2, 2)), channels=(32, 64, 96, 160))
    return layers.Dropout(0.2)(x)


def baseline_mel_net(waveform: Any) -> Any:
    """Features of the 2D net of 2018: 320 mels, frames of 128 ms every 32 ms; 96 k parameters with its head."""
    x = PeakDecibels()(LogMel(n_mels=320, n_fft=2048, hop_length=512)(waveform))
    x = layers.BatchNormalization()(layers.Reshape((-1, 320, 1))(x))
    for filters, kernel, count, pool in ((16, (3, 7), 2, (3, 7)), (32, (3, 3), 2, (3, 3)), (128, (3, 3), 1, None)):
        for _ in range(count):
            x = layers.Conv2D(filters, kernel, activation="relu")(x)
        if pool:
            x = layers.Dropout(0.1)(layers.MaxPooling2D(pool)(x))
    x = layers.GlobalMaxPooling2D()(x)
    for _ in range(2):
        x = layers.BatchNormalization()(layers.Dense(128, activation="relu")(x))
    return layers.Dropout(0.1, name="embedding")(x)


def baseline_wave_net(waveform: Any) -> Any:
    """Features of the 1D net of 2018: plain convolutions on the waveform; 360 k parameters with its head."""
    x = layers.Reshape((-1, 1))(MinMaxScaling()(waveform))
    for filters, kernel, pool in ((16, 9, 16), (32, 3, 4), (32, 3, 4), (256, 3, None)):
        for _ in range(2):
            x = layers.Conv1D(filters, kernel, activation="relu")(x)
        if pool:
            x = layers.Dropout(0.1)(layers.MaxPooling1D(pool)(x))
    x = layers.Dropout(0.2)(layers.GlobalMaxPooling1D()(x))
    return layers.Dense(1028, activation="relu", name="embedding")(layers.Dense(64, activation="relu")(x))


NETWORKS = {
    ("mel", "default"): mel_net,
    ("wave", "default"): wave_net,
    ("mel", "baseline"): baseline_mel_net,
    ("wave", "baseline"): baseline_wave_net,
}


def build(kind: str, arch: str, n_labels: int, teacher_size: int = 0) -> keras.Model:
    """Return an untrained net: waveforms float32 [batch, samples] at `SAMPLE_RATE` to logits [batch, n_labels].

    With `teacher_size` there is a second output, "teacher" [batch, teacher_size], that regresses what a teacher hears;
    it shapes the features while training and is dropped at export.
    """
    waveform = keras.Input((None,), name="waveform")
    features = NETWORKS[kind, arch](waveform)
    outputs = {"logits": layers.Dense(n_labels, dtype="float32", name="logits")(features)}
    if teacher_size:
        # From zeros, or its error would drown the labels' in the first steps.
        head = layers.Dense(teacher_size, kernel_initializer="zeros", dtype="float32", name="teacher")
        outputs["teacher"] = head(features)
    return keras.Model(waveform, outputs, name=f"{kind}_{arch}")
