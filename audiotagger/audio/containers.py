"""Decode, with PyAV, what libsndfile does not know: M4A, WMA, AC-3, the sound of a video. Needs the extra "formats"."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

import av
import numpy as np
from av.stream import Disposition

from audiotagger.audio.parts import has_second_data, is_cut_off
from audiotagger.audio.streams import LOST, Section, is_cut_off_ogg, partly_read
from audiotagger.audio.types import AudioBlock, Warn
from audiotagger.errors import AudioError

STATE_DURATION = frozenset({
    "asf", "avi", "caf", "flac", "flv", "matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "ogg", "tta", "wav", "wv",
})  # fmt: skip
"""Formats, as FFmpeg names them, whose duration is no estimate by the bit rate."""

SLACK = 0.5
"""Seconds by which a duration may be wrong, and 2 %."""


def decode(file: BinaryIO, start: int, name: str, warn: Warn) -> Iterator[AudioBlock]:
    """Open what FFmpeg knows, and decode its default audio track.

    Parameters
    ----------
    file
        Open for reading bytes, seekable.
    start
        Offset in bytes at which it begins.
    name
        What messages call the file.
    warn
        Called at the end if not all of the track could be read.

    Returns
    -------
    Iterator of AudioBlock
        One for each frame of the coder. Rate and channels may change on the way. It raises AudioError of kind
        "undecodable" where more is damaged than not.

    Raises
    ------
    AudioError
        Of kind "undecodable", or "no_audio" for a video without sound.
    """
    file.seek(start)
    is_ogg = file.read(4) == b"OggS"
    incomplete = is_cut_off_ogg(file) if is_ogg else is_cut_off(file, start) or has_second_data(file, start)
    try:
        # What a playlist refers to is not opened, be it on this machine or on another. Titles may be in any encoding.
        container = av.open(
            Section(file, start), "r", container_options={"protocol_whitelist": "none"}, metadata_errors="replace"
        )
    except (av.FFmpegError, OSError) as error:
        raise _undecodable(name, error.strerror) from None
    if not container.streams.audio:
        container.close()
        raise AudioError("no_audio", f"{name}: no audio track; leave it out")
    return _decode(container, _default(container.streams.audio), name, warn, incomplete)


def _default(tracks: Sequence[av.AudioStream]) -> av.AudioStream:
    return next((track for track in tracks if track.disposition & Disposition.default), tracks[0])


def _decode(
    container: av.container.InputContainer, track: av.AudioStream, name: str, warn: Warn, incomplete: bool
) -> Iterator[AudioBlock]:
    with container:
        yield from _samples(_frames(container, track, name, warn, incomplete))


def _undecodable(name: str, reason: str | None) -> AudioError:
    return AudioError("undecodable", f"{name}: cannot be decoded ({reason}); it is damaged or not audio")


def _frames(
    container: av.container.InputContainer, track: av.AudioStream, name: str, warn: Warn, incomplete: bool
) -> Iterator[av.AudioFrame]:
    if track.codec_context is None:
        raise _undecodable(name, "unknown codec")
    decoded = damaged = in_front = 0
    read = 0.0
    for packet in _packets(container, track):
        try:
            frames = packet.decode()
        except av.FFmpegError:
            damaged += 1
            continue
        if not decoded:  # junk in front of it, or a broadcast that was cut in on
            in_front = damaged
        for frame in frames:
            decoded += 1
            read += frame.samples / frame.sample_rate
            yield frame
    if damaged > decoded:
        raise _undecodable(name, f"{damaged} packets of {damaged + decoded} are damaged")
    missing = _stated_seconds(container, track) - read
    if missing > SLACK + 0.02 * read:
        warn(partly_read(name, read, missing))
    elif incomplete or (damaged - in_front) * read > LOST * decoded:
        warn(partly_read(name, read))


def _packets(container: av.container.InputContainer, track: av.AudioStream) -> Iterator[av.Packet[av.AudioStream]]:
    try:
        yield from container.demux(track)
    except av.FFmpegError:  # cut off
        return


def _stated_seconds(container: av.container.InputContainer, track: av.AudioStream) -> float:
    """Return the duration of the track by its container, 0 if that does not state one."""
    if container.format.name not in STATE_DURATION:
        return 0.0
    if track.duration and track.time_base:
        return float(track.duration * track.time_base)
    return container.duration / av.time_base if container.duration and len(container.streams) == 1 else 0.0


def _samples(frames: Iterable[av.AudioFrame]) -> Iterator[AudioBlock]:
    # By way of packed samples: PyAV cannot count the planes of a frame of eight or more channels, and crashes.
    for (_, _, rate), alike in itertools.groupby(frames, _kind):
        to_float = av.AudioResampler(format="flt")
        for frame in itertools.chain.from_iterable(map(to_float.resample, alike)):
            if frame.samples:
                yield rate, frame.to_ndarray().reshape(frame.samples, -1).astype(np.float32, copy=False)


def _kind(frame: av.AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate
