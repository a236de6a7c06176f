from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from typer.testing import Result

from audiotagger.audio.discovery import find_audio
from audiotagger.inference.tagger import Tagger
from tests.conftest import tone


def names(folder: Path) -> list[str]:
    return [os.path.relpath(str(path), folder) for path in find_audio([str(folder)])]


def test_folders_are_searched_in_order_for_audio_only(tmp_path: Path) -> None:
    for name in ("b/2.wav", "b/1.FLAC", "a/deep/3.mp3", "cover.jpg", "list.m3u", "z.ogg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert names(tmp_path) == ["z.ogg", "a/deep/3.mp3", "b/1.FLAC", "b/2.wav"]


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
    assert names(tmp_path) == ["elsewhere/1.wav", "elsewhere/gone.wav"]


AUDIO = (
    "a.wav",
    "b.MP3",
    "c.M2TS",
    "d.mp1",
    "e.sf",
    "f.shn",
    "g.mxf",
    "h.gsm",
    "i.ape",
    "j.wv",
    "k.mka",
    "l.amr",
    "m.tta",
)
OTHERS = ("404.html", "cover.jpg", "flac", "list.m3u", "notes.txt", "._", "x.ts", "y.json")


def test_in_folders_the_suffix_decides(tmp_path: Path) -> None:
    for name in (*AUDIO, *OTHERS):
        (tmp_path / name).write_bytes(b"whatever is in it")
    left_out: list[str] = []
    found = find_audio([str(tmp_path)], skip=left_out.append)
    assert [Path(str(path)).name for path in found] == list(AUDIO)
    assert sorted(Path(path).name for path in left_out) == sorted(OTHERS)
    assert found.skipped == len(OTHERS)
    everything = find_audio([str(tmp_path)], every_file=True)
    assert [Path(str(path)).name for path in everything] == sorted((*AUDIO, *OTHERS))
    assert everything.skipped == 0


def test_what_is_named_is_tried_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "404.html").write_text("<html>")
    found = find_audio([str(tmp_path / "404.html")])
    assert list(found) == [str(tmp_path / "404.html")]
    assert found.skipped == 0


def test_the_command_counts_and_names_what_is_skipped(tmp_path: Path, clip: Path, run: Callable[..., Result]) -> None:
    (tmp_path / "notes.txt").write_text("text")
    clip.with_name("take").write_bytes(clip.read_bytes())
    quiet, plain, verbose, every = (run("tag", tmp_path, *options) for options in (["-q"], [], ["-v"], ["--all"]))
    line = "audiotagger: skipped 2 files without an audio or video suffix; --all tries every file"
    assert quiet.stderr == ""
    assert plain.stderr.splitlines() == [line]
    assert verbose.stderr.splitlines()[-1] == line
    named = [line for line in verbose.stderr.splitlines() if line.endswith(": skipped")]
    assert named == [f"audiotagger: {tmp_path / name}: skipped" for name in ("notes.txt", "take")]
    assert [result.exit_code for result in (quiet, plain, verbose, every)] == [0, 0, 0, 1]
    assert [Path(line.split("\t")[0]).name for line in every.stdout.splitlines()] == ["clip.wav", "take"]
    assert every.stderr.startswith(f"audiotagger: {tmp_path / 'notes.txt'}: cannot be decoded")


def test_globs_leave_out_and_count_what_folders_do(tmp_path: Path) -> None:
    for name in ("a.flac", "b.wav", "c.txt", "d"):
        (tmp_path / name).touch()
    for pattern in ("*", "**"):
        found = find_audio([str(tmp_path / pattern)])
        assert list(found) == [str(tmp_path / "a.flac"), str(tmp_path / "b.wav")]
        assert found.skipped == 2


