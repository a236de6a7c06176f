"""Sound as it comes: raw samples from a pipe, or a microphone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from audiotagger.audio.types import AudioBlock, Warn
from audiotagger.errors import AudioError, AudioWarning

BLOCK_SECONDS = 0.05
"""Of sound that is waited for at once."""


HEADERS = (b"RIFF", b"RF64", b"OggS", b"fLaC", b"ID3", b"FORM", b".snd", b"caff")
"""What files of audio formats begin with."""


def pcm(file: BinaryIO, rate: int) -> Iterator[AudioBlock]:
    """Yield raw samples as soon as they are there.

    Parameters
    ----------
    file
        Unbuffered; signed 16-bit little-endian samples of one channel.
    rate
        Their sample rate in Hz.

    Raises
    ------
    AudioError
        Of kind "undecodable": it begins like a file of some audio format.
    """
    rest, is_first = b"", True
    while data := os.read(file.fileno(), 1 << 16):
        data = rest + data
        if is_first and data.startswith(HEADERS):
            remedy = "use `audiotagger tag`, or convert them, such as with ffmpeg -i FILE -f s16le -ac 1 -ar 16000 -"
            raise AudioError("undecodable", f"--input: an audio file, not raw samples; {remedy}")
        is_first = False
        whole = len(data) // 2 * 2
        rest = data[whole:]
        yield rate, np.frombuffer(data[:whole], "<i2").astype(np.float32) / np.float32(32_768)


def microphone(device: str | None, warn: Warn) -> Iterator[AudioBlock]:
    """Yield what a microphone records, without an end, at the sample rate that it prefers. Needs the extra "live".

    Parameters
    ----------
    device
        Number or a part of the name, as `python -m sounddevice` lists them; by default that of the system.
    warn
        Called when samples were lost, because they were not taken in time.

    Raises
    ------
    AudioError
        Of kind "unreadable": there is no such microphone, it cannot be used, or it has been unplugged.
    """
    name = f"microphone {device}" if device else "microphone"
    try:
        import sounddevice
    except OSError as error:
        remedy = "install PortAudio (Debian: libportaudio2), or use --input"
        raise AudioError("unreadable", f"{name}: {error}; {remedy}") from None
    try:
        chosen = int(device) if device and device.isdecimal() else device
        rate = int(sounddevice.query_devices(chosen, "input")["default_samplerate"])
        with sounddevice.InputStream(rate, device=chosen, channels=1, dtype="float32") as stream:
            while True:
                samples, lost = stream.read(round(BLOCK_SECONDS * rate))
                if lost:
                    warn(AudioWarning("partial", f"{name}: some audio was lost; try a longer --hop"))
                yield rate, samples[:, 0]
    except (ValueError, sounddevice.PortAudioError) as error:
        raise AudioError("unreadable", f"{name}: {error}; `python -m sounddevice` lists all") from None
