from __future__ import annotations

from pathlib import Path

import pytest

from audiotagger.datasets.clip import Clip
from audiotagger.datasets.dataset import find_data, read_corpus
from audiotagger.datasets.splits import hold_out
from audiotagger.errors import DataError


def clips(label: str, **counts: int) -> list[Clip]:
    return [
        Clip(Path(f"{label}-{source}-{i}.wav"), label, source, f"{source}-{i // 3}")
        for source, count in counts.items()
        for i in range(count)
    ]


def test_lists_are_read_in_order_with_their_provenance(corpus: Path) -> None:
    found = read_corpus(corpus)
    assert found.labels == ("noise", "tone")
    assert (len(found.train), len(found.test), len(found.other), len(found.unlabelled)) == (40, 8, 4, 6)
    assert found.train[9] == Clip(corpus / "audio_train" / "train09.wav", "tone", "source1", "session9")
    assert found.other[0].label == ""


def test_held_out_sources_are_not_heard_in_training() -> None:
    training, validation = hold_out(clips("a", x=40, y=6, z=4, w=5) + clips("b", x=30, u=5), 0.2)
    assert len(training) + len(validation) == 90
    for label in "ab":
        held = {clip.source for clip in validation if clip.label == label}
        assert held
        assert held.isdisjoint(clip.source for clip in training if clip.label == label)


def test_a_group_that_spans_sources_stays_on_one_side() -> None:
    shared = [Clip(Path(f"{i}.wav"), "a", f"library{i % 2}", "one session") for i in range(8)]
    training, validation = hold_out(shared + clips("a", x=30, y=30), 0.2)
    assert validation
    for unit in ("source", "group"):
        assert {getattr(c, unit) for c in validation}.isdisjoint(getattr(c, unit) for c in training)


def test_groups_are_held_out_where_a_label_has_one_source() -> None:
    training, validation = hold_out(clips("a", x=30), 0.2)
    assert 3 <= len(validation) <= 6
    assert {clip.group for clip in validation}.isdisjoint(clip.group for clip in training)


def test_nothing_is_held_out_that_would_be_heard_in_training() -> None:
    one_group = [Clip(Path(f"{i}.wav"), "a", "x", "x") for i in range(30)]
    training, validation = hold_out(one_group + clips("b", y=9, z=3), 0.25)
    assert {clip.label for clip in validation} == {"b"}
    assert len(training) == 39


def test_the_split_depends_on_names_alone() -> None:
    all_clips = clips("a", x=40, **{f"y{i}": 5 for i in range(8)}) + clips("b", x=15, y=9)
    _, validation = hold_out(all_clips, 0.2)
    _, of_reversed = hold_out(all_clips[::-1], 0.2)
    assert set(validation) == set(of_reversed)
    assert set(validation) != set(hold_out(all_clips, 0.2, fold=1)[1])


def test_every_label_stays_in_training() -> None:
    training, validation = hold_out(clips("a", x=1) + clips("b", x=1, y=1), 0.5)
    assert {clip.label for clip in training} == {"a", "b"}
    assert {clip.label for clip in validation} == {"b"}


def test_the_test_split_is_never_held_out(corpus: Path) -> None:
    found = read_corpus(corpus)
    training, validation = hold_out(found.train, 0.2)
    assert set(training + validation) == set(found.train)
    assert set(found.test).isdisjoint(found.train)


def test_what_is_wrong_with_a_folder_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="AUDIOTAGGER_DATA"):
        find_data(None)
    with pytest.raises(DataError, match=r"no train\.csv"):
        read_corpus(tmp_path)
    (tmp_path / "train.csv").write_text("fname,label\nmissing.wav,a\n")
    with pytest.raises(DataError, match=r"missing\.wav"):
        read_corpus(tmp_path)
    (tmp_path / "train.csv").write_text("file,tag\nx.wav,a\n")
    with pytest.raises(DataError, match="fname or label"):
        read_corpus(tmp_path)
    (tmp_path / "train.csv").write_bytes("fname,label\nx.wav,Caf\xe9\n".encode("latin-1"))
    with pytest.raises(DataError, match="UTF-8"):
        read_corpus(tmp_path)
    (tmp_path / "audio_train").mkdir()
    (tmp_path / "audio_train" / "x.wav").touch()
    (tmp_path / "train.csv").write_text("\ufefffname,label\nx.wav,a\n", encoding="utf-8")
    with pytest.raises(DataError, match="fewer than two labels"):
        read_corpus(tmp_path)


def test_where_data_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "elsewhere").mkdir()
    assert find_data(None) == Path("data")
    monkeypatch.setenv("AUDIOTAGGER_DATA", "elsewhere")
    assert find_data(None) == Path("elsewhere")
    assert find_data(Path("data")) == Path("data")
