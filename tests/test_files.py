from __future__ import annotations

import os
from pathlib import Path

from audiotagger.files import find_audio


def test_folders_are_searched_in_order_for_audio_only(tmp_path: Path) -> None:
    for name in ("b/2.wav", "b/1.FLAC", "a/deep/3.mp3", "cover.jpg", "list.m3u", "z.ogg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = [os.path.relpath(str(path), tmp_path) for path in find_audio([str(tmp_path)])]
    assert found == ["z.ogg", "a/deep/3.mp3", "b/1.FLAC", "b/2.wav"]


def test_named_files_are_kept_as_given(tmp_path: Path) -> None:
    named = [str(tmp_path / "cover.jpg"), str(tmp_path / "missing.wav")]
    (tmp_path / "cover.jpg").touch()
    assert list(find_audio(named)) == named


def test_globs_that_no_shell_expanded(tmp_path: Path) -> None:
    for name in ("b.wav", "a.wav", "c.txt", "[1].wav"):
        (tmp_path / name).touch()
    assert list(find_audio([str(tmp_path / "?.wav")])) == [str(tmp_path / "a.wav"), str(tmp_path / "b.wav")]
    assert list(find_audio([str(tmp_path / "[1].wav")])) == [str(tmp_path / "[1].wav")]
    assert list(find_audio([str(tmp_path / "*.mp3")])) == [str(tmp_path / "*.mp3")]
    assert list(find_audio([str(tmp_path / "*.txt")])) == [str(tmp_path / "c.txt")]


def test_a_folder_without_audio_is_not_passed_over(tmp_path: Path) -> None:
    assert list(find_audio([str(tmp_path)])) == [str(tmp_path)]


def test_a_tree_is_not_read_ahead(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.wav").touch()
    found = find_audio([str(tmp_path)])
    assert next(found) == str(tmp_path / "a" / "1.wav")
    (tmp_path / "b" / "2.wav").touch()
    assert list(found) == [str(tmp_path / "b" / "1.wav"), str(tmp_path / "b" / "2.wav")]


def test_recursive_globs_find_each_file_once(tmp_path: Path) -> None:
    for name in ("a/b/1.wav", "a/2.wav", "a/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert sorted(map(str, find_audio([str(tmp_path / "**")]))) == [
        str(tmp_path / "a/2.wav"),
        str(tmp_path / "a/b/1.wav"),
    ]
    assert list(find_audio([str(tmp_path / "*")])) == [str(tmp_path / "a/2.wav"), str(tmp_path / "a/b/1.wav")]


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "1.wav").touch()
    (tmp_path / "music" / "up").symlink_to(tmp_path)
    (tmp_path / "elsewhere").symlink_to(tmp_path / "music")
    (tmp_path / "music" / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    os.mkfifo(tmp_path / "music" / "pipe.wav")
    found = [os.path.relpath(str(path), tmp_path) for path in find_audio([str(tmp_path)])]
    assert found == ["elsewhere/1.wav", "elsewhere/gone.wav"]
