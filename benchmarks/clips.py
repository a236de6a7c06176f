"""Clips for `kills.py`: written with sound of which no two are the same, and compared."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 16_000


def hum(rng: np.random.Generator, seconds: float) -> NDArray[np.float32]:
    """Return a chord with noise, of which no two are the same."""
    times = np.arange(round(seconds * RATE)) / RATE
    waves = sum(np.sin(2 * math.pi * hertz * times) for hertz in rng.uniform(200, 2000, 3))
    return np.asarray(0.1 * waves + 0.02 * rng.normal(size=len(times)), np.float32)


def write_clips(folder: Path, count: int, suffixes: tuple[str, ...] = ("wav", "flac", "ogg", "mp3")) -> None:
    """Write clips of 1 to 3 s."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(count):
        path, wave = folder / f"{i:03}.{suffixes[i % len(suffixes)]}", hum(rng, rng.uniform(1, 3))
        if path.suffix == ".m4a":
            encode_aac(path, wave)
        elif path.suffix == ".opus":
            soundfile.write(path, wave, RATE, format="OGG", subtype="OPUS")
        else:
            soundfile.write(path, wave, RATE)


def encode_aac(path: Path, wave: NDArray[np.float32]) -> None:
    """Write an M4A file."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(wave[None], format="flt", layout="mono")
        frame.sample_rate = RATE
        container.mux([*stream.encode(frame), *stream.encode(None)])


def write_dataset(folder: Path) -> None:
    """Write a data folder of noise, labelled Bark, and chords, labelled Flute."""
    rng = np.random.default_rng(0)
    for label in ("Bark", "Flute"):
        (folder / label).mkdir(parents=True)
        for i in range(30):
            wave = rng.normal(0, 0.1, RATE).astype(np.float32) if label == "Bark" else hum(rng, 1)
            soundfile.write(folder / label / f"{i}.wav", wave, RATE)


def sound(path: Path) -> str:
    """Return a hash of the packets and of the decoded samples of a file."""
    import av

    found = hashlib.sha256()
    with av.open(str(path), metadata_errors="replace") as container:
        for packet in container.demux():
            found.update(bytes(packet))
            try:
                frames = packet.decode()
            except av.FFmpegError:  # a damaged packet
                frames = []
            for frame in frames:
                if isinstance(frame, av.AudioFrame):
                    found.update(frame.to_ndarray().tobytes())
    return found.hexdigest()


def stored(path: Path) -> str:
    """Return the labels in a file, empty if there are none."""
    import mutagen

    tags = mutagen.File(path).tags or {}
    found = next((tags[key] for key in tags.keys() if "AUDIOTAGGER" in key.upper()), "")  # noqa: SIM118
    return str(getattr(found, "text", found))
