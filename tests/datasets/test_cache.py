"""Clips are decoded once, whoever asks for them, and the cache may lose anything at any time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from audiotagger.audio.decoding import read_waveform
from audiotagger.datasets import cache
from audiotagger.datasets.cache import cached_blocks, decode_all
from audiotagger.datasets.clip import Clip
from audiotagger.datasets.dataset import read_dataset
from audiotagger.errors import DataError, ExtraError

DECODE = """
import resource, sys
from pathlib import Path
from audiotagger.datasets.cache import decode_all
from audiotagger.datasets.dataset import read_dataset
if len(sys.argv) > 2:  # no file may be larger: as on a full disk, there is an error
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
decode_all(read_dataset(Path(sys.argv[1])).train, 16_000, lambda *_: None)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUDIOTAGGER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "clips"


@pytest.fixture
def clips(corpus: Path) -> Sequence[Clip]:
    return read_dataset(corpus).train


def assert_right(waveforms: cache.Waveforms, clips: Sequence[Clip]) -> None:
    assert len(waveforms) == len(clips)
    for i, clip in enumerate(clips):
        np.testing.assert_array_equal(waveforms[i], read_waveform(clip.path, 16_000))


def test_clips_are_decoded_once_in_whatever_order(clips: Sequence[Clip], folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    assert_right(decode_all(clips[:8], 16_000, lambda *args: seen.append(args)), clips[:8])
    assert seen == [(i, 8) for i in range(1, 9)]
    assert_right(decode_all(clips[9::-1], 16_000, lambda *args: seen.append(args)), clips[9::-1])
    assert seen[8:] == [(1, 2), (2, 2)]
    assert len([*folder.iterdir()]) == 10


def test_what_is_cached_is_what_tagging_decodes(clips: Sequence[Clip]) -> None:
    expected = read_waveform(clips[0].path, 16_000)
    np.testing.assert_array_equal(np.concatenate(list(cached_blocks(clips[0].path, 16_000))), expected)
    decode_all(clips, 16_000, lambda *_: None)
    np.testing.assert_array_equal(np.concatenate(list(cached_blocks(clips[0].path, 16_000))), expected)


def test_a_changed_clip_is_decoded_anew(clips: Sequence[Clip], tmp_path: Path) -> None:
    clip = Clip(tmp_path / "clip.wav", "", "", "")
    for source in clips[:2]:
        shutil.copyfile(source.path, clip.path)
        assert_right(decode_all([clip], 16_000, lambda *_: None), [source])


def test_what_is_lost_is_decoded_again(clips: Sequence[Clip], folder: Path) -> None:
    waveforms = decode_all(clips, 16_000, lambda *_: None)
    for entry, size in zip(sorted(folder.iterdir()), (0, 10, 1000), strict=False):
        os.truncate(entry, size)  # as a loss of power may leave it
    assert_right(waveforms, clips)
    shutil.rmtree(folder)
    assert_right(waveforms, clips)


def test_what_was_used_least_recently_goes_first(
    clips: Sequence[Clip], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries: list[Path] = []
    for i in range(4):
        decode_all([clips[i]], 16_000, lambda *_: None)
        entries += {*folder.iterdir()} - {*entries}
        os.utime(entries[i], (i, i))
    decode_all([clips[0]], 16_000, lambda *_: None)  # used again
    size_of_next = 128 + 4 * len(read_waveform(clips[4].path, 16_000))
    monkeypatch.setattr(cache, "LIMIT", sum(entries[i].stat().st_size for i in (0, 3)) + size_of_next)
    decode_all([clips[4]], 16_000, lambda *_: None)
    assert [entry.exists() for entry in entries] == [True, False, False, True]
    monkeypatch.setattr(cache, "LIMIT", 1)
    assert_right(decode_all([clips[3], clips[5]], 16_000, lambda *_: None), [clips[3], clips[5]])
    assert len([*folder.iterdir()]) == 2  # what is needed now stays, however much it is


def test_two_processes_may_fill_it_at_once(clips: Sequence[Clip], corpus: Path, folder: Path) -> None:
    both = [subprocess.Popen([sys.executable, "-c", DECODE, corpus]) for _ in range(2)]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert_right(decode_all(clips, 16_000, lambda *_: pytest.fail("decoded again")), clips)
    assert len([*folder.iterdir()]) == len(clips)


def test_a_cache_that_cannot_be_written_is_named(
    clips: Sequence[Clip], corpus: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = subprocess.run(
        [sys.executable, "-c", DECODE, corpus, "10000"], capture_output=True, check=False, text=True, timeout=60
    )
    assert f"DataError: {folder.parent}: " in full.stderr.splitlines()[-1]
    assert "AUDIOTAGGER_CACHE" in full.stderr.splitlines()[-1]
    assert not [*folder.iterdir()]
    monkeypatch.setenv("AUDIOTAGGER_CACHE", str(clips[0].path / "cache"))
    with pytest.raises(DataError, match="AUDIOTAGGER_CACHE"):
        decode_all(clips, 16_000, lambda *_: None)
    assert len([*cached_blocks(clips[0].path, 16_000)])  # read all the same


def test_without_the_extra_nothing_is_cached(clips: Sequence[Clip], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUDIOTAGGER_CACHE")
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    assert len([*cached_blocks(clips[0].path, 16_000)])
    with pytest.raises(ExtraError, match="platformdirs"):
        decode_all(clips, 16_000, lambda *_: None)


def test_names_change_with_the_clips(corpus: Path, folder: Path, tmp_path: Path) -> None:
    clips = read_dataset(shutil.copytree(corpus, tmp_path / "copy")).train
    before = decode_all(clips, 16_000, lambda *_: None).names
    assert len(set(before)) == len(clips)
    clips[0].path.write_bytes(clips[1].path.read_bytes())
    after = decode_all(clips, 16_000, lambda *_: None).names
    assert after[0] != before[0]
    assert after[1:] == before[1:]
