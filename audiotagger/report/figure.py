"""Draw a file as a picture. Needs the extra "plot"."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from audiotagger.inference.results import Tagging
from audiotagger.output.figures import plain, write_figure
from audiotagger.output.files import replacing_output
from audiotagger.report.view import View

COLUMNS, BANDS = 512, 64
"""Size of the view that is drawn."""

TICKS = (100, 250, 500, 1000, 2000, 4000, 8000)
"""Hz at the axis."""


def plot_view(tagging: Tagging, view: View) -> Figure:
    """Plot a file's spectrogram and under it when which label applies; its best labels are the title."""
    duration = tagging.duration or 0.0
    figure = Figure(figsize=(10, 4 + 0.25 * len(view.timeline)), layout="constrained")
    ratios = (12, max(1, len(view.timeline)))
    spectrogram, timeline = figure.subplots(2, sharex=True, height_ratios=ratios)
    picture = np.stack([np.frombuffer(band, np.uint8) for band in view.bands])
    spectrogram.imshow(picture, "magma", origin="lower", aspect="auto", extent=(0, duration, -0.5, len(picture) - 0.5))
    ticks = [hertz for hertz in TICKS if view.hertz[0] <= hertz <= view.hertz[-1]]
    spectrogram.set_yticks(np.interp(ticks, view.hertz, np.arange(len(view.hertz))), ticks)
    spectrogram.set_ylabel("Hz")
    best = ", ".join(f"{tag.label} {tag.score:.2f}" for tag in tagging.tags)
    spectrogram.set_title(plain(f"{tagging.path}: {best or 'no labels'}{'' if tagging.confident else ' ?'}"))
    scores = [view.scores(label, duration, COLUMNS) for label in view.timeline] or [[0.0] * COLUMNS]
    timeline.imshow(
        scores,
        "Blues",
        vmin=0,
        vmax=1,
        aspect="auto",
        interpolation="nearest",
        extent=(0, duration, len(scores) - 0.5, -0.5),
    )
    timeline.set_yticks(range(len(view.timeline)), [plain(label) for label in view.timeline])
    timeline.set_xlabel("seconds")
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG. Raises OutputError."""
    with replacing_output(path) as partial:
        write_figure(figure, partial, suffix="png")
