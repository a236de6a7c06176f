"""The networks: waveform in, logits out, everything between inside the graph.

Two models see the same sound differently: the mel model a log-mel spectrogram every 16 ms, the wave model filters of
its own on the raw waveform every 8 ms, long ones for low and short ones for high frequencies. `baseline` holds the two
networks of 2018 for comparison. Every layer here converts to ONNX with a dynamic batch and number of samples.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from audiotagger.training.layers import FilterBank, LogMel, MinMaxScaling, PeakDecibels, RMSNormalization


def _conv(
    x: Any, filters: int, kernel: int | tuple[int, int], strides: int | tuple[int, int] = 1, activation: str = "relu"
) -> Any:
    x = layers.Conv2D(filters, kernel, strides, padding="same", use_bias=False)(x)
    return layers.Activation(activation)(layers.BatchNormalization(momentum=0.97)(x))


def _squeeze_excitation(x: Any) -> Any:
    """Weight the channels of [batch, time, frequency, channels] by what they hold on average (Hu et al. 2018,
    arXiv:1709.01507).
    """
    channels = x.shape[-1]
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(channels // 4, 1, activation="relu")(gate)
    return layers.Multiply()([x, layers.Conv2D(channels, 1, activation="hard_sigmoid")(gate)])


def _inverted_residual(
    x: Any, filters: int, expansion: int, kernel: int | tuple[int, int], strides: int, squeeze: bool
) -> Any:
    """A block of MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381): expand, filter each channel, project."""
    y = _conv(x, x.shape[-1] * expansion, 1)
    y = layers.DepthwiseConv2D(kernel, strides, padding="same", use_bias=False)(y)
    y = layers.Activation("relu")(layers.BatchNormalization(momentum=0.97)(y))
    if squeeze:
        y = _squeeze_excitation(y)
    y = _conv(y, filters, 1, activation="linear")
    return layers.Add()([x, y]) if y.shape[-1] == x.shape[-1] and strides == 1 else y


def _image_model(
    image: Any, stem_kernel: tuple[int, int], stem_strides: tuple[int, int], kernel: int | tuple[int, int]
) -> Any:
    """Embedding [batch, 480] of an image [batch, time, frequency].

    A strided stem, eleven inverted residuals, those of the smaller images with squeeze-excitation, the mean over
    frequency, then mean + max over time (what lasts, and what happens once) as in PANNs (Kong et al. 2020,
    arXiv:1912.10211).
    """
    x = layers.BatchNormalization(momentum=0.97, center=False, scale=False, name="dataset_normalization")(image)
    x = layers.Reshape((-1, image.shape[-1], 1))(x)
    x = _conv(x, 24, stem_kernel, stem_strides)
    stages = ((32, 2, kernel, 2, 2), (56, 3, kernel, 2, 3), (112, 4, 3, 2, 4), (144, 4, 5, 1, 2))
    for filters, expansion, size, strides, repeats in stages:
        for i in range(repeats):
            x = _inverted_residual(x, filters, expansion, size, strides if i == 0 else 1, squeeze=filters >= 80)
    x = ops.mean(_conv(x, 480, 1), axis=2)
    return layers.Add(name="embedding", dtype="float32")([ops.mean(x, axis=1), ops.max(x, axis=1)])


def mel_model(waveform: Any) -> Any:
    """Embedding of the mel model: 64 mels, frames of 32 ms every 16 ms."""
    x = LogMel(n_mels=64, n_fft=512, hop_length=256, floor_db=-60.0)(RMSNormalization()(waveform))
    return _image_model(x, stem_kernel=(5, 5), stem_strides=(2, 2), kernel=3)


def wave_model(waveform: Any) -> Any:
    """Embedding of the wave model: 64 learned filters of up to 32 ms every 8 ms, kernels longer in time."""
    x = FilterBank(filters=64, frame_length=512, hop_length=128)(RMSNormalization()(waveform))
    return _image_model(x, stem_kernel=(9, 5), stem_strides=(4, 2), kernel=(5, 3))


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
    ("mel", "default"): mel_model,
    ("wave", "default"): wave_model,
    ("mel", "baseline"): baseline_mel_net,
    ("wave", "baseline"): baseline_wave_net,
}


def build(kind: str, arch: str, n_labels: int, teacher_size: int = 0) -> keras.Model:
    """Return an untrained model: waveforms float32 [batch, samples] at `SAMPLE_RATE` to logits [batch, n_labels].

    `teacher_size` is that of `add_outputs`.
    """
    waveform = keras.Input((None,), name="waveform")
    return add_outputs(waveform, NETWORKS[kind, arch](waveform), n_labels, teacher_size, name=f"{kind}_{arch}")


def add_outputs(waveform: Any, embedding: Any, n_labels: int, teacher_size: int, name: str) -> keras.Model:
    """Return the model from `waveform` to logits [batch, n_labels] of its `embedding` [batch, n].

    With `teacher_size` there is a second output, "teacher" [batch, teacher_size], to match a teacher's embedding; it
    shapes the embedding in training and is left out at export.
    """
    outputs = {"logits": layers.Dense(n_labels, dtype="float32", name="logits")(embedding)}
    if teacher_size:
        # From zeros, or its error would drown the labels' in the first steps.
        head = layers.Dense(teacher_size, kernel_initializer="zeros", dtype="float32", name="teacher")
        outputs["teacher"] = head(embedding)
    return keras.Model(waveform, outputs, name=name)
