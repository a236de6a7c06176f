"""How results are printed: one small class per format, each writing a Tagging as soon as it is there."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TextIO

from audiotagger.inference.results import Segment, Tag, Tagging


@dataclass(frozen=True)
class Show:
    """What is written beside the labels of a file: each net's own, and where in the file they are."""

    by_model: bool = False
    segments: bool = False


class Writer:
    """Base of all formats."""

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
        """Called before the first result."""

    def write(self, tagging: Tagging) -> None:
        """Write one result and flush it."""
        raise NotImplementedError

    def end(self) -> None:
        """Called after the last result, also when something went wrong."""

    def _put(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()

    def _rows(self, tagging: Tagging) -> Iterator[tuple[list[str], bool, Sequence[Tag]]]:
        """The key columns, whether the answer is confident, and the tags of each line in a format of lines."""
        if not self._show.by_model:
            yield [tagging.path], tagging.confident, tagging.tags
            return
        yield [tagging.path, "average"], tagging.confident, tagging.tags
        for name, tags in tagging.by_model.items():
            yield [tagging.path, name], True, tags


class TextWriter(Writer):
    """path<TAB>label score<TAB>label score …, for cut, awk and sort; with ? for a label before labels of which none is
    likely. With segments: path<TAB>start<TAB>end<TAB>label score, a line each. A file that failed has no line; one
    whose labels all are below the lowest score shown has an empty field.
    """

    def write(self, tagging: Tagging) -> None:
        if not tagging.ok:
            return
        if self._show.segments:
            for one in tagging.segments:
                times = f"{one.start:.3f}\t{one.end:.3f}"
                self._put(f"{printable(tagging.path)}\t{times}\t{one.label} {one.score:.3f}\n")
            return
        for key, confident, tags in self._rows(tagging):
            answer = [] if confident else ["?"]
            answer += [f"{tag.label} {tag.score:.3f}" for tag in tags]
            self._put("\t".join([printable(key[0]), *key[1:], *(answer or [""])]) + "\n")


class CsvWriter(Writer):
    """A tidy table: one row a label, columns path, label, score, confident; with `by_model` a column model after path;
    one row a segment, columns path, start, end, label, score. A file without labels has a row with neither label nor
    score, one without segments none, as one that failed.
    """

    def begin(self) -> None:
        self._csv = csv.writer(self._file, lineterminator="\n")
        if self._show.segments:
            self._csv.writerow(["path", "start", "end", "label", "score"])
        else:
            self._csv.writerow(["path", *(["model"] if self._show.by_model else []), "label", "score", "confident"])
        self._file.flush()

    def write(self, tagging: Tagging) -> None:
        if tagging.ok and self._show.segments:
            for one in tagging.segments:
                times = f"{one.start:.3f}", f"{one.end:.3f}"
                self._csv.writerow([tagging.path, *times, one.label, f"{one.score:.4f}"])
        elif tagging.ok:
            for key, _, tags in self._rows(tagging):
                confident = "true" if tagging.confident else "false"
                rows = [[*key, tag.label, f"{tag.score:.4f}", confident] for tag in tags]
                self._csv.writerows(rows or [[*key, "", "", confident]])
        self._file.flush()


class AudacityWriter(Writer):
    """A label track of one file, for Audacity's File > Import > Labels: start<TAB>end<TAB>label."""

    def write(self, tagging: Tagging) -> None:
        for one in tagging.segments:
            self._put(f"{one.start:.6f}\t{one.end:.6f}\t{one.label}\n")


class JsonLinesWriter(Writer):
    """One JSON object a line and file, failed files too."""

    def write(self, tagging: Tagging) -> None:
        self._put(self._encode(tagging) + "\n")

    def _encode(self, tagging: Tagging) -> str:
        return json.dumps(record(tagging, self._show), ensure_ascii=False)


class JsonWriter(JsonLinesWriter):
    """The same objects as one array, closed whatever happens."""

    def begin(self) -> None:
        self._separator = "["

    def write(self, tagging: Tagging) -> None:
        self._put(f"{self._separator}\n  {self._encode(tagging)}")
        self._separator = ","

    def end(self) -> None:
        self._put("[]\n" if self._separator == "[" else "\n]\n")


class TableWriter(Writer):
    """For people: a file's name, then its labels with bars; with segments, where on the file's time line they are."""

    def __init__(self, file: TextIO, show: Show = Show()) -> None:
        from rich.console import Console

        super().__init__(file, show)
        self._console = Console(file=file, highlight=False)

    def write(self, tagging: Tagging) -> None:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        if not tagging.ok:
            return
        duration = tagging.duration or 0.0
        title = Text.assemble((printable(tagging.path), "bold"), (f"  {clock(duration)}", "dim"))
        table = Table.grid(padding=(0, 1))
        if not tagging.confident:
            table.add_row("", *([""] if self._show.by_model else []), "?")
        for key, confident, tags in self._rows(tagging):
            for index, tag in enumerate(tags):
                bar = ProgressBar(total=1.0, completed=tag.score, width=20)
                model = [key[1] if not index else ""] if self._show.by_model else []
                table.add_row("", *model, tag.label, bar, f"{tag.score:.2f}", style=None if confident else "dim")
        parts = [title, table]
        if self._show.segments and tagging.segments:
            timeline = Table.grid(padding=(0, 1))
            for one in tagging.segments:
                times = f"{clock(one.start)}-{clock(one.end)}"
                timeline.add_row("", times, _span(one, duration), one.label, f"{one.score:.2f}")
            parts.append(timeline)
        with self._console.capture() as rendered:
            self._console.print(*parts, sep="\n")
        self._put(rendered.get())


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss.s, without hours where there are none."""
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def _span(segment: Segment, duration: float, width: int = 20) -> str:
    """Where on a line of `width` characters that stands for the whole file a segment lies."""
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


def printable(text: str) -> str:
    """`text` with tabs, newlines and other control characters escaped, so that it stays one field of one line."""
    return re.sub(r"[\x00-\x1f\x7f]", lambda match: repr(match[0])[1:-1], text)


def record(tagging: Tagging, show: Show = Show()) -> dict[str, Any]:
    """The JSON object of a result, as schema.json describes it."""
    error = tagging.error and {"kind": tagging.error.kind, "message": str(tagging.error)}
    duration = None if tagging.duration is None else round(tagging.duration, 3)
    values: dict[str, Any] = {"path": tagging.path, "duration": duration, "tags": _tags(tagging.tags)}
    values |= {"confident": tagging.confident, "error": error}
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
