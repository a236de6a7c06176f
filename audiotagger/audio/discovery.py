"""Find the audio files that a command's PATH arguments mean."""

from __future__ import annotations

import glob
import itertools
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from audiotagger.audio.signatures import HEAD_BYTES, format_of, is_something_else

AUDIO_SUFFIXES = frozenset({
    ".3gp", ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".au", ".caf", ".dsf", ".dts", ".eac3", ".flac",
    ".m4a", ".m4b", ".mka", ".mkv", ".mov", ".mp2", ".mp3", ".mp4", ".mpc", ".oga", ".ogg", ".opus", ".rf64", ".snd",
    ".tak", ".tta", ".w64", ".wav", ".webm", ".wma", ".wv",
})  # fmt: skip
"""Taken from a folder unless the content is plainly something else. Of other files those are taken whose content
looks like audio. A file that is named itself is tried whatever it is called.
"""


def find_audio(paths: Iterable[str]) -> AudioFiles:
    """Return the files of `paths` in order: files as they are, folders recursively and sorted, globs expanded.

    "-" is standard input. What does not exist, and a folder that cannot be read or has no audio, is among them too:
    tagging it then says what is wrong. They are looked for one by one, as they are asked for.
    """
    return AudioFiles(paths)


class AudioFiles(Iterator[str | BinaryIO]):
    """What `find_audio` finds: an iterator that counts what it leaves out."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.skipped = 0
        """How many files in folders have been left out so far because they hold no audio."""
        self.links: list[str] = []
        """Links to folders that have been followed so far, each with a separator at the end."""
        self._found = self._find(paths)

    def __next__(self) -> str | BinaryIO:
        return next(self._found)

    def _find(self, paths: Iterable[str]) -> Iterator[str | BinaryIO]:
        for path in paths:
            if path == "-":
                from audiotagger.audio.decoding import spool  # rarely needed, and slow to import

                stdin = sys.stdin.buffer
                # A thread that waits for more from a pipe must not hold the buffer's lock, or the exit would fail.
                yield spool(stdin if stdin.seekable() else getattr(stdin, "raw", stdin))
            elif os.path.isdir(path):
                yield from self._in_folder(path)
            elif os.path.lexists(path):
                yield path
            else:
                yield from self._expand(path)

    def _expand(self, pattern: str) -> Iterator[str]:
        """The audio files that match, and what is in folders that do. If there is neither, all that matches is
        yielded, and `pattern` itself if nothing does.
        """
        found = False
        matches = sorted(_matches(pattern))
        others = 0
        for match in matches:
            if os.path.isdir(match):
                if "**" not in pattern:  # with ** what is in it matches already
                    found = True
                    yield from self._in_folder(match)
            elif _is_audio(match):
                found = True
                yield match
            else:
                others += 1
        if found:
            self.skipped += others
        else:
            yield from matches or [pattern]

    def _in_folder(self, folder: str) -> Iterator[str]:
        found = False
        for path in self._walk(folder):
            found = True
            yield path
        if not found:
            yield folder

    def _walk(self, top: str) -> Iterator[str]:
        """Audio files first, then the folders beside them, links too; folders that cannot be read are yielded
        themselves.
        """
        seen: set[tuple[int, int]] = set()
        waiting = [top]  # not recursive: folders may be nested deeper than Python's stack
        while waiting:
            folder = waiting.pop()
            try:
                status = os.stat(folder)
                with os.scandir(folder) as scan:
                    names = sorted(entry.name for entry in scan)
            except OSError:
                yield folder
                continue
            if (status.st_dev, status.st_ino) in seen:  # a link back up
                continue
            seen.add((status.st_dev, status.st_ino))
            folders = []
            for path in (os.path.join(folder, name) for name in names):
                if os.path.isdir(path):
                    folders.append(path)
                    if os.path.islink(path):
                        self.links.append(os.path.join(path, ""))
                elif _is_audio(path):
                    yield path
                elif os.path.isfile(path):
                    self.skipped += 1
            waiting += reversed(folders)


def _matches(pattern: str) -> Iterable[str]:
    parts = pattern.split(os.sep)
    if "**" not in parts:
        return glob.glob(pattern)
    # glob.glob would go round in circles where links lead back up.
    plain = list(itertools.takewhile(lambda part: not glob.has_magic(part), parts))
    root = os.sep.join([*plain, ""])
    rest = os.sep.join(parts[len(plain) :])
    return (root + str(path.relative_to(root)) for path in Path(root).glob(rest + f"{os.sep}*" * rest.endswith("**")))


def _is_audio(path: str) -> bool:
    """Whether to take this from a folder. A link that leads nowhere is taken if its name says audio: to be reported."""
    if path.endswith(".partial"):  # a file in the making, left by a run that was killed
        return False
    named_so = os.path.splitext(path)[1].lower() in AUDIO_SUFFIXES
    if not os.path.isfile(path):  # nor is a pipe opened, which might never say anything
        return named_so and os.path.islink(path) and not os.path.exists(path)
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:  # gone, or not for us: tagging it says so
        return named_so
    return not is_something_else(head) if named_so else format_of(head) is not None


def read_names(file: BinaryIO, null: bool = False) -> Iterator[str]:
    """Yield the names in a list of files as soon as they are there: one a line, or with `null` one before each NUL.

    `file` is best unbuffered, and is closed at the end. Empty names are left out; names that are no valid text come as
    os.fsdecode has them.
    """
    separator, rest = b"\0" if null else b"\n", b""

    def trim(name: bytes) -> bytes:
        return name if null else name.removesuffix(b"\r")  # lists from Windows

    with file:
        while chunk := file.read(65_536):
            *names, rest = (rest + chunk).split(separator)
            yield from (os.fsdecode(name) for name in map(trim, names) if name)
    if trim(rest):
        yield os.fsdecode(trim(rest))
