"""Write matplotlib's figures, whatever is written in them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from audiotagger.output.writers import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plain(text: str) -> str:
    """Return text in which matplotlib sees no formula."""
    return printable(text).replace("$", r"\$")


def write_figure(figure: Figure, path: Path, *, suffix: str | None = None) -> None:
    """Write a figure in the format of `suffix`, by default that of `path`.

    Raises ValueError for a format that matplotlib does not know.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # of scripts that the font lacks: boxes are drawn
        figure.savefig(path, format=suffix, dpi=110)
