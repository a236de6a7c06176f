"""Find the audio files that a command's PATH arguments mean."""

from __future__ import annotations

import glob
import itertools
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

AUDIO_SUFFIXES = frozenset({
    ".3g2", ".3ga", ".3gp", ".3gpp", ".8svx", ".aa", ".aa3", ".aac", ".ac3", ".adts", ".adx", ".aea", ".aif", ".aifc",
    ".aiff", ".aiffc", ".amb", ".amr", ".ape", ".aptx", ".aptxhd", ".asf", ".at3", ".at9", ".au", ".avi", ".avr",
    ".awb", ".bwf", ".caf", ".dff", ".dsf", ".dss", ".dts", ".dtshd", ".dv", ".eac3", ".ec3", ".f4a", ".f4b", ".f4v",
    ".fap", ".flac", ".flv", ".g722", ".g729", ".gsm", ".gxf", ".hca", ".htk", ".iff", ".ircam", ".lc3", ".loas",
    ".m1a", ".m2a", ".m2t", ".m2ts", ".m4a", ".m4b", ".m4p", ".m4r", ".m4v", ".mac", ".mj2", ".mk3d", ".mka", ".mkv",
    ".mlp", ".mov", ".mp+", ".mp1", ".mp2", ".mp3", ".mp4", ".mpa", ".mpc", ".mpeg", ".mpg", ".mpp", ".mts", ".mxf",
    ".nist", ".nut", ".oga", ".ogg", ".ogm", ".ogv", ".ogx", ".oma", ".omg", ".opus", ".osq", ".paf", ".pvf", ".qcp",
    ".qoa", ".qt", ".ra", ".rf64", ".rka", ".rm", ".rmvb", ".sbc", ".sds", ".sf", ".shn", ".snd", ".sph",
    ".spx", ".svx", ".tak", ".thd", ".truehd", ".tta", ".vob", ".voc", ".vqf", ".w64", ".wav", ".wave", ".weba",
    ".webm", ".wma", ".wmv", ".wsd", ".wtv", ".wv", ".wve", ".xi", ".xma", ".xwma",
})  # fmt: skip
"""Of what libsndfile and FFmpeg decode, videos too: files with one of them are taken from folders. Suffixes that mostly
mean something else, such as .ts and .dat, are not among them.
"""


def find_audio(
    paths: Iterable[str], *, every_file: bool = False, skip: Callable[[str], None] | None = None
) -> AudioFiles:
    """Find the files that paths mean, in order, one by one as they are asked for.

    Parameters
    ----------
    paths
        Files, which are taken whatever they are called; folders, in which files with one of `AUDIO_SUFFIXES` are
        taken, recursively and sorted; globs; "-" for standard input.
    every_file
        Take files in folders whatever they are called.
    skip
        Called with each file that is left out.

    Returns
    -------
    AudioFiles
        What does not exist, and a folder that cannot be read or has no audio, is among them too: tagging it then says
        what is wrong.

    Raises
    ------
    TypeError
        If `paths` is a single path.
    """
    if isinstance(paths, str | os.PathLike):
        raise TypeError("find_audio takes several paths; put one in a list")
    return AudioFiles(paths, every_file, skip or (lambda _: None))


