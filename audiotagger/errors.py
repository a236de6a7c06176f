"""What can go wrong in a way the user can mend. A message is one line: the file, what is wrong, what to do."""

from typing import ClassVar


class AudioTaggerError(Exception):
    """Base of all errors that audiotagger raises on purpose."""

    exit_status: ClassVar[int] = 1
    """Of the command that this error ends."""


class AudioError(AudioTaggerError):
    """A file cannot be tagged, or its labels cannot be written into it.

    `kind` is a word for scripts: not_found, no_audio, unreadable, undecodable, empty, needs_extra, not_written.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind

    def __reduce__(self) -> tuple[type["AudioError"], tuple[str, str]]:
        return type(self), (self.kind, str(self))  # or it would not survive a pool of processes


class OutputError(AudioTaggerError):
    """Results cannot be put where they are to go."""

    exit_status = 2


class ModelError(AudioTaggerError):
    """A model file is missing, or is not one of audiotagger's."""

    exit_status = 2


class DataError(AudioTaggerError):
    """A folder of training data is missing or cannot be understood."""

    exit_status = 2


class FetchError(AudioTaggerError):
    """Published data cannot be downloaded or unpacked."""


class RunError(AudioTaggerError):
    """A training run cannot be started, resumed or exported."""


class MetadataError(AudioTaggerError):
    """Labels cannot be written into a file: it, its folder or its format does not allow it."""


class ExtraError(AudioTaggerError):
    """A package of an optional extra is missing."""
