"""What a page shows of a file besides its result. Needs no numpy: only workers compute it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Details:
    """Of one file."""

    opinions: tuple[tuple[str, tuple[float, ...]], ...]
    """Labels, with the score of the ensemble and of each model; the likeliest first."""
    timeline: Mapping[str, str]
    """Scores over time by label, a character of `LEVELS` per column."""
    offset: float
    """Seconds: column i > 0 begins at offset + i * step."""
    step: float
    vector: bytes
    """The embedding, projected to as many numbers of 8 bits; empty if a model has none, or for silence."""
    fine: bytes
    """A log-mel picture, as PNG."""
    coarse: bytes
    """The same, smaller."""
    audio: str = ""
    """The audio itself as a data: URL, if asked for and small enough."""


LEVELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
"""Scores from 0 to 1."""

MAGMA = bytes.fromhex(
    "0000040303120a0822130d341e11492a115c38106c45107754137d6018806d1d81792282882781942c80a1307eae347bbd3977ca3e72d6456c"
    "e24d66ec5860f3655cf8745cfb835ffd9467fea36ffeb27afec185fed194fde0a1fceeb0fcfdbf"
)
"""Red, green and blue of matplotlib's colour map of this name, in 32 steps: even for the colour-blind."""
