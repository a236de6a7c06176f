"""Results read back from a journal."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from audiotagger.errors import AudioError, AudioWarning, OutputError
from audiotagger.inference.results import Segment, Tag, Tagging
from audiotagger.output.files import is_complete


def read_results(journal: Path, size: int | None = None) -> Iterator[Tagging]:
    """Yield the results in a JSON Lines file that `audiotagger tag` has written, in the order of their first lines.

    Of several results for one path the last one counts. An incomplete last line, of a command that was killed, does
    not.

    Parameters
    ----------
    journal
        The file.
    size
        Bytes to read; by default all. What is appended meanwhile is left out.

    Raises
    ------
    OutputError
        The file cannot be read, or a line is no result.
    """
    if journal.exists() and not journal.is_file():  # read more than once
        raise OutputError(f"{journal}: not a regular file; save the results to a file first")
    try:
        with journal.open("rb") as file:
            size = journal.stat().st_size if size is None else size
            places: dict[str, int] = {}  # by path, in the order of the first lines: where the last one begins
            position = 0
            for number, line in enumerate(file, 1):
                if position + len(line) > size or not (line.endswith(b"\n") or is_complete(line)):
                    break
                places[_read(line, journal, number).path] = position
                position += len(line)
            for place in places.values():
                file.seek(place)
                yield _read(file.readline(), journal)
    except OSError as error:
        raise OutputError(f"{journal}: {error.strerror or error}; give a file that `audiotagger tag` wrote") from None


def _read(line: bytes, journal: Path, number: int = 0) -> Tagging:
    try:
        return parse_record(json.loads(line))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise OutputError(
            f"{journal}: line {number} is not a result; give a .jsonl file that `audiotagger tag` wrote"
        ) from None


def parse_record(values: Mapping[str, Any]) -> Tagging:
    """Return the result that `audiotagger.output.writers.record` has made a JSON object of.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError
        It is no such object.
    """
    error, warning = values["error"], values.get("warning")
    duration = values["duration"]
    return Tagging(
        path=_text(values["path"]),
        duration=None if duration is None else _number(duration),
        tags=_tags(values["tags"]),
        by_model={name: _tags(tags) for name, tags in values.get("by_model", {}).items()},
        error=AudioError(_text(error["kind"]), _text(error["message"])) if error else None,
        confident=values["confident"] is True,
        segments=tuple(
            Segment(_number(one["start"]), _number(one["end"]), _text(one["label"]), _number(one["score"]))
            for one in values.get("segments", ())
        ),
        warning=AudioWarning(_text(warning["kind"]), _text(warning["message"])) if warning else None,
    )


def _tags(tags: list[Mapping[str, Any]]) -> tuple[Tag, ...]:
    return tuple(Tag(_text(tag["label"]), _number(tag["score"])) for tag in tags)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError
    return float(value)
