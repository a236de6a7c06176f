"""Write files with PyAV that libsndfile does not know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

av = pytest.importorskip("av", reason="needs the extra formats")


def encode(
    path: Path,
    codec: str,
    *tracks: NDArray[np.float32],
    rate: int = 44_100,
    layout: str = "mono",
    picture: bool = False,
    title: str = "",
    default: int | None = None,
) -> Path:
    """Write each of `tracks` as an audio stream, the same in all channels, with a second of black video if asked.

    `default` is the one that a player begins with.
    """
    try:
        av.Codec(codec, "w")
    except av.codec.codec.UnknownCodecError:
        pytest.skip(f"this PyAV cannot encode {codec}")
    with av.open(str(path), "w") as container:
        container.metadata["title"] = title
        if picture:
            video = container.add_stream("mpeg4", rate=10, width=64, height=64, pix_fmt="yuv420p")
        streams = [container.add_stream(codec, rate=rate, layout=layout) for _ in tracks]
        for number, stream in enumerate(streams if default is not None else ()):
            stream.disposition = av.stream.Disposition.default.value if number == default else 0
        if codec == "wmav2":  # which has no default
            for stream in streams:
                stream.bit_rate = 128_000
        if picture:
            for _ in range(10):
                container.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
            container.mux(video.encode(None))
        for stream, track in zip(streams, tracks, strict=True):
            for start in range(0, len(track), rate):
                packed = np.repeat(track[start : start + rate], stream.layout.nb_channels)[None]
                frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
                frame.sample_rate, frame.pts = rate, start
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path
