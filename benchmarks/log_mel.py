"""Compare the log-mel spectrogram inside the mel model with librosa's, on the clips of a folder.

python benchmarks/log_mel.py [FOLDER]     (default: examples)
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from pathlib import Path

import librosa
import numpy as np

from audiotagger.audio.decoding import read_waveform
from audiotagger.audio.discovery import find_audio
from audiotagger.training import networks
from audiotagger.training.layers import LogMel, RMSNormalization


def difference(path: Path, normalize: RMSNormalization, log_mel: LogMel) -> float:
    """Return the largest difference in dB of a clip's spectrogram, after the model's level normalization."""
    level = np.asarray(normalize(read_waveform(path, log_mel.sample_rate)[None]))
    power = librosa.feature.melspectrogram(
        y=level[0],
        sr=log_mel.sample_rate,
        n_fft=log_mel.frame_length,
        hop_length=log_mel.hop_length,
        n_mels=log_mel.features,
        pad_mode="constant",
    )
    expected = librosa.power_to_db(power, amin=10 ** (log_mel.floor_db / 10), top_db=None).T
    return float(np.max(np.abs(np.asarray(log_mel(level))[0] - expected)))


def main() -> None:
    """Print the largest difference of all clips."""
    folder = sys.argv[1] if len(sys.argv) > 1 else "examples"
    layers = networks.build("mel", "default", 2).layers
    normalize = next(layer for layer in layers if isinstance(layer, RMSNormalization))
    log_mel = next(layer for layer in layers if isinstance(layer, LogMel))
    differences = [difference(Path(str(path)), normalize, log_mel) for path in find_audio([folder])]
    print(f"{len(differences)} clips of {folder}: at most {max(differences):.4f} dB from librosa")


if __name__ == "__main__":
    main()
