"""One writer per output format; each writes a result as soon as it is ready."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace, TracebackType
from typing import Any, Self, TextIO

from audiotagger.inference.results import Segment, Tag, Tagging


@dataclass(frozen=True)
class Show:
    """What to write besides the tags of a file: each model's own tags, and segments."""

    by_model: bool = False
    segments: bool = False


FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What a cell begins with that spreadsheets may execute; the last four are as wide as Chinese characters."""


class Writer:
    """Base class of all formats: a context manager around an open file."""

    def __init__(self, file: TextIO, show: Show = Show()) -> None:
        self._file, self._show = file, show

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        if kind is None or not issubclass(kind, BrokenPipeError):
            self.end()
            self._file.flush()

    def begin(self) -> None:
        """Write what comes before the first result."""

    def write(self, tagging: Tagging) -> None:
        """Write one result and flush it."""
        raise NotImplementedError

    def end(self) -> None:
        """Write what comes after the last result, also if an error ends the command."""

    def _put(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()

    def _rows(self, tagging: Tagging) -> Iterator[tuple[list[str], Sequence[Tag]]]:
        """Yield the key columns and the tags of each line: path, and model if asked for."""
        if not self._show.by_model:
            yield [tagging.path], tagging.tags
            return
        yield [tagging.path, "ensemble"], tagging.tags
        for name, tags in tagging.by_model.items():
            yield [tagging.path, name], tags


class TextWriter(Writer):
    """Tab-separated columns for cut, awk and sort: path, label, score, label, score, …, best label first.

    The first label of an unsure file ends in "?", so that no column moves. Without any label, that column is empty or
    "?" alone, and the score is empty. With `by_model`, the second column is the model. With segments, there is a line
    per segment instead: path, start, end, label, score. A file that failed has no line.
    """

    def write(self, tagging: Tagging) -> None:
        if not tagging.ok:
            return
        if self._show.segments:
            for one in tagging.segments:
                self._line(tagging.path, f"{one.start:.3f}", f"{one.end:.3f}", one.label, f"{one.score:.3f}")
            return
        for key, tags in self._rows(tagging):
            label, *others = [field for tag in tags for field in (tag.label, f"{tag.score:.3f}")] or ["", ""]
            self._line(*key, label if tagging.confident else f"{label}?", *others)

    def _line(self, *fields: str) -> None:
        self._put("\t".join(map(printable, fields)) + "\n")


class CsvWriter(Writer):
    """A row per label: path, label, score, confident; with `by_model` the second column is the model.

    A file without labels has a row with empty label and score. With segments, there is a row per segment instead: path,
    start, end, label, score. A file that failed has no row. No name is a formula to a spreadsheet (see `not_formula`).
    """

    def begin(self) -> None:
        # It ends lines in \r\n, so that it quotes either in a name.
        lines = SimpleNamespace(write=lambda line: self._file.write(line.removesuffix("\r\n") + "\n"))
        self._csv = csv.writer(lines, lineterminator="\r\n")
        self._on_terminal = self._file.isatty()
        if self._show.segments:
            self._csv.writerow(["path", "start", "end", "label", "score"])
        else:
            self._csv.writerow(["path", *(["model"] if self._show.by_model else []), "label", "score", "confident"])
        self._file.flush()

    def write(self, tagging: Tagging) -> None:
        if tagging.ok and self._show.segments:
            for one in tagging.segments:
                times = f"{one.start:.3f}", f"{one.end:.3f}"
                self._row([tagging.path], *times, one.label, f"{one.score:.4f}")
        elif tagging.ok:
            confident = "true" if tagging.confident else "false"
            for key, tags in self._rows(tagging):
                for tag in tags:
                    self._row(key, tag.label, f"{tag.score:.4f}", confident)
                if not tags:
                    self._row(key, "", "", confident)
        self._file.flush()

    def _row(self, key: Sequence[str], *fields: str) -> None:
        path, *others = key
        cells = not_formula(path, "./"), *map(not_formula, (*others, *fields))
        self._csv.writerow(map(printable, cells) if self._on_terminal else cells)


class AudacityWriter(Writer):
    """The label track of one file, for Audacity's File > Import > Labels: start, end and label, tab-separated."""

    def write(self, tagging: Tagging) -> None:
        for one in tagging.segments:
            self._put(f"{one.start:.6f}\t{one.end:.6f}\t{printable(one.label)}\n")