def test_links_to_themselves_and_to_folders_above(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.wav").touch()
    for name in ("up", "again"):
        (tmp_path / "a" / name).symlink_to(tmp_path)
    (tmp_path / "itself.wav").symlink_to("itself.wav")
    (tmp_path / "itself").symlink_to("itself")
    assert names(tmp_path) == ["itself.wav", "a/1.wav"]
    assert list(find_audio([str(tmp_path / "**/1.wav")])) == [str(tmp_path / "a/1.wav")]
    itself = Tagger.load().tag_files(find_audio([str(tmp_path / "itself.wav"), str(tmp_path / "itself")]))
    assert [tagging.error and tagging.error.kind for tagging in itself] == ["unreadable"] * 2


def test_patterns_keep_the_spelling_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.wav").touch()
    monkeypatch.chdir(tmp_path)
    assert list(find_audio(["./**/*.wav", "**", "a//**"])) == ["./a/1.wav", "a/1.wav", "a//1.wav"]


def test_names_in_any_alphabet_and_in_none(tmp_path: Path) -> None:
    odd = ["\N{SNOWMAN}.wav", "new\nline.wav", unicodedata.normalize("NFD", "é.wav"), "é.wav", "\udce9.wav", "-.wav"]
    for name in odd:
        soundfile.write(os.fsencode(tmp_path / name), tone(0.1), 16_000)
    assert names(tmp_path) == sorted(odd)
    taggings = list(Tagger.load().tag_files(find_audio([str(tmp_path), "no\0name.wav"])))
    assert [tagging.ok for tagging in taggings] == [True] * len(odd) + [False]


def test_folders_deeper_than_the_stack(tmp_path: Path) -> None:
    folders = [tmp_path]
    for _ in range(1010):
        folders.append(folders[-1] / "d")
        folders[-1].mkdir()
    song = folders[-1] / "a.wav"
    song.touch()
    assert list(find_audio([str(tmp_path)])) == [str(song)]
    song.unlink()  # pytest could not
    for folder in reversed(folders[1:]):
        folder.rmdir()


def test_a_file_that_vanishes_costs_only_itself(tmp_path: Path) -> None:
    for name in ("1.wav", "2.wav", "3.wav"):
        soundfile.write(tmp_path / name, tone(0.1), 16_000)
    files = list(find_audio([str(tmp_path)]))
    (tmp_path / "2.wav").unlink()
    kinds = [tagging.error and tagging.error.kind for tagging in Tagger.load().tag_files(files)]
    assert kinds == [None, "not_found", None]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_reported(tmp_path: Path) -> None:
    (tmp_path / "secret.wav").touch()
    (tmp_path / "secret.wav").chmod(0)
    (tagging,) = Tagger.load().tag_files(find_audio([str(tmp_path)]))
    assert tagging.error
    assert tagging.error.kind == "unreadable"


@pytest.mark.parametrize("pattern", ["rec/**/session*", "rec/**/", "rec/***/session?", "rec/*/session*/"])
def test_folders_that_a_glob_matches_are_searched_once(tmp_path: Path, pattern: str) -> None:
    for name in ("rec/2024/session1/a.wav", "rec/2024/session1/more/b.wav", "rec/2025/session2/c.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [os.path.relpath(str(path), tmp_path) for path in find_audio([f"{tmp_path}/{pattern}"])]
    assert sorted(found) == ["rec/2024/session1/a.wav", "rec/2024/session1/more/b.wav", "rec/2025/session2/c.wav"]


def test_stars_beside_other_characters_are_one(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.wav").touch()
    assert list(find_audio([f"{tmp_path}/**/**.wav"])) == [f"{tmp_path}/deep/a.wav"]


def test_lists_as_other_programs_write_them(tmp_path: Path, clip: Path, run: Callable[..., Result]) -> None:
    (tmp_path / "nul.txt").write_bytes(b"[1].wav\0clip.wav\0")
    done = run("tag", "--files-from", "nul.txt", cwd=tmp_path)
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    (tmp_path / "bom.txt").write_bytes(b"\xef\xbb\xbfclip.wav\r\n")
    assert run("tag", "--files-from", "bom.txt", cwd=tmp_path).exit_code == 0


def test_one_path_is_no_list(clip: Path) -> None:
    with pytest.raises(TypeError, match="several paths"):
        find_audio(str(clip))
