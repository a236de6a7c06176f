"""`audiotagger tag --labels` and `Tagger(labels=...)`: only some of the labels."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from audiotagger import Tagger
from tests.conftest import EXAMPLES, noise, tone

Run = Callable[..., Result]


def tags(result: Result) -> list[tuple[str, float]]:
    assert result.exit_code == 0, result.output
    ((tagging),) = json.loads(result.stdout)
    return [(tag["label"], tag["score"]) for tag in tagging["tags"]]


@pytest.mark.parametrize("content", ["Cello\nFlute\nGong\n", "\ufeffGong\r\n\r\n  Flute \r\nCello"])
def test_a_list_and_a_file_restrict_the_labels(run: Run, tmp_path: Path, content: str) -> None:
    file = tmp_path / "labels.txt"
    file.write_bytes(content.encode())
    listed = tags(run("tag", EXAMPLES / "violin.opus", "--labels", "Flute, Gong,Cello", "-k", 9, "-f", "json"))
    assert {label for label, _ in listed} == {"Flute", "Gong", "Cello"}
    assert listed[0][0] == "Cello"
    assert sum(score for _, score in listed) == pytest.approx(1, abs=1e-3)
    assert tags(run("tag", EXAMPLES / "violin.opus", "--labels", file, "-k", 9, "-f", "json")) == listed


def test_segments_and_models_are_restricted_too(run: Run) -> None:
    printed = run("tag", EXAMPLES / "violin.opus", "--labels", "Flute,Cello", "-f", "json", "--segments", "--by-model")
    ((tagging),) = json.loads(printed.stdout)
    assert {segment["label"] for segment in tagging["segments"]} == {"Cello"}
    for of_model in tagging["by_model"].values():
        assert {tag["label"] for tag in of_model} == {"Flute", "Cello"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Flute,Cllo", "'Cllo' (did you mean Cello?)"),
        ("flute", "'flute' (did you mean Flute?)"),
        ("Flute,Zzz", "'Zzz'"),
        (",", "at least one"),
        ("missing.txt", "no such file"),
    ],
)
def test_an_unknown_label_is_wrong_usage(run: Run, tmp_path: Path, value: str, said: str) -> None:
    result = run("tag", EXAMPLES, "--labels", value)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in " ".join(result.stderr.split())
    binary = tmp_path / "labels.txt"
    binary.write_bytes(b"\xff\xfe\0")
    assert "labels.txt" in run("tag", EXAMPLES, "--labels", binary).stderr


def test_all_labels_change_no_result_but_the_sum() -> None:
    plain = Tagger.load()
    everything = Tagger.load(labels=plain.labels[::-1])
    for sound in (tone(3.0), noise(3.0), np.zeros(16_000, np.float32)):
        one, other = (tagger.tag(sound, sample_rate=16_000, top_k=99) for tagger in (plain, everything))
        assert [tag.label for tag in one.tags] == [tag.label for tag in other.tags]
        assert one.confident == other.confident
        if one.tags:
            assert sum(tag.score for tag in other.tags) == pytest.approx(1, abs=1e-4)


def test_a_sound_that_is_none_of_the_labels_stays_unsure() -> None:
    hiss = 0.01 * np.random.default_rng(0).normal(size=8 * 16_000)
    for label in ("Flute", "Bark"):
        unsure = Tagger.load(labels=[label]).tag(hiss, sample_rate=16_000)
        assert unsure.tags[0].score == pytest.approx(1)
        assert not unsure.confident
        assert unsure.segments == ()


def test_embeddings_do_not_depend_on_labels() -> None:
    path = EXAMPLES / "flute.ogg"
    np.testing.assert_array_equal(Tagger.load(labels=["Bark"]).embed(path), Tagger.load().embed(path))


def test_labels_can_be_chosen_later() -> None:
    tagger = Tagger.load(threshold=0.2, hop=1.0)
    later, at_once = (
        tagger.with_labels(["Oboe", "Flute"]),
        Tagger.load(threshold=0.2, hop=1.0, labels=["Oboe", "Flute"]),
    )
    assert later.labels == at_once.labels
    assert later.tag(EXAMPLES / "flute.ogg") == at_once.tag(EXAMPLES / "flute.ogg")
    assert len(tagger.labels) > 2
    with pytest.raises(ValueError, match="unknown label"):
        later.with_labels(["Flut"])
