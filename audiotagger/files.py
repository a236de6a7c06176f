"""Find the audio files that a command's PATH arguments mean."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from audiotagger.audio import spool

AUDIO_SUFFIXES = frozenset({
    ".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".rf64", ".snd", ".w64", ".wav"
})  # fmt: skip
"""What is taken from a folder; a file that is named itself is tried whatever it is called."""


def find_audio(paths: Iterable[str]) -> Iterator[str | BinaryIO]:
    """Yield the files of `paths` in order: files as they are, folders recursively and sorted, globs expanded.

    "-" is standard input. What does not exist, and a folder that cannot be read or has no audio, is yielded too:
    tagging it then says what is wrong.
    """
    for path in paths:
        if path == "-":
            yield spool(sys.stdin.buffer)
        elif os.path.isdir(path):
            yield from _in_folder(path)
        elif os.path.lexists(path):
            yield path
        else:
            yield from _expand(path)


def _expand(pattern: str) -> Iterator[str]:
    """The audio files that match, and what is in folders that do. If there is neither, all that matches is yielded, and
    `pattern` itself if nothing does.
    """
    found = False
    matches = sorted(glob.glob(pattern, recursive=True))
    for match in matches:
        if os.path.isdir(match):
            if "**" not in pattern:  # with ** what is in it matches already
                found = True
                yield from _in_folder(match)
        elif _is_audio(match):
            found = True
            yield match
    if not found:
        yield from matches or [pattern]


def _in_folder(folder: str) -> Iterator[str]:
    found = False
    for path in _walk(folder, set()):
        found = True
        yield path
    if not found:
        yield folder


def _walk(folder: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    """Audio files first, then the folders in it, links too; folders that cannot be read are yielded themselves."""
    try:
        status = os.stat(folder)
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError:
        yield folder
        return
    if (status.st_dev, status.st_ino) in seen:  # a link back up
        return
    seen.add((status.st_dev, status.st_ino))
    for entry in entries:
        if _is_audio(entry.name) and (entry.is_file() or not os.path.exists(entry.path)):  # dangling links are reported
            yield entry.path
    for entry in entries:
        if entry.is_dir():
            yield from _walk(entry.path, seen)


def _is_audio(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES


def read_names(file: BinaryIO, null: bool = False) -> Iterator[str]:
    """Yield the names in a list of files as soon as they are there: one a line, or with `null` one before each NUL.

    `file` is best unbuffered, and is closed at the end. Empty names are left out; names that are no valid text come as
    os.fsdecode has them.
    """
    separator, rest = b"\0" if null else b"\n", b""
    with file:
        while chunk := file.read(65_536):
            *names, rest = (rest + chunk).split(separator)
            yield from (os.fsdecode(name) for name in names if name)
    if rest:
        yield os.fsdecode(rest)
