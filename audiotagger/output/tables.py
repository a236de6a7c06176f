"""Tables for people, on a terminal of any width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from audiotagger.output.writers import printable


def make_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, wrap: str | None = None) -> str:
    """Return a table as lines of text without a newline at the end.

    No cell is cut and no word is broken: where the terminal is too narrow, column `wrap` takes several lines, and where
    that is not enough, the table is wider than the terminal.

    Parameters
    ----------
    columns
        The titles. Columns of numbers are right-aligned, which a leading ">" asks for: ``["label", ">clips"]``.
    rows
        A text for each column; control characters are escaped.
    wrap
        The title of a column of prose.
    """
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [[printable(cell) for cell in row] for row in rows]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    width = 0
    for index, column in enumerate(columns):
        title = column.removeprefix(">")
        wraps = title == wrap
        table.add_column(Text(title), justify="right" if title != column else "left", no_wrap=not wraps)
        texts = [title, *(row[index] for row in cells)]
        width += 2 + max(cell_len(part) for text in texts for part in (text.split() or [""] if wraps else [text]))
    for row in cells:
        table.add_row(*map(Text, row))
    console = Console(color_system=None)
    console.width = max(console.width, width)
    with console.capture() as rendered:
        console.print(table)
    return "\n".join(line.rstrip() for line in rendered.get().splitlines())
