"""The types of what modules hand to each other."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from audiotagger.errors import AudioWarning

Array = NDArray[np.float32]
"""Numbers such as probabilities and embeddings; whoever returns some states the shape."""

Waveform = Array
"""Samples, [frames] or [frames, channels], full scale [-1, 1]."""

AudioBlock = tuple[int, Waveform]
"""A sample rate in Hz, and samples."""

AudioFile = str | os.PathLike[str] | BinaryIO
"""A path, or a file that is open for reading bytes."""

Warn = Callable[[AudioWarning], None]
"""Called with what is wrong with a file that can be read all the same."""


def ignore(_: AudioWarning) -> None:
    """Do nothing about a warning."""
