"""Draw a file on a terminal: spectrogram, time axis, and when which label applies."""

from __future__ import annotations

from collections.abc import Iterator

from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

from audiotagger.output.writers import clock, printable
from audiotagger.report.details import MAGMA
from audiotagger.report.view import View

LINES = 16
"""Height of the spectrogram."""

WIDEST = 160
"""Columns of a picture, at most."""

MARGIN = 22
"""Columns on the left, for labels and frequencies."""

SHADES, ASCII_SHADES = " ░▒▓█", " .:-=+*#%@"
"""From silent to loud, where there are no colours."""

BARS, ASCII_BARS = " ▁▂▃▄▅▆▇█", " .:-=+*#%@"
"""From improbable to certain."""


class TerminalPicture:
    """The size and the characters of pictures on a terminal.

    Parameters
    ----------
    console
        Without colours, shades of grey are drawn; without UTF-8, in ASCII.
    """

    def __init__(self, console: Console) -> None:
        self._colours = bool(console.color_system) and not console.no_color
        self._unicode = console.encoding.lower().startswith("utf")
        self.columns = max(10, min(console.width - MARGIN - 1, WIDEST))
        """Of the picture."""
        self.bands = LINES * (2 if self._colours and self._unicode else 1)
        """Of the picture: a half block shows two."""

    def lines(self, view: View, duration: float) -> Iterator[Text]:
        """Yield the lines that show a file of `duration` seconds, given a view of this size."""
        per_line = self.bands // LINES
        for line in range(LINES):
            top = self.bands - 1 - line * per_line
            named = line % 5 == 0
            yield Text(f"{_frequency(view.hertz[top]) if named else '':>{MARGIN - 1}} ") + self._cells(view, top)
        end = clock(duration)
        yield Text(f"{'':{MARGIN}}0:00.0{end:>{self.columns - 6}}")
        bars = BARS if self._unicode else ASCII_BARS
        for label in view.timeline:
            name = printable(label)
            name = name if len(name) < MARGIN else f"{name[: MARGIN - 4]}..."
            scores = view.scores(label, duration, self.columns)
            yield Text(f"{name:>{MARGIN - 1}} " + "".join(bars[round(score * (len(bars) - 1))] for score in scores))

    def _cells(self, view: View, top: int) -> Text:
        upper = view.bands[top]
        if not self._colours:
            shades = SHADES if self._unicode else ASCII_SHADES
            return Text("".join(shades[level * len(shades) // 256] for level in upper))
        if not self._unicode:
            return Text.assemble(*((" ", Style(bgcolor=_colour(level))) for level in upper))
        pairs = zip(upper, view.bands[top - 1], strict=True)
        return Text.assemble(*(("▀", Style(color=_colour(one), bgcolor=_colour(other))) for one, other in pairs))


def _colour(level: int) -> Color:
    index = level * (len(MAGMA) // 3) // 256 * 3
    return Color.from_rgb(*MAGMA[index : index + 3])


def _frequency(hertz: float) -> str:
    return f"{hertz / 1000:.1f} kHz" if hertz >= 1000 else f"{hertz:.0f} Hz"
