"""Keras layers for audio: level normalization, log-mel spectrogram, learned filter bank.

All of them convert to ONNX with a dynamic batch size and number of samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from audiotagger.training.recipes import SAMPLE_RATE

_register = keras.saving.register_keras_serializable(package="audiotagger")


class _FrontEnd(layers.Layer):
    """Base of layers from waveforms [batch, samples] to [batch, frames, features], always in float32."""

    def __init__(self, features: int, frame_length: int, hop_length: int, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)
        self.features, self.frame_length, self.hop_length = features, frame_length, hop_length

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        samples = input_shape[1]
        return (input_shape[0], None if samples is None else 1 + samples // self.hop_length, self.features)


@_register
class RMSNormalization(layers.Layer):
    """Scale each waveform to a root mean square of 1, so that the recording level has no influence.

    From float32 [batch, samples] to the same shape. The mean is over the samples that are not exactly zero, so padding
    a clip with silence does not change its level.

    Parameters
    ----------
    floor
        Smallest root mean square that is divided by; 1e-4 is -80 dBFS.
    """

    def __init__(self, floor: float = 1e-4, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **{k: v for k, v in kwargs.items() if k != "dtype"})
        self.floor = floor

    def call(self, waveform: Any) -> Any:
        nonzero = ops.cast(ops.not_equal(waveform, 0.0), "float32")
        power = ops.sum(ops.square(waveform), axis=1, keepdims=True)
        rms = ops.sqrt(power / ops.maximum(ops.sum(nonzero, axis=1, keepdims=True), 1.0))
        return waveform / ops.maximum(rms, self.floor)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "floor": self.floor}


@_register
class LogMel(_FrontEnd):
    """Log-mel spectrogram in dB, as of `librosa.feature.melspectrogram` with zero padding.

    From float32 [batch, samples] to float32 [batch, 1 + samples // hop_length, n_mels] in dB re 1. Power spectrogram,
    Hann window, Slaney mel scale and norm.

    With the second half of a frame added to the first, a DFT of half the size gives the even bins, and with it
    subtracted the odd ones: no frame is ever put together.

    Parameters
    ----------
    n_mels
        Number of mel bands.
    n_fft
        Frame length in samples, an even multiple of `hop_length`.
    hop_length
        Samples from frame to frame.
    floor_db
        Lowest value, in dB.
    sample_rate
        Hz

    References
    ----------
    McFee et al., librosa: https://librosa.org/doc/latest/generated/librosa.feature.melspectrogram.html
    """

    def __init__(
        self,
        n_mels: int,
        n_fft: int,
        hop_length: int,
        floor_db: float = -100.0,
        sample_rate: int = SAMPLE_RATE,
        **kwargs: Any,
    ) -> None:
        super().__init__(n_mels, n_fft, hop_length, **{k: v for k, v in kwargs.items() if k != "dtype"})
        if n_fft % (2 * hop_length):
            raise ValueError(f"n_fft {n_fft} must be an even multiple of hop_length {hop_length}")
        self.floor_db, self.sample_rate = floor_db, sample_rate

    def build(self, input_shape: Any) -> None:
        import librosa

        n_fft, half = self.frame_length, self.frame_length // 2
        self.window = librosa.filters.get_window("hann", n_fft, fftbins=True)[:half].astype(np.float32)
        # The first and the last bin are in no mel band.
        mel = librosa.filters.mel(sr=self.sample_rate, n_fft=n_fft, n_mels=self.features).T
        even, odd = np.arange(2, half, 2), np.arange(1, half, 2)
        self.even, self.odd = _dft(n_fft, even), _dft(n_fft, odd)
        # With a batch axis: what Keras makes of a product with a matrix becomes twelve small operations in ONNX.
        self.mel = np.concatenate([mel[even], mel[even], mel[odd], mel[odd]]).astype(np.float32)[None]

    def load_own_variables(self, store: Any) -> None:
        """Load nothing: the constants were variables once, and older models hold them."""

    def call(self, waveform: Any) -> Any:
        half, hop = self.frame_length // 2, self.hop_length
        # As many zeros at the end as fill whole hops: to cut something off again would take many small operations.
        padded = ops.pad(waveform, ((0, 0), (half, half - ops.shape(waveform)[1] % hop)))
        halves = ops.reshape(padded, (ops.shape(padded)[0], -1, hop))
        if (overlap := half // hop) > 1:
            halves = ops.concatenate([halves[:, i : i + 1 - overlap or None] for i in range(overlap)], axis=-1)
        first = halves * self.window
        second = halves - first  # the window's halves sum to 1
        first, second = first[:, :-overlap], second[:, overlap:]
        bins = ops.matmul(first + second, self.even), ops.matmul(first - second, self.odd)
        power = ops.matmul(ops.square(ops.concatenate(bins, axis=-1)), self.mel)
        return ops.log(ops.maximum(power, 10 ** (self.floor_db / 10))) * (10 / np.log(10))

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "n_mels": self.features, "n_fft": self.frame_length}
        return {**config, "hop_length": self.hop_length, "floor_db": self.floor_db, "sample_rate": self.sample_rate}


def _dft(n_fft: int, bins: NDArray[np.int_]) -> NDArray[np.float32]:
    """Return [1, n_fft / 2, 2 * bins]: cosines, then sines, over half a frame."""
    phase = 2 * np.pi * np.outer(np.arange(n_fft // 2), bins) / n_fft
    return np.concatenate([np.cos(phase), np.sin(phase)], axis=1).astype(np.float32)[None]


@_register
class FilterBank(_FrontEnd):
    """Learned filter bank: log power of complex filters, initialized as Gabor filters on the mel scale.

    From float32 [batch, samples] to float32 [batch, 1 + samples // hop_length, filters]. High frequencies have short
    filters, so attacks stay sharper than in a spectrogram.

    Parameters
    ----------
    filters
        Number of filters.
    frame_length
        Length of the filters in samples, an even number.
    hop_length
        Samples from frame to frame.
    sample_rate
        Hz

    References
    ----------
    Time-domain filter banks: Zeghidour et al. 2018, arXiv:1711.01161
    """

    def __init__(
        self, filters: int, frame_length: int, hop_length: int, sample_rate: int = SAMPLE_RATE, **kwargs: Any
    ) -> None:
        super().__init__(filters, frame_length, hop_length, **{k: v for k, v in kwargs.items() if k != "dtype"})
        self.sample_rate = sample_rate

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(
            name="kernel", shape=(self.frame_length, 2 * self.features), initializer=lambda *_, **__: self._gabor()
        )

    def _gabor(self) -> Any:
        """Return [frame_length, 2 * filters]: cosines, then sines, in Gaussians as wide as mel bands, unit energy."""
        import librosa

        edges = librosa.mel_frequencies(self.features + 2, fmin=30, fmax=self.sample_rate / 2)
        half_width = (edges[2:] - edges[:-2]) / 2
        time = (np.arange(self.frame_length)[:, None] - self.frame_length / 2) / self.sample_rate
        longest = self.frame_length / self.sample_rate / 6  # three deviations fit on each side
        # At half amplitude the band of a Gaussian with deviation s is sqrt(2 ln 2) / (pi s) Hz wide. With a deviation
        # below a quarter of the hop it would miss sounds between two frames.
        shortest = self.hop_length / self.sample_rate / 4
        deviation = np.clip(np.sqrt(2 * np.log(2)) / (np.pi * half_width), shortest, longest)
        phase = 2 * np.pi * edges[1:-1] * time
        kernel = np.exp(-0.5 * (time / deviation) ** 2) * np.stack([np.cos(phase), np.sin(phase)])
        kernel /= np.sqrt(np.sum(kernel**2, axis=1, keepdims=True))
        return ops.convert_to_tensor(np.concatenate(kernel, axis=1), "float32")

    def call(self, waveform: Any) -> Any:
        half = self.frame_length // 2
        padded = ops.expand_dims(ops.pad(waveform, ((0, 0), (half, half))), 2)
        filtered = ops.conv(padded, self.kernel[:, None], self.hop_length, data_format="channels_last")
        power = ops.square(filtered[:, :, : self.features]) + ops.square(filtered[:, :, self.features :])
        return ops.log(power + 1e-4)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "filters": self.features, "frame_length": self.frame_length}
        return {**config, "hop_length": self.hop_length, "sample_rate": self.sample_rate}


@_register
class PeakDecibels(layers.Layer):
    """Scale dB [batch, frames, n_mels], from 80 dB below each clip's maximum up to it, to [-1, 1], as in 2018."""

    def call(self, decibels: Any) -> Any:
        below = decibels - ops.max(decibels, axis=(1, 2), keepdims=True)
        return (ops.maximum(below, -80.0) + 40.0) / 40.0


@_register
class MinMaxScaling(layers.Layer):
    """Scale each waveform [batch, samples] to [-0.5, 0.5], as in 2018."""

    def call(self, waveform: Any) -> Any:
        low, high = ops.min(waveform, axis=1, keepdims=True), ops.max(waveform, axis=1, keepdims=True)
        return (waveform - low) / (high - low + 1e-6) - 0.5
