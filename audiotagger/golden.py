"""A waveform that anybody can make again, whose probabilities every exported model carries in its metadata."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 1e-4
"""How far apart two probabilities may be that ought to be the same: what arithmetic of other machines differs by."""

QUANTIZED_TOLERANCE = 0.02
"""The same for a net in 8 bits: a difference of the last digit can move a value to the next of 256 steps."""

DIGITS = 6
"""After the point, of the probabilities in the metadata."""


def golden_waveform(sample_rate: int, samples: int) -> NDArray[np.float32]:
    """Return float32 [samples] at `sample_rate` Hz, in (-1, 1): a plucked tone in noise.

    With t = n / sample_rate, for n = 0, 1, …:

        0.4 * sum over k = 1..5 of sin(2 pi 220 k t) exp(-k t) / k  +  0.05 * noise(n)

    noise(n) = fmix32(n + 1) / 2**31 - 1, in [-1, 1), is of integers alone, so the same wherever it is made; fmix32 is
    the finalizer of MurmurHash3 (Austin Appleby, public domain).
    """
    time = np.arange(samples) / sample_rate
    tone = sum(np.sin(2 * np.pi * 220 * k * time) * np.exp(-k * time) / k for k in range(1, 6))
    bits = np.arange(1, samples + 1, dtype=np.uint32)
    bits ^= bits >> 16
    bits *= np.uint32(0x85EBCA6B)
    bits ^= bits >> 13
    bits *= np.uint32(0xC2B2AE35)
    bits ^= bits >> 16
    return (0.4 * tone + 0.05 * (bits / 2**31 - 1)).astype(np.float32)
