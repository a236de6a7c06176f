"""What is written can be read back, whatever the names: all but control characters in text, which are escaped."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from hypothesis import example, given, settings
from hypothesis import strategies as st

from audiotagger import AudioError, Segment, Tag, Tagging
from audiotagger.audio.discovery import read_names
from audiotagger.errors import AudioWarning
from audiotagger.output.files import open_journal, open_output
from audiotagger.output.writers import WRITERS, Show, not_formula, printable

HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "a\rb",
    "a\nb",
    "\x1b[31m",
    "\x9b1m",
    '"',
    ";",
    "\u2028",
]

paths = (
    st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name).map(os.fsdecode)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
    | st.sampled_from(HOSTILE).map(lambda name: name + ".wav")
)
labels = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10) | st.sampled_from(HOSTILE)
scores = st.floats(0, 1)
tags = st.lists(st.builds(Tag, labels, scores), max_size=3).map(tuple)
times = st.floats(0.001, 1e6)
taggings = st.builds(
    Tagging,
    paths,
    times,
    tags,
    st.dictionaries(labels, tags, max_size=2),
    confident=st.booleans(),
    segments=st.lists(st.builds(Segment, times, times, labels, scores), max_size=3).map(tuple),
    warning=st.none() | st.builds(AudioWarning, st.just("partial"), labels),
) | st.builds(lambda path, message: Tagging(path, error=AudioError("undecodable", message)), paths, labels)
shows = st.builds(Show, st.booleans(), st.booleans())


def written(name: str, results: Sequence[Tagging], show: Show, errors: str = "surrogateescape") -> bytes:
    """What a file has after the command wrote results to it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out"
        with open_output(path, errors) as file, WRITERS[name](file, show) as writer:
            for result in results:
                writer.write(result)
        return path.read_bytes()


def rounded(found: Sequence[Tag], digits: int = 4) -> list[tuple[str, float]]:
    return [(tag.label, round(tag.score, digits)) for tag in found]


@given(st.lists(taggings, max_size=3), shows)
def test_json_reads_back_as_it_was(results: list[Tagging], show: Show) -> None:
    lines = written("jsonl", results, show, "backslashreplace").decode()
    assert lines.count("\n") == len(results)
    assert not any(character < " " or "\x7f" <= character <= "\x9f" for character in lines if character != "\n")
    read = [json.loads(line) for line in lines.splitlines()]
    assert json.loads(written("json", results, show, "backslashreplace")) == read
    for one, result in zip(read, results, strict=True):
        assert one["path"] == result.path
        assert [(tag["label"], tag["score"]) for tag in one["tags"]] == rounded(result.tags)
        assert one["error"] == (result.error and {"kind": "undecodable", "message": str(result.error)})
        assert one["warning"] == (result.warning and {"kind": "partial", "message": result.warning.message})
        if show.by_model:
            assert list(one["by_model"]) == list(result.by_model)
        if show.segments:
            assert [segment["label"] for segment in one["segments"]] == [each.label for each in result.segments]


@given(st.lists(taggings, max_size=3), st.sampled_from([Show(), Show(by_model=True), Show(segments=True)]))
def test_csv_reads_back_and_no_cell_is_a_formula(results: list[Tagging], show: Show) -> None:
    text = io.StringIO(written("csv", results, show).decode(errors="surrogateescape"), newline="")
    rows = list(csv.DictReader(text, strict=True))
    expected: list[tuple[str, str, str]] = []
    for result in results:
        if result.ok and show.segments:
            expected += [(result.path, "", one.label) for one in result.segments]
        elif result.ok:
            models = {"ensemble": result.tags} | dict(result.by_model) if show.by_model else {"": result.tags}
            expected += [(result.path, *pair) for pair in pairs(result, models)]
    assert len(rows) == len(expected)
    for row, (path, model, label) in zip(rows, expected, strict=True):
        assert None not in row
        assert None not in row.values()
        assert PurePosixPath(row["path"]) == PurePosixPath(path)
        assert row.get("model", "").removeprefix("'") == model.removeprefix("'")
        assert row["label"].removeprefix("'") == label.removeprefix("'")
        for cell in row.values():
            assert cell == "-" or not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def pairs(result: Tagging, models: dict[str, tuple[Tag, ...]]) -> list[tuple[str, str]]:
    """Model and label of each row; a model that is called ensemble has rows of its own."""
    listed = [("ensemble", result.tags), *result.by_model.items()] if "" not in models else list(models.items())
    return [(model, label) for model, found in listed for label in ([tag.label for tag in found] or [""])]


