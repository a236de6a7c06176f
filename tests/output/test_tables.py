from __future__ import annotations

import pytest

from audiotagger.output.tables import make_table


def test_names_are_left_and_numbers_right_aligned() -> None:
    assert make_table(["label", ">clips"], [["Bark", "7"], ["Acoustic_guitar", "120"]]).splitlines() == [
        "label            clips",
        "Bark                 7",
        "Acoustic_guitar    120",
    ]


@pytest.mark.parametrize("columns", ["10", "40", "80"])
def test_no_terminal_is_too_narrow_for_a_name(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    names = ["mel-20260101-120000", "wave/ünïcode 日本語.onnx", "tab\there"]
    note = "trained from scratch on all clips, without augmentation, as a baseline"
    table = make_table(["name", ">MAP@3", "note"], [[name, "0.830", note] for name in names], wrap="note")
    for name in (*names[:2], r"tab\there"):
        (line,) = (line for line in table.splitlines() if line.startswith(name))
        assert line.removeprefix(name).split()[:2] == ["0.830", "trained"]
    assert table.split().count("augmentation,") == 3
    if columns == "80":
        assert max(map(len, table.splitlines())) <= 80


def test_a_table_without_rows_has_titles() -> None:
    assert make_table(["name", ">score"], []) == "name  score"
