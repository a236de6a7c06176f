"""The networks: from waveforms to logits, with all preprocessing inside the graph.

The models of the ensemble differ in their front ends: the mel model computes a log-mel spectrogram every 16 ms, the
wave model applies learned filters to the waveform every 8 ms, long ones for low and short ones for high frequencies.
The architecture `baseline` is that of 2018, for comparison. All layers convert to ONNX with a dynamic batch size and
number of samples.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from audiotagger.training.layers import FilterBank, LogMel, MinMaxScaling, PeakDecibels, RMSNormalization


def _conv(
    x: Any, filters: int, kernel: int | tuple[int, int], strides: int | tuple[int, int] = 1, activation: str = "relu"
) -> Any:
    """Convolution, batch normalization, activation."""
    x = layers.Conv2D(filters, kernel, strides, padding="same", use_bias=False)(x)
    return layers.Activation(activation)(layers.BatchNormalization(momentum=0.97)(x))


def _squeeze_excitation(x: Any) -> Any:
    """Weight the channels of [batch, time, frequency, channels] by a function of their means.

    References
    ----------
    Hu et al. 2018, arXiv:1709.01507
    """
    channels = x.shape[-1]
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(channels // 4, 1, activation="relu")(gate)
    return layers.Multiply()([x, layers.Conv2D(channels, 1, activation="hard_sigmoid")(gate)])


def _inverted_residual(
    x: Any, filters: int, expansion: int, kernel: int | tuple[int, int], strides: int, squeeze: bool
) -> Any:
    """Block of MobileNetV2: expand, filter each channel, project.

    References
    ----------
    Sandler et al. 2018, arXiv:1801.04381
    """
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
    """Return the embedding [batch, 480] of an image [batch, time, frequency].

    A strided stem, eleven inverted residuals, the later ones with squeeze-excitation, the mean over frequency, then
    mean + max over time, for steady and for short sounds, as in PANNs.

    References
    ----------
    Kong et al. 2020, arXiv:1912.10211
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
    """Return the embedding [batch, 480] of the mel model: 64 mel bands, frames of 32 ms every 16 ms."""
    x = LogMel(n_mels=64, n_fft=512, hop_length=256, floor_db=-60.0)(RMSNormalization()(waveform))
    return _image_model(x, stem_kernel=(5, 5), stem_strides=(2, 2), kernel=3)


def wave_model(waveform: Any) -> Any:
    """Return the embedding [batch, 480] of the wave model: 64 learned filters, frames of 32 ms every 8 ms.

    Kernels are longer in time than the mel model's, since its frames are closer together.
    """
    x = FilterBank(filters=64, frame_length=512, hop_length=128)(RMSNormalization()(waveform))
    return _image_model(x, stem_kernel=(9, 5), stem_strides=(4, 2), kernel=(5, 3))


def baseline_mel_model(waveform: Any) -> Any:
    """Return the embedding [batch, 128] of the mel model of 2018: 320 mel bands, frames of 128 ms every 32 ms."""
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


def baseline_wave_model(waveform: Any) -> Any:
    """Return the embedding [batch, 1028] of the wave model of 2018: 1D convolutions on the waveform."""
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
    ("mel", "baseline"): baseline_mel_model,
    ("wave", "baseline"): baseline_wave_model,
}
"""By kind of model and architecture: a function from waveforms [batch, samples] to embeddings [batch, n]."""


def build(kind: str, arch: str, n_labels: int, teacher_size: int = 0) -> keras.Model:
    """Build a model with random weights; `kind` and `arch` are a key of `NETWORKS`.

    It leads from waveforms, float32 [batch, samples] at `SAMPLE_RATE`, to the outputs of `add_outputs`.
    """
    waveform = keras.Input((None,), name="waveform")
    return add_outputs(waveform, NETWORKS[kind, arch](waveform), n_labels, teacher_size, name=f"{kind}_{arch}")


def add_outputs(waveform: Any, embedding: Any, n_labels: int, teacher_size: int, name: str) -> keras.Model:
    """Add output layers to a network from `waveform` [batch, samples] to `embedding` [batch, n].

    The outputs of the model are a dictionary: "logits" [batch, n_labels] and, unless `teacher_size` is 0, "teacher"
    [batch, teacher_size], which is trained to match the teacher's embedding and not exported.
    """
    outputs = {"logits": layers.Dense(n_labels, dtype="float32", name="logits")(embedding)}
    if teacher_size:
        # Zeros, or the error of this output would dominate the first steps.
        to_teacher = layers.Dense(teacher_size, kernel_initializer="zeros", dtype="float32", name="teacher")
        outputs["teacher"] = to_teacher(embedding)
    return keras.Model(waveform, outputs, name=name)
