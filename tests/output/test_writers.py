from __future__ import annotations

import csv
import io
import json

import pytest

from audiotagger import AudioError, Segment, Tag, Tagging
from audiotagger.output.writers import WRITERS, Show, clock

GOOD = Tagging(
    "a b.wav",
    1.23456,
    (Tag("Bark", 0.75), Tag("Meow", 0.125)),
    {"mel": (Tag("Bark", 1.0),), "wave": (Tag("Bark", 0.5), Tag("Meow", 0.25))},
    confident=True,
    segments=(Segment(0.0, 0.5, "Bark", 0.75), Segment(1.0, 1.23456, "Meow", 0.625)),
)
UNSURE = Tagging("rain.wav", 2.0, (Tag("Bus", 0.25),))
BAD = Tagging("bad.wav", error=AudioError("undecodable", "bad.wav: cannot be decoded"))


def written(name: str, *taggings: Tagging, by_model: bool = False, segments: bool = False) -> str:
    file = io.StringIO()
    with WRITERS[name](file, Show(by_model, segments)) as writer:
        for tagging in taggings:
            writer.write(tagging)
    return file.getvalue()


def test_exact_outputs() -> None:
    assert written("text", GOOD, BAD) == "a b.wav\tBark\t0.750\tMeow\t0.125\n"
    assert written("csv", GOOD, BAD) == (
        "path,label,score,confident\na b.wav,Bark,0.7500,true\na b.wav,Meow,0.1250,true\n"
    )
    good = (
        '{"path": "a b.wav", "duration": 1.235, "tags": [{"label": "Bark", "score": 0.75},'
        ' {"label": "Meow", "score": 0.125}], "confident": true, "error": null, "warning": null}'
    )
    bad = (
        '{"path": "bad.wav", "duration": null, "tags": [], "confident": false,'
        ' "error": {"kind": "undecodable", "message": "bad.wav: cannot be decoded"}, "warning": null}'
    )
    assert written("jsonl", GOOD, BAD) == f"{good}\n{bad}\n"
    assert written("json", GOOD, BAD) == f"[\n  {good},\n  {bad}\n]\n"


def test_exact_segments() -> None:
    assert written("text", GOOD, BAD, UNSURE, segments=True).splitlines() == [
        "a b.wav\t0.000\t0.500\tBark\t0.750",
        "a b.wav\t1.000\t1.235\tMeow\t0.625",
    ]
    assert written("csv", GOOD, BAD, UNSURE, segments=True).splitlines() == [
        "path,start,end,label,score",
        "a b.wav,0.000,0.500,Bark,0.7500",
        "a b.wav,1.000,1.235,Meow,0.6250",
    ]
    assert written("audacity", GOOD) == "0.000000\t0.500000\tBark\n1.000000\t1.234560\tMeow\n"
    good, unsure = (json.loads(line)["segments"] for line in written("jsonl", GOOD, UNSURE, segments=True).splitlines())
    assert good[0] == {"start": 0.0, "end": 0.5, "label": "Bark", "score": 0.75}
    assert unsure == []
    table = written("table", GOOD, segments=True)
    assert "0:00.0-0:00.5 ━━━━━━━━············ Bark 0.75" in table
    assert "0:01.0-0:01.2 ················━━━━ Meow 0.62" in table


def test_a_clock_has_hours_only_where_there_are_any() -> None:
    assert [clock(seconds) for seconds in (0, 59.96, 61.25, 3600, 36_061)] == [
        "0:00.0",
        "1:00.0",
        "1:01.2",
        "1:00:00.0",
        "10:01:01.0",
    ]


def test_an_unsure_file_is_marked_and_no_column_moves() -> None:
    assert written("text", UNSURE) == "rain.wav\tBus?\t0.250\n"
    assert written("text", Tagging("silence.wav", 2.0)) == "silence.wav\t?\t\n"
    assert written("text", Tagging("below-min-score.wav", 2.0, confident=True)) == "below-min-score.wav\t\t\n"
    assert written("csv", UNSURE).splitlines()[1] == "rain.wav,Bus,0.2500,false"
    assert json.loads(written("jsonl", UNSURE))["confident"] is False
    assert "Bus?" in written("table", UNSURE)
    assert written("table", Tagging("silence.wav", 2.0)).split() == ["silence.wav", "0:02.0", "?"]
    assert "?" not in written("table", GOOD)


