from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiotagger.audio.windows import WindowSplitter, split_windows
from audiotagger.inference.results import Tag, Timeline


@st.composite
def waveforms_in_blocks(draw: st.DrawFn) -> tuple[np.ndarray, list[np.ndarray], int, int]:
    """A waveform in which each sample is its own number, its blocks, a window and a hop."""
    window = draw(st.integers(1, 40))
    hop = draw(st.integers(1, window))
    sizes = draw(st.lists(st.integers(0, 60), min_size=1, max_size=8).filter(any))
    waveform = np.arange(sum(sizes), dtype=np.float32)
    return waveform, np.split(waveform, np.cumsum(sizes)[:-1]), window, hop


@given(waveforms_in_blocks())
def test_windows_cover_all_of_a_waveform_and_nothing_else(
    case: tuple[np.ndarray, list[np.ndarray], int, int],
) -> None:
    waveform, blocks, window, hop = case
    windows = list(split_windows(blocks, window, hop))
    assert {len(one) for one in windows} == {window}
    assert set(np.concatenate(windows)) == set(waveform)
    if len(waveform) <= window:
        (only,) = windows
        np.testing.assert_array_equal(only, np.resize(waveform, window))
        return
    starts = [int(one[0]) for one in windows]
    for start, one in zip(starts, windows, strict=True):
        np.testing.assert_array_equal(one, waveform[start : start + window])
    assert starts[:-1] == [index * hop for index in range(len(starts) - 1)]
    assert 0 < starts[-1] - starts[-2] <= hop
    assert starts[-1] == len(waveform) - window


@given(waveforms_in_blocks())
def test_windows_do_not_depend_on_the_blocks(case: tuple[np.ndarray, list[np.ndarray], int, int]) -> None:
    waveform, blocks, window, hop = case
    np.testing.assert_array_equal(
        np.stack(list(split_windows(blocks, window, hop))), np.stack(list(split_windows([waveform], window, hop)))
    )


@given(waveforms_in_blocks())
def test_a_window_is_ready_as_soon_as_its_samples_are_there(
    case: tuple[np.ndarray, list[np.ndarray], int, int],
) -> None:
    _, blocks, window, hop = case
    splitter = WindowSplitter(window, hop)
    samples = windows = 0
    for block in blocks:
        samples += len(block)
        windows += len(splitter.push(block))
        assert windows == max(0, (samples - window) // hop + 1)


labels = st.none() | st.builds(Tag, st.sampled_from(["Bark", "Meow"]), st.floats(0, 1))


@given(st.lists(labels, max_size=30), st.floats(0.01, 10), st.floats(0.01, 1))
def test_segments_are_the_runs_of_a_label(tags: list[Tag | None], hop: float, rest: float) -> None:
    timeline = Timeline()
    for index, tag in enumerate(tags):
        timeline.add(index * hop, tag)
    duration = (len(tags) - 1 + rest) * hop
    segments = timeline.end(duration)
    for index, tag in enumerate(tags):
        middle = (index + rest / 2) * hop
        around = [one for one in segments if one.start <= middle <= one.end]
        assert [one.label for one in around] == ([tag.label] if tag else [])
    for one in segments:
        assert 0 <= one.start < one.end <= duration
        inside = [tag.score for index, tag in enumerate(tags) if tag and one.start <= index * hop < one.end]
        assert min(inside) - 1e-9 <= one.score <= max(inside) + 1e-9
        assert one.score == pytest.approx(np.mean(inside))
    for one, following in itertools.pairwise(segments):
        assert one.end <= following.start
        assert one.end < following.start or one.label != following.label
