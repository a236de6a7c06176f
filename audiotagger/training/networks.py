"""The networks: from waveforms to logits, with all preprocessing inside the graph.

The models of the ensemble differ in their front ends: the mel model computes a log-mel spectrogram every 20 ms, the
wave model applies learned filters to the waveform every 10 ms, long ones for low and short ones for high frequencies.
The architecture `baseline` is that of 2018, for comparison. All layers convert to ONNX with a dynamic batch size and
number of samples.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from audiotagger.training.layers import FilterBank, LogMel, MinMaxScaling, PeakDecibels, RMSNormalization

_BLOCKS = (
    # kernel, expanded channels, channels, channels of the squeeze, activation, stride
    (3, 8, 8, 0, "relu", 1),
    (3, 24, 16, 0, "relu", 2),
    (3, 32, 16, 0, "relu", 1),
    (5, 32, 16, 8, "relu", 2),
    (5, 48, 16, 16, "relu", 1),
    (5, 48, 16, 16, "relu", 1),
    (3, 96, 32, 0, "hard_swish", 2),
    (3, 80, 32, 0, "hard_swish", 1),
    (3, 72, 32, 0, "hard_swish", 1),
    (3, 72, 32, 0, "hard_swish", 1),
    (3, 192, 48, 48, "hard_swish", 1),
    (3, 272, 48, 72, "hard_swish", 1),
    (5, 272, 64, 72, "hard_swish", 2),
    (5, 384, 64, 96, "hard_swish", 1),
    (5, 384, 64, 96, "hard_swish", 1),
)
"""MobileNetV3-Large with 0.4 times the channels."""


def _normalize(x: Any, activation: str) -> Any:
    return layers.Activation(activation)(layers.BatchNormalization(momentum=0.97)(x))


def _conv(x: Any, filters: int, kernel: int, strides: int | tuple[int, int], activation: str) -> Any:
    """Convolution, batch normalization, activation."""
    return _normalize(layers.Conv2D(filters, kernel, strides, padding="same", use_bias=False)(x), activation)


def _squeeze_excitation(x: Any, squeezed: int) -> Any:
    """Weight the channels of [batch, time, frequency, channels] by a function of their means.

    References
    ----------
    Hu et al. 2018, arXiv:1709.01507
    """
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(squeezed, 1, activation="relu")(gate)
    return layers.Multiply()([x, layers.Conv2D(x.shape[-1], 1, activation="sigmoid")(gate)])


def _inverted_residual(
    x: Any, kernel: int, expanded: int, filters: int, squeezed: int, activation: str, strides: int
) -> Any:
    """Block of MobileNet: expand, filter each channel, weight the channels, project."""
    y = _conv(x, expanded, 1, 1, activation) if expanded != x.shape[-1] else x
    y = layers.DepthwiseConv2D(kernel, strides, padding="same", use_bias=False)(y)
    y = _normalize(y, activation)
    if squeezed:
        y = _squeeze_excitation(y, squeezed)
    y = _conv(y, filters, 1, 1, "linear")
    return layers.Add()([x, y]) if filters == x.shape[-1] and strides == 1 else y


def _mobilenet(image: Any, stem_strides: tuple[int, int]) -> Any:
    """Return the embedding [batch, 384] of an image [batch, time, frequency].

    With 97 = 3 * 2**5 + 1 frequencies, padding is the same at both ends of them in all five strided layers.

    References
    ----------
    Howard et al. 2019, arXiv:1905.02244; on spectrograms: Schmid et al. 2023, arXiv:2211.04772 (EfficientAT)
    """
    x = layers.BatchNormalization(momentum=0.97, name="dataset_normalization")(image)
    x = layers.Reshape((-1, image.shape[-1], 1))(x)
    x = _conv(x, 8, 3, stem_strides, "hard_swish")
    for block in _BLOCKS:
        x = _inverted_residual(x, *block)
    x = _conv(x, 384, 1, 1, "hard_swish")
    return layers.GlobalAveragePooling2D(name="embedding")(x)


def mel_model(waveform: Any) -> Any:
    """Return the embedding [batch, 384] of the mel model: 97 mel bands, frames of 40 ms every 20 ms."""
    return _mobilenet(
        LogMel(n_mels=97, n_fft=640, hop_length=320, floor_db=-60.0)(RMSNormalization()(waveform)), (1, 2)
    )


def wave_model(waveform: Any) -> Any:
    """Return the embedding [batch, 384] of the wave model: 97 learned filters, frames of 30 ms every 10 ms."""
    return _mobilenet(FilterBank(filters=97, frame_length=480, hop_length=160)(RMSNormalization()(waveform)), (2, 2))


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
    """Build a model with random weights.

    Parameters
    ----------
    kind, arch
        A key of `NETWORKS`.
    n_labels
        Number of outputs.
    teacher_size
        As of `add_outputs`.

    Returns
    -------
    keras.Model
        From waveforms, float32 [batch, samples] at `SAMPLE_RATE`, to the outputs of `add_outputs`.
    """
    waveform = keras.Input((None,), name="waveform")
    return add_outputs(waveform, NETWORKS[kind, arch](waveform), n_labels, teacher_size, name=f"{kind}_{arch}")


def add_outputs(waveform: Any, embedding: Any, n_labels: int, teacher_size: int, name: str) -> keras.Model:
    """Add output layers to a network.

    Parameters
    ----------
    waveform
        Its input, [batch, samples].
    embedding
        Its last layer's output, [batch, n].
    n_labels
        Number of outputs.
    teacher_size
        Size of the teacher's embedding; 0 without one.
    name
        Of the model.

    Returns
    -------
    keras.Model
        Its outputs are a dictionary: "logits" [batch, n_labels] and, with `teacher_size`, "teacher" [batch,
        teacher_size], which is trained to match the teacher's embedding and not exported.
    """
    outputs = {"logits": layers.Dense(n_labels, dtype="float32", name="logits")(embedding)}
    if teacher_size:
        # Zeros, or the error of this output would dominate the first steps.
        to_teacher = layers.Dense(teacher_size, kernel_initializer="zeros", dtype="float32", name="teacher")
        outputs["teacher"] = to_teacher(embedding)
    return keras.Model(waveform, outputs, name=name)
