"""Decode, with PyAV, what libsndfile does not know: M4A, WMA, AC-3, the sound of a video. Needs the extra "formats"."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import BinaryIO

import av
import numpy as np
from numpy.typing import NDArray

from audiotagger.errors import AudioError

Sound = tuple[int, NDArray[np.float32]]
"""A sample rate in Hz and mono samples."""


def decode(file: BinaryIO, name: str, block_seconds: int) -> Iterator[Sound]:
    """Yield the first audio stream of `file`, from where it stands: (sample rate in Hz, mono float32 [samples]).

    Blocks are of about `block_seconds`, full scale is [-1, 1], channels are averaged. The rate may change on the way.
    Of a damaged file what is there is decoded. `name` is for messages. Raises AudioError of kind "no_audio", or
    "undecodable" where more of it is damaged than not.
    """
    try:
        # What a playlist refers to is not opened, be it on this machine or on another. Titles may be in any encoding.
        container = av.open(
            _FromHere(file), "r", container_options={"protocol_whitelist": "none"}, metadata_errors="replace"
        )
    except av.FFmpegError as error:
        raise _undecodable(name, error.strerror) from None
    with container:
        if not container.streams.audio:
            raise AudioError("no_audio", f"{name}: a file without sound; leave it out")
        yield from _gather(_mono(_frames(container, container.streams.audio[0], name)), block_seconds)


class _FromHere:
    """What is left of a file, without its name: FFmpeg would be misled by the suffix."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._start = file, file.tell()
        self.read = file.read

    def tell(self) -> int:
        return self._file.tell() - self._start

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset if whence else offset + self._start, whence) - self._start


def _undecodable(name: str, reason: str | None) -> AudioError:
    return AudioError("undecodable", f"{name}: cannot be decoded ({reason}); it is damaged, or no audio")


def _frames(container: av.container.InputContainer, stream: av.AudioStream, name: str) -> Iterator[av.AudioFrame]:
    if stream.codec_context is None:
        raise _undecodable(name, "nothing here knows its codec")
    decoded = damaged = 0
    for packet in _packets(container, stream):
        try:
            frames = packet.decode()
        except av.FFmpegError:
            damaged += 1
            continue
        decoded += len(frames)
        yield from frames
    if damaged > decoded:
        raise _undecodable(name, f"{damaged} packets of {damaged + decoded} are damaged")


def _packets(container: av.container.InputContainer, stream: av.AudioStream) -> Iterator[av.Packet[av.AudioStream]]:
    try:
        yield from container.demux(stream)
    except av.FFmpegError:  # cut off
        return


def _mono(frames: Iterable[av.AudioFrame]) -> Iterator[Sound]:
    # By way of packed samples: PyAV cannot count the planes of a frame of eight or more channels, and crashes.
    for (_, _, rate), alike in itertools.groupby(frames, _kind):
        to_float = av.AudioResampler(format="flt")
        for frame in itertools.chain.from_iterable(map(to_float.resample, alike)):
            if frame.samples:
                yield rate, frame.to_ndarray().reshape(frame.samples, -1).mean(axis=1)


def _kind(frame: av.AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _gather(sound: Iterable[Sound], seconds: int) -> Iterator[Sound]:
    """Frames are short: 20 to 40 ms."""
    for rate, pieces in itertools.groupby(sound, itemgetter(0)):
        block: list[NDArray[np.float32]] = []
        samples = 0
        for _, piece in pieces:
            block.append(piece)
            samples += len(piece)
            if samples >= seconds * rate:
                yield rate, np.concatenate(block)
                block, samples = [], 0
        if block:
            yield rate, np.concatenate(block)
