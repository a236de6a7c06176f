"""Find the audio files that a command's PATH arguments mean."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO

AUDIO_SUFFIXES = frozenset({
    ".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".rf64", ".snd", ".w64", ".wav"
})  # fmt: skip
"""What is taken from a folder; a file that is named itself is tried whatever it is called."""


def find_audio(paths: Iterable[str]) -> Iterator[str | BinaryIO]:
    """Yield the files of `paths` in order: files as they are, folders recursively and sorted, globs expanded.

    "-" is standard input. What does not exist, and a folder without audio, is yielded too: tagging it then says what
    is wrong.
    """
    for path in paths:
        if path == "-":
            yield sys.stdin.buffer
        elif os.path.isdir(path):
            yield from _in_folder(path)
        elif not os.path.lexists(path) and (matches := sorted(glob.glob(path, recursive=True))):
            yield from find_audio(matches)
        else:
            yield path


def _in_folder(folder: str) -> Iterator[str]:
    found = False
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES:
                found = True
                yield os.path.join(parent, name)
    if not found:
        yield folder
