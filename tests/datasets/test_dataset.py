from __future__ import annotations

from pathlib import Path

import pytest

from audiotagger.datasets.clip import Clip
from audiotagger.datasets.dataset import find_data, further_labels, read_dataset
from audiotagger.datasets.splits import hold_out, limit_per_source
from audiotagger.errors import DataError


def clips(label: str, **counts: int) -> list[Clip]:
    return [
        Clip(Path(f"{label}-{source}-{i}.wav"), label, source, f"{source}-{i // 3}")
        for source, count in counts.items()
        for i in range(count)
    ]


def test_lists_are_read_in_order_with_their_provenance(corpus: Path) -> None:
    found = read_dataset(corpus)
    assert found.labels == ("noise", "tone")
    assert (len(found.train), len(found.test), len(found.unlabelled)) == (40, 8, 6)
    assert {clip.label for clip in found.unlabelled} == {""}  # though its list has labels
    assert found.train[9] == Clip(corpus / "audio_train" / "train09.wav", "tone", "source1", "session9")
    # other.csv has no column split: a fifth is for testing
    assert (len(found.other), len(found.other_test)) == (3, 1)
    assert {clip.label for clip in (*found.other, *found.other_test)} == {"hum"}


def write_other(root: Path, *rows: tuple[str, str, str]) -> None:
    """Data of two labels, with an other.csv of (name, label, split)."""
    lists = {
        "train": "fname,label\n" + "".join(f"{i}.wav,{'ab'[i % 2]}\n" for i in range(4)),
        "other": "fname,label,split\n" + "".join(",".join(row) + "\n" for row in rows),
    }
    for split, text in lists.items():
        (root / f"audio_{split}").mkdir(parents=True)
        (root / f"{split}.csv").write_text(text)
        for line in text.splitlines()[1:]:
            (root / f"audio_{split}" / line.partition(",")[0]).touch()


def test_other_sounds_are_split_as_their_list_states(tmp_path: Path) -> None:
    write_other(tmp_path, ("r.wav", "rain", "train"), ("s.wav", "rain", "test"), ("h.wav", "hum", ""))
    found = read_dataset(tmp_path)
    assert [(clip.path.name, clip.label) for clip in found.other] == [("r.wav", "rain"), ("h.wav", "hum")]
    assert [(clip.path.name, clip.label) for clip in found.other_test] == [("s.wav", "rain")]
    assert found.labels == found.all_labels == ("a", "b")


@pytest.mark.parametrize(
    ("row", "words"),
    [(("r.wav", "rain", "validation"), "r.wav has split 'validation'"), (("r.wav", "b", "test"), "b;")],
)
def test_other_sounds_that_contradict_the_rest_are_refused(
    tmp_path: Path, row: tuple[str, str, str], words: str
) -> None:
    write_other(tmp_path, row)
    with pytest.raises(DataError, match=words):
        read_dataset(tmp_path)


def test_further_labels_have_enough_clips_and_sources() -> None:
    enough = clips("rain", a=3, b=3, c=1, d=1, e=1)
    few_sources = clips("wind", a=20, b=20, c=5, d=5)
    few_clips = clips("bell", a=1, b=1, c=1, d=4, e=1)
    without_label = clips("", a=3, b=3, c=3, d=3, e=3)
    assert further_labels([*few_sources, *enough, *few_clips, *without_label]) == ("rain",)
    also = clips("accordion", a=2, b=2, c=2, d=2, e=1)
    assert further_labels([*enough, *also]) == ("accordion", "rain")


def test_models_know_the_labels_before_the_further_ones(tmp_path: Path) -> None:
    rows = [(f"{i}.wav", "aardvark", "test" if i > 6 else "train") for i in range(9)]
    write_other(tmp_path, *rows, ("r.wav", "rain", "train"))
    found = read_dataset(tmp_path)  # without provenance.csv each clip is a source
    assert found.further_labels == ("aardvark",)
    assert found.all_labels == ("a", "b", "aardvark")


def test_held_out_sources_are_not_trained_on() -> None:
    training, validation = hold_out(clips("a", x=40, y=6, z=4, w=5) + clips("b", x=30, u=5), 0.2)
    assert len(training) + len(validation) == 90  # no source that is held out here has more than ten
    for label in "ab":
        held = {clip.source for clip in validation if clip.label == label}
        assert held
        assert held.isdisjoint(clip.source for clip in training if clip.label == label)


def test_a_large_source_does_not_decide_a_validation() -> None:
    for fold in range(5):
        training, validation = hold_out(clips("a", x=40, y=40) + clips("b", x=40, z=50), 0.5, fold)
        for label in "ab":
            (source,) = {clip.source for clip in validation if clip.label == label}
            assert sum(clip.label == label for clip in validation) == 10
            assert (label, source) not in {(clip.label, clip.source) for clip in training}
    many = clips("a", x=12, y=3) + clips("b", x=11)
    kept = limit_per_source(many)
    assert len(kept) == 10 + 3 + 10
    assert kept == [clip for clip in many if clip in limit_per_source(many[::-1])]


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


def test_nothing_is_held_out_that_would_be_trained_on() -> None:
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
    found = read_dataset(corpus)
    training, validation = hold_out(found.train, 0.2)
    assert set(training + validation) == set(found.train)
    assert set(found.test).isdisjoint(found.train)


def test_what_is_wrong_with_a_folder_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="AUDIOTAGGER_DATA"):
        find_data(None)
    with pytest.raises(DataError, match=r"no train\.csv"):
        read_dataset(tmp_path)
    (tmp_path / "train.csv").write_text("fname,label\nmissing.wav,a\n")
    with pytest.raises(DataError, match=r"missing\.wav"):
        read_dataset(tmp_path)
    (tmp_path / "train.csv").write_text("file,tag\nx.wav,a\n")
    with pytest.raises(DataError, match="no column fname; it needs fname and label"):
        read_dataset(tmp_path)
    (tmp_path / "train.csv").write_bytes("fname,label\nx.wav,Caf\xe9\n".encode("latin-1"))
    with pytest.raises(DataError, match="UTF-8"):
        read_dataset(tmp_path)
    (tmp_path / "audio_train").mkdir()
    (tmp_path / "audio_train" / "x.wav").touch()
    (tmp_path / "train.csv").write_text("\ufefffname,label\nx.wav,a\n", encoding="utf-8")
    with pytest.raises(DataError, match="only one label"):
        read_dataset(tmp_path)


def test_where_data_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "elsewhere").mkdir()
    assert find_data(None) == Path("data")
    monkeypatch.setenv("AUDIOTAGGER_DATA", "elsewhere")
    assert find_data(None) == Path("elsewhere")
    assert find_data(Path("data")) == Path("data")