@given(st.lists(taggings, max_size=3), st.sampled_from([Show(), Show(by_model=True), Show(segments=True)]))
def test_text_is_a_line_a_result_and_a_field_a_column(results: list[Tagging], show: Show) -> None:
    lines = written("text", results, show).decode(errors="surrogateescape").split("\n")
    assert lines.pop() == ""
    expected = []
    for result in (one for one in results if one.ok):
        if show.segments:
            expected += [[printable(result.path), "", "", printable(one.label), ""] for one in result.segments]
            continue
        models = [("ensemble", result.tags), *result.by_model.items()] if show.by_model else [(None, result.tags)]
        for model, found in models:
            mark = "" if result.confident else "?"
            fields = [field for tag in found for field in (printable(tag.label), "")] or ["", ""]
            fields[0] = printable(fields[0] + mark)
            expected.append([printable(result.path), *([printable(model)] if model is not None else []), *fields])
    assert len(lines) == len(expected)
    for line, fields in zip(lines, expected, strict=True):
        columns = line.split("\t")
        assert len(columns) == len(fields)
        assert all(column == field for column, field in zip(columns, fields, strict=True) if field)
        assert len(line.splitlines()) == 1


@settings(max_examples=20)  # each is drawn 10,000 columns wide
@given(st.lists(taggings, max_size=1), shows)
def test_a_table_has_no_control_characters(results: list[Tagging], show: Show) -> None:
    text = written("table", results, show).decode(errors="surrogateescape")
    assert not any(character < " " or "\x7f" <= character <= "\x9f" for character in text if character != "\n")


@given(st.text() | st.sampled_from(HOSTILE))
def test_what_is_printable_stays(text: str) -> None:
    shown = printable(text)
    assert printable(shown) == shown
    assert len(shown.splitlines()) <= 1
    assert (shown == text) or any(not character.isprintable() for character in text)


@given(paths)
@example("-")
def test_a_path_that_is_no_formula_is_the_same_path(path: str) -> None:
    assert PurePosixPath(not_formula(path, "./")) == PurePosixPath(path)
    assert not_formula("-") == "-"  # standard input


@given(st.lists(paths.filter(lambda path: "\n" not in path and not path.endswith("\r")), max_size=8), st.booleans())
def test_lists_of_names_read_back(names: list[str], null: bool) -> None:
    end = b"\0" if null else b"\n"

    class Trickling(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(3)

    for kind in (io.BytesIO, Trickling):
        assert list(read_names(kind(b"".join(os.fsencode(name) + end for name in names)), null)) == names
        assert list(read_names(kind(end.join(map(os.fsencode, names))), null)) == names


@given(st.lists(taggings, max_size=4), st.integers(0, 30))
def test_a_journal_knows_what_is_in_it_wherever_it_was_cut_off(results: list[Tagging], missing: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out.jsonl"
        with open_journal(path, "backslashreplace", resume=False) as (file, done):
            assert done == set()
            with WRITERS["jsonl"](file) as writer:
                for result in results:
                    writer.write(result)
        data = path.read_bytes()
        path.write_bytes(data[: max(0, len(data) - missing)])
        lacks_line_end = missing == 1  # alone: editors leave it out
        whole = min(path.read_bytes().count(b"\n") + lacks_line_end, len(results))
        with open_journal(path, "backslashreplace", resume=True) as (_, done):
            assert done == {result.path for result in results[:whole]}
        assert path.read_bytes() == b"".join(data.splitlines(keepends=True)[:whole])
