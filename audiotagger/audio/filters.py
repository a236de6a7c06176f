"""What happens to samples before they are cut into windows: no broken ones, one channel, nothing below hearing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np

from audiotagger.audio.types import AudioBlock, Warn, Waveform
from audiotagger.errors import AudioWarning

LOUDEST = 1e6
"""A sample beyond this, as broken float files hold, is no sample: its square would overflow."""

BAD_SHARE = 0.01
"""Of samples that are no numbers; more are worth a warning."""

CANCELLED = 10 ** (-12 / 10)
"""A mean of channels with less than this share of the power of the loudest one (-12 dB) is not used ..."""

RESTORED = 10 ** (-6 / 10)
"""... until it has this again: the one or the other for long, however the power wavers."""

CUT_OFF = 30
"""Hz: what is below 20 Hz is left out by more than 50 dB, what is above 40 Hz is not touched."""

KNOT_RATE = 500
"""Hz, of the curve that is left out."""

HALF_WIDTH = 45
"""Knots on each side that decide about one."""

NOTHING = 1e-5
"""What is below this (-100 dBFS) for the time of a knot is left as it is."""


def remove_bad_samples(blocks: Iterable[AudioBlock], name: str, warn: Warn) -> Iterator[AudioBlock]:
    """Yield blocks [frames, channels] with silence for what is no number, infinite or absurd.

    `warn` is called at the end if that was more than `BAD_SHARE` of the file called `name`.
    """
    bad = total = 0
    for rate, block in blocks:
        good = np.abs(block) <= LOUDEST
        total += block.size
        if count := block.size - int(np.count_nonzero(good)):
            bad += count
            block = np.where(good, block, np.float32(0))
        yield rate, block
    if bad > BAD_SHARE * total:
        warn(
            AudioWarning(
                "bad_samples", f"{name}: {bad / total:.0%} of the samples are no numbers, or too large; read as silence"
            )
        )


def mix_down(blocks: Iterable[AudioBlock]) -> Iterator[AudioBlock]:
    """Yield the mean over channels, [frames], of blocks [frames, channels]; their loudest one where they cancel out.

    Whether they do is decided for each block by `CANCELLED` and `RESTORED`.
    """
    cancelled = False
    for rate, block in blocks:
        if block.shape[1] == 1:
            yield rate, block[:, 0]
            continue
        mean = block @ np.full(block.shape[1], 1 / block.shape[1], np.float32)
        powers = [_power(channel) for channel in block.T]
        cancelled = _power(mean) < max(powers) * (RESTORED if cancelled else CANCELLED)
        yield rate, block[:, int(np.argmax(powers))] if cancelled else mean


def _power(samples: Waveform) -> float:
    """Without that of a constant offset."""
    return float(np.dot(samples, samples) / len(samples) - samples.mean() ** 2)


def remove_rumble(blocks: Iterable[Waveform], sample_rate: int) -> Iterator[Waveform]:
    """Yield a waveform in blocks [samples] without a constant offset and what is below `CUT_OFF`.

    A smooth curve through `KNOT_RATE` knots a second is fitted and taken away: a low-pass of linear phase on cubic
    B-splines (Unser 1999, doi:10.1109/79.799930), which costs little, and changes neither level nor phase above. The
    waveform is mirrored at both ends. Digital silence stays silent, though the curve begins before a sound does. Blocks
    come later by a fraction of a second than they went in.
    """
    step = max(1, round(sample_rate / KNOT_RATE))
    margin = (HALF_WIDTH + 3) * step
    held: Waveform | None = None  # begins `margin` before what has not been yielded yet
    for block in blocks:
        if len(block):
            held = np.pad(block, (margin, 0), "symmetric") if held is None else np.concatenate([held, block])
            ready = (len(held) - 2 * margin) // step * step
            if ready > 0:
                yield _without_curve(held[: ready + 2 * margin], step)
                held = held[ready:]
    if held is None:
        yield np.zeros(0, np.float32)
    else:
        left = len(held) - margin
        yield _without_curve(np.pad(held, (0, margin + -left % step), "symmetric"), step)[:left]


def _without_curve(samples: Waveform, step: int) -> Waveform:
    """Return `samples`, whole steps of them, without the margins at both ends and the curve between."""
    spline, low_pass = _kernels(step)
    rows = samples.reshape(-1, step)
    parts = rows @ spline.T / step
    knots = parts[3:, 0] + parts[2:-1, 1] + parts[1:-2, 2] + parts[:-3, 3]
    smooth = np.convolve(knots, low_pass, "valid")
    curve = np.lib.stride_tricks.sliding_window_view(smooth, 4) @ spline
    rows = rows[HALF_WIDTH + 3 : -HALF_WIDTH - 3]
    curve[np.abs(rows).max(axis=1) < NOTHING] = 0
    return (rows - curve).ravel()


@cache
def _kernels(step: int) -> tuple[Waveform, Waveform]:
    """Return the four parts of a cubic B-spline, [4, step], and the low-pass of knots, [2 * HALF_WIDTH + 1].

    It is a Hamming-windowed sinc, sharpened by what splines that are fitted and drawn take away at low frequencies.
    """
    t = (np.arange(step) + 0.5) / step
    spline = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]) / 6
    knots = np.arange(-HALF_WIDTH, HALF_WIDTH + 1)
    sinc = np.sinc(2 * CUT_OFF / KNOT_RATE * knots) * np.hamming(len(knots))
    low_pass = np.convolve(sinc, [-1 / 3, 5 / 3, -1 / 3], "same")
    return spline.astype(np.float32), (low_pass / low_pass.sum()).astype(np.float32)