class AudioFiles(Iterator[str | BinaryIO]):
    """What `find_audio` finds: an iterator that counts what it leaves out."""

    def __init__(self, paths: Iterable[str], every_file: bool, skip: Callable[[str], None]) -> None:
        self.skipped = 0
        """How many files in folders have been left out so far because of their suffix."""
        self.links: list[str] = []
        """Links to folders that have been followed so far, each with a separator at the end."""
        self._every_file, self._skip = every_file, skip
        self._found = self._find(paths)

    def __next__(self) -> str | BinaryIO:
        return next(self._found)

    def _find(self, paths: Iterable[str]) -> Iterator[str | BinaryIO]:
        for path in paths:
            if path == "-":
                stdin = sys.stdin.buffer
                # A thread that waits for more from a pipe must not hold the buffer's lock, or the exit would fail.
                yield stdin if stdin.seekable() else getattr(stdin, "raw", stdin)
            elif os.path.isdir(path):
                yield from self._in_folder(path)
            elif os.path.lexists(path):
                yield path
            else:
                yield from self._expand(path)

    def _expand(self, pattern: str) -> Iterator[str]:
        """Yield the audio files that match, and what is in folders that do.

        If there is neither, yield all that matches, and `pattern` itself if nothing does.
        """
        found = False
        matches = sorted(_matches(pattern.rstrip(os.sep)))
        others = []
        entered = ""
        for match in matches:
            if entered and match.startswith(entered):
                continue
            if os.path.isdir(match):
                if not pattern.rstrip(os.sep).endswith("**"):  # with which what is in it matches already
                    found, entered = True, os.path.join(match, "")
                    yield from self._in_folder(match)
            elif self._takes(match):
                found = True
                yield match
            else:
                others.append(match)
        if not found:
            yield from matches or [pattern]
            return
        for other in others:
            self._leave_out(other)

    def _in_folder(self, folder: str) -> Iterator[str]:
        found = False
        for path in self._walk(folder):
            found = True
            yield path
        if not found:
            yield folder

    def _walk(self, top: str) -> Iterator[str]:
        """Yield audio files first, then those in the folders beside them, links too.

        A folder that cannot be read is yielded itself.
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
                elif self._takes(path):
                    yield path
                elif os.path.isfile(path):
                    self._leave_out(path)
            waiting += reversed(folders)

    def _takes(self, path: str) -> bool:
        """Return whether to take this from a folder.

        A link that leads nowhere is taken too, to be reported. A pipe is not: nothing might ever come out of it.
        """
        if not self._every_file and os.path.splitext(path)[1].lower() not in AUDIO_SUFFIXES:
            return False
        return os.path.isfile(path) or (os.path.islink(path) and not os.path.exists(path))

    def _leave_out(self, path: str) -> None:
        self.skipped += 1
        self._skip(path)


def _matches(pattern: str) -> Iterable[str]:
    if "\0" in pattern:
        return []
    parts = pattern.split(os.sep)
    if "**" not in parts:
        return glob.glob(pattern)
    parts = [part if part == "**" else re.sub(r"\*+", "*", part) for part in parts]  # as glob.glob has it
    # glob.glob would go round in circles where links lead back up.
    plain = list(itertools.takewhile(lambda part: not glob.has_magic(part), parts))
    root = os.sep.join([*plain, ""])
    rest = os.sep.join(parts[len(plain) :])
    return (root + str(path.relative_to(root)) for path in Path(root).glob(rest + f"{os.sep}*" * rest.endswith("**")))


BOM = b"\xef\xbb\xbf"
"""Byte order mark, with which lists from Windows may begin."""


def read_names(file: BinaryIO, null: bool = False) -> Iterator[str]:
    """Yield the names in a list of files as soon as they are there: one a line, or with `null` one before each NUL.

    `file` is best unbuffered, and is closed at the end. Empty names are left out; names that are no valid text come as
    os.fsdecode has them.
    """
    separator, rest, first = b"\0" if null else b"\n", b"", True

    def trim(name: bytes) -> bytes:
        return name if null else name.removesuffix(b"\r")  # lists from Windows

    with file:
        while chunk := file.read(65_536):
            *names, rest = (chunk.removeprefix(BOM) if first else rest + chunk).split(separator)
            first = False
            yield from (os.fsdecode(name) for name in map(trim, names) if name)
    if trim(rest):
        yield os.fsdecode(trim(rest))


def name_of(audio: object) -> str:
    """Return what results and messages call a file: its path as given; "-" for an open file or an array."""
    return os.fspath(audio) if isinstance(audio, str | os.PathLike) else "-"