def test_exact_outputs_by_model() -> None:
    assert written("text", GOOD, by_model=True).splitlines() == [
        "a b.wav\tensemble\tBark\t0.750\tMeow\t0.125",
        "a b.wav\tmel\tBark\t1.000",
        "a b.wav\twave\tBark\t0.500\tMeow\t0.250",
    ]
    unsure = Tagging("rain.wav", 2.0, UNSURE.tags, {"mel": (Tag("Bus", 0.4),), "wave": ()})
    assert written("text", unsure, by_model=True).splitlines() == [
        "rain.wav\tensemble\tBus?\t0.250",
        "rain.wav\tmel\tBus?\t0.400",
        "rain.wav\twave\t?\t",
    ]
    assert written("csv", GOOD, by_model=True).splitlines()[:2] == [
        "path,model,label,score,confident",
        "a b.wav,ensemble,Bark,0.7500,true",
    ]
    assert json.loads(written("jsonl", GOOD, by_model=True))["by_model"]["mel"] == [{"label": "Bark", "score": 1.0}]


@pytest.mark.parametrize("name", WRITERS)
def test_nothing_is_valid_too(name: str) -> None:
    expected = {"json": "[\n]\n", "csv": "path,label,score,confident\n"}
    assert written(name) == expected.get(name, "")


def test_an_array_is_closed_when_something_goes_wrong() -> None:
    file = io.StringIO()

    def interrupted() -> None:
        with WRITERS["json"](file) as writer:
            writer.write(GOOD)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [one["path"] for one in json.loads(file.getvalue())] == ["a b.wav"]


def test_a_table_folds_no_name_at_any_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    long = Tagging(
        "recordings of last summer/" + 8 * "far " + "away.wav",
        3600.0,
        (Tag("A_label_of_more_than_thirty_characters", 0.9),),
        confident=True,
        segments=(Segment(0.0, 3600.0, "A_label_of_more_than_thirty_characters", 0.9),),
    )
    title, tag, segment = written("table", long, segments=True).splitlines()
    assert title.startswith(long.path)
    assert tag.split()[0] == segment.split()[2] == "A_label_of_more_than_thirty_characters"
    assert max(len(line) for line in written("table", GOOD, by_model=True, segments=True).splitlines()) < 80


def test_odd_names_stay_one_field_of_one_line() -> None:
    odd = Tagging("tab\there\nand \x1b[31mred.wav", 1.0, (Tag("odd\tlabel", 0.5),))
    (line,) = written("text", odd).splitlines()
    assert line.split("\t") == [r"tab\there\nand \x1b[31mred.wav", r"odd\tlabel?", "0.500"]
    assert "\x1b" not in written("table", odd)
    assert next(csv.DictReader(io.StringIO(written("csv", odd))))["path"] == odd.path
    assert json.loads(written("jsonl", odd))["path"] == odd.path


def test_no_name_is_a_formula_to_a_spreadsheet() -> None:
    odd = Tagging("=cmd|' /C calc'!A0.wav", 1.0, (Tag("=1+1", 0.5),), {"@mel": (Tag("-1", 0.5),)}, confident=True)
    first, second = csv.DictReader(io.StringIO(written("csv", odd, by_model=True)))
    assert first["path"] == f"./{odd.path}"  # the same file
    assert [first["label"], second["model"], second["label"]] == ["'=1+1", "'@mel", "'-1"]
    stdin = Tagging("-", 1.0, (Tag("Bark", 0.5),))
    assert written("csv", stdin).splitlines()[1] == "-,Bark,0.5000,false"


def test_carriage_returns_stay_in_their_cell() -> None:
    odd = Tagging("a\rb.wav", 1.0, (Tag("Bark", 0.5),))
    (row,) = csv.DictReader(io.StringIO(written("csv", odd), newline=""))
    assert (row["path"], row["label"]) == ("a\rb.wav", "Bark")


@pytest.mark.parametrize("control", ["\x7f", "\x9b31m", "\u202e", "\u2028"])
def test_no_name_commands_the_terminal(control: str) -> None:
    odd = Tagging(f"a{control}b.wav", 1.0, (Tag("Bark", 0.5),))
    for name in ("text", "table", "json", "jsonl"):
        assert control[0] not in written(name, odd)
    assert json.loads(written("jsonl", odd))["path"] == odd.path


@pytest.mark.parametrize("path", ["=cmd().wav", "+1.wav", "-1.wav", "@a.wav"])
def test_no_name_is_a_formula_in_csv(path: str) -> None:
    segments = (Segment(0.0, 1.0, "Bark", 0.5),)
    odd = Tagging(path, 1.0, (Tag("Bark", 0.5),), {"mel": (Tag("Bark", 0.5),)}, confident=True, segments=segments)
    for text in (written("csv", odd), written("csv", odd, segments=True), written("csv", odd, by_model=True)):
        _, *rows = csv.reader(io.StringIO(text))
        assert {row[0] for row in rows} == {f"./{path}"}
    assert written("csv", Tagging("-", 1.0)).splitlines()[1].startswith("-,")
