"""One class per output format of rolling tags; each writes a moment as soon as it is there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Self, TextIO

from audiotagger.live.rolling import Moment
from audiotagger.output.writers import clock, printable


class Display:
    """Base class of all formats: a context manager around an open file."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        return

    def write(self, moment: Moment) -> None:
        """Write one moment and flush it."""
        raise NotImplementedError


class TextDisplay(Display):
    """Tab-separated columns: start, end, label, score, label, score, …; "?" ends the first label of an unsure one."""

    def write(self, moment: Moment) -> None:
        label, *others = [field for tag in moment.tags for field in (tag.label, f"{tag.score:.3f}")] or ["", ""]
        fields = f"{moment.start:.3f}", f"{moment.end:.3f}", label if moment.confident else f"{label}?", *others
        self._file.write("\t".join(map(printable, fields)) + "\n")
        self._file.flush()


class JsonLinesDisplay(Display):
    """A JSON object per line: start, end, tags, confident."""

    def write(self, moment: Moment) -> None:
        tags = [{"label": tag.label, "score": round(tag.score, 4)} for tag in moment.tags]
        values = {"start": round(moment.start, 3), "end": round(moment.end, 3), "tags": tags}
        self._file.write(json.dumps(values | {"confident": moment.confident}) + "\n")
        self._file.flush()


class TableDisplay(Display):
    """For people: the tags of the last seconds as bars that move, above them a line for each change of the label."""

    def __init__(self, file: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        super().__init__(file)
        self._label: str | None = None
        self._live = Live(console=Console(file=file, highlight=False), auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def write(self, moment: Moment) -> None:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        best = moment.tags[0] if moment.confident and moment.tags else None
        if best and best.label != self._label:
            self._live.console.print(Text(f"{clock(moment.end)}  {printable(best.label)}  {best.score:.2f}"))
        self._label = best.label if best else None
        table = Table.grid(padding=(0, 1))
        mark = "" if moment.confident else "?"
        for index, tag in enumerate(moment.tags):
            label = Text(printable(tag.label) + ("" if index else mark))
            bar = ProgressBar(total=1.0, completed=tag.score, width=20)
            table.add_row(label, bar, f"{tag.score:.2f}", style="dim" if mark else None)
        if not moment.tags:
            table.add_row(mark)
        self._live.update(table, refresh=True)


DISPLAYS: Mapping[str, type[Display]] = {"text": TextDisplay, "table": TableDisplay, "jsonl": JsonLinesDisplay}
