"""A `Tagger` on many files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import soundfile

import audiotagger
from audiotagger import Tagger
from audiotagger.errors import AudioError
from tests.conftest import EXAMPLES, noise


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger.load()


def test_one_bad_file_does_not_end_a_batch(tagger: Tagger, tmp_path: Path, clip: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF")
    results = list(tagger.tag_files([clip, bad, tmp_path / "none.wav", clip], jobs=2))
    assert [result.ok for result in results] == [True, False, False, True]
    assert [result.path for result in results] == [str(clip), str(bad), str(tmp_path / "none.wav"), str(clip)]
    assert [result.error.kind for result in results if result.error] == ["undecodable", "not_found"]
    assert results[0] == results[3]
    with pytest.raises(AudioError, match=r"bad\.wav"):
        tagger.tag(bad)


def test_order_and_scores_do_not_depend_on_jobs(tagger: Tagger, tmp_path: Path) -> None:
    paths = []
    for i in range(12):
        paths.append(tmp_path / f"{i}.wav")
        soundfile.write(paths[-1], noise(0.2 + (i * 37 % 12), seed=i), 16_000)
    one = list(tagger.tag_files(paths, jobs=1))
    assert one == list(tagger.tag_files(paths, jobs=5))
    assert [result.path for result in one] == [str(path) for path in paths]


def test_files_are_asked_for_only_as_needed(tagger: Tagger, clip: Path) -> None:
    asked = 0

    def endless() -> Iterator[Path]:
        nonlocal asked
        while True:
            asked += 1
            yield clip

    results = tagger.tag_files(endless(), jobs=2)
    assert next(results).ok
    assert asked < 10


def test_several_threads_may_use_one_tagger(tagger: Tagger, clip: Path) -> None:
    files = [clip, *sorted(EXAMPLES.glob("*.ogg")), *sorted(EXAMPLES.glob("*.wav"))] * 4
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(tagger.tag, files)) == [tagger.tag(file) for file in files]


def test_files_are_named_one_by_one_or_found(tagger: Tagger, clip: Path) -> None:
    with pytest.raises(TypeError, match="several files"):
        next(tagger.tag_files(str(clip)))
    (refused,) = tagger.tag_files([str(clip.parent)])
    assert refused.error is not None
    assert "find_audio" in str(refused.error)
    (found,) = tagger.tag_files(audiotagger.find_audio([str(clip.parent)]))
    assert found.path == str(clip)


def test_whatever_goes_wrong_with_a_file_is_its_own_affair(tagger: Tagger, clip: Path) -> None:
    good, bad, again = tagger.tag_files([str(clip), "null\0byte.wav", str(clip)])
    assert good.ok
    assert again.ok
    assert bad.error is not None


def test_results_do_not_wait_for_more_files(tagger: Tagger, clip: Path) -> None:
    first_is_there = threading.Event()

    def slow() -> Iterator[Path]:
        yield clip
        assert first_is_there.wait(60)
        yield clip

    results = tagger.tag_files(slow(), jobs=4)
    assert next(results).ok
    first_is_there.set()
    assert [result.ok for result in results] == [True]