class JsonLinesWriter(Writer):
    """A JSON object per line, also for files that failed."""

    def write(self, tagging: Tagging) -> None:
        self._put(self._encode(tagging) + "\n")

    def _encode(self, tagging: Tagging) -> str:
        text = json.dumps(record(tagging, self._show), ensure_ascii=False)
        return UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class JsonWriter(JsonLinesWriter):
    """The same objects in one array, which is closed also if an error ends the command."""

    def begin(self) -> None:
        self._separator = ""
        self._put("[")  # first of all: an interrupt in the middle of `write` must not leave an array without it

    def write(self, tagging: Tagging) -> None:
        self._put(f"{self._separator}\n  {self._encode(tagging)}")
        self._separator = ","

    def end(self) -> None:
        self._put("\n]\n")


class TableWriter(Writer):
    """For people: a file's name and duration, its labels with bars, and its segments with their place in the file."""

    def __init__(self, file: TextIO, show: Show = Show()) -> None:
        from rich.console import Console

        super().__init__(file, show)
        # Wider than any line: names are not folded, and the terminal wraps what is too long for it.
        self._console = Console(file=file, highlight=False, width=10_000)

    def write(self, tagging: Tagging) -> None:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        if not tagging.ok:
            return
        duration = tagging.duration or 0.0
        title = Text.assemble((printable(tagging.path), "bold"), (f"  {clock(duration)}", "dim"))
        table = Table.grid(padding=(0, 1))
        mark = "" if tagging.confident else "?"
        for (_, *model), tags in self._rows(tagging):
            for index, tag in enumerate(tags):
                names = [*("" if index else name for name in model), tag.label + ("" if index else mark)]
                bar = ProgressBar(total=1.0, completed=tag.score, width=20)
                cells = [Text(printable(name)) for name in names]
                table.add_row("", *cells, bar, f"{tag.score:.2f}", style="dim" if mark else None)
        if not tagging.tags:
            table.add_row("", *([""] if self._show.by_model else []), mark)
        parts = [title, table]
        if self._show.segments and tagging.segments:
            timeline = Table.grid(padding=(0, 1))
            for one in tagging.segments:
                times = f"{clock(one.start)}-{clock(one.end)}"
                label = Text(printable(one.label))
                timeline.add_row("", times, _span(one, duration), label, f"{one.score:.2f}")
            parts.append(timeline)
        with self._console.capture() as rendered:
            self._console.print(*parts, sep="\n")
        self._put(rendered.get())


def clock(seconds: float) -> str:
    """Format seconds as m:ss.s, or h:mm:ss.s from one hour on."""
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def _span(segment: Segment, duration: float, width: int = 20) -> str:
    """Draw a segment's place in the file on a line of `width` characters."""
    first = min(int(segment.start / duration * width), width - 1)
    last = max(round(segment.end / duration * width), first + 1)
    return "·" * first + "━" * (last - first) + "·" * (width - last)


WRITERS: Mapping[str, type[Writer]] = {
    "text": TextWriter,
    "table": TableWriter,
    "json": JsonWriter,
    "jsonl": JsonLinesWriter,
    "csv": CsvWriter,
    "audacity": AudacityWriter,
}


UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udc7f\udd00-\udfff]")
"""Control characters, also those that end a line or change the direction of text, and halves of characters that are no
bytes of a file name either."""


def printable(text: str) -> str:
    """Escape tabs, newlines and other control characters, so that `text` stays one field of one line."""
    return UNPRINTABLE.sub(lambda match: repr(match[0])[1:-1], text)


def not_formula(text: str, prefix: str = "'") -> str:
    """Return `text` as a spreadsheet takes it for text: with `prefix` if it begins as formulas do.

    For a path that is "./", with which it is still the same path.
    """
    return prefix + text if text != "-" and text.startswith(FORMULA_STARTS) else text


def record(tagging: Tagging, show: Show = Show()) -> dict[str, Any]:
    """Return the JSON object of a result, as described in schema.json."""
    error = tagging.error and {"kind": tagging.error.kind, "message": str(tagging.error)}
    warning = tagging.warning and {"kind": tagging.warning.kind, "message": tagging.warning.message}
    duration = None if tagging.duration is None else round(tagging.duration, 3)
    values: dict[str, Any] = {"path": tagging.path, "duration": duration, "tags": _tags(tagging.tags)}
    values |= {"confident": tagging.confident, "error": error, "warning": warning}
    if show.segments:
        values["segments"] = [
            {"start": round(one.start, 3), "end": round(one.end, 3), "label": one.label, "score": round(one.score, 4)}
            for one in tagging.segments
        ]
    if show.by_model:
        values["by_model"] = {name: _tags(tags) for name, tags in tagging.by_model.items()}
    return values


def _tags(tags: Sequence[Tag]) -> list[dict[str, Any]]:
    return [{"label": tag.label, "score": round(tag.score, 4)} for tag in tags]
