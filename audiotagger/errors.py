"""Errors that a user can fix. A message is one line: the file, what is wrong and the remedy."""

from dataclasses import dataclass
from typing import ClassVar


class AudioTaggerError(Exception):
    """Base class of all errors that audiotagger raises on purpose."""

    exit_status: ClassVar[int] = 1
    """Exit status of a command that ends with this error."""


class AudioError(AudioTaggerError):
    """A file cannot be tagged, or in results of the command line: its labels cannot be written into it.

    Parameters
    ----------
    kind
        A constant for programs: "not_found", "no_audio", "unreadable", "undecodable", "empty", "needs_extra",
        "not_written", or on the command line "crashed", "timeout" or "out_of_memory".
    message
        One line for people.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind

    def __reduce__(self) -> tuple[type["AudioError"], tuple[str, str]]:
        return type(self), (self.kind, str(self))  # Exception alone would be unpickled without its kind


PASSING = frozenset({
    "crashed", "needs_extra", "not_found", "not_written", "out_of_memory", "timeout", "unreadable",
})  # fmt: skip
"""Kinds of `AudioError` whose cause may have passed when the file is tried again."""


@dataclass(frozen=True)
class AudioWarning:
    """Something is wrong with a file that is tagged all the same.

    `kind` is a word for scripts: partial (not all of the file could be read), bad_samples (not all of them are
    numbers). `message` is one line, as that of an error.
    """

    kind: str
    message: str


class OutputError(AudioTaggerError):
    """Results cannot be written to their destination."""

    exit_status = 2


class ModelError(AudioTaggerError):
    """A model file is missing, broken or not one of audiotagger's."""

    exit_status = 2


class WorkerError(AudioTaggerError):
    """A worker process cannot be started."""


class WatchError(AudioTaggerError):
    """A folder cannot be watched."""


class ServiceError(AudioTaggerError):
    """The service cannot be started."""


class DataError(AudioTaggerError):
    """A dataset is missing or cannot be read."""

    exit_status = 2


class FetchError(AudioTaggerError):
    """A published dataset cannot be downloaded or unpacked."""


class RunError(AudioTaggerError):
    """A training run cannot be started, resumed or exported."""


class MetadataError(AudioTaggerError):
    """Labels cannot be written to a file's metadata: the file, its folder or its format does not allow it."""


class EngineError(AudioTaggerError):
    """A cluster cannot be used, or a list or a bucket cannot be read."""

    exit_status = 2


class ExtraError(AudioTaggerError):
    """A package of an optional extra is missing."""
