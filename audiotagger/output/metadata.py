"""Keep labels in an audio file's own metadata, in one field, and change nothing else of the file.

| format    | field                                    |
|-----------|------------------------------------------|
| MP3       | ID3 frame TXXX:AUDIOTAGGER               |
| WAV, AIFF | the same frame, in the file's ID3 chunk  |
| FLAC      | Vorbis comment AUDIOTAGGER               |
| OGG, Opus | Vorbis comment AUDIOTAGGER               |
| M4A, MP4  | ----:com.audiotagger:AUDIOTAGGER         |
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from audiotagger.errors import ExtraError, MetadataError
from audiotagger.output.fields import BROKEN, Edit, NoFieldError, audio_format, read

if TYPE_CHECKING:
    from audiotagger.inference.results import Tag

CONVERT = "convert it, with ffmpeg -i FILE FILE.flac"
REWRITE = "rewrite it, with ffmpeg -i FILE -c copy NEW"
ACCESS = "make sure that the file and its folder are writable and that there is room for a copy"


def require_mutagen() -> None:
    """Raise ExtraError, with the command that installs it, if mutagen is missing."""
    try:
        import mutagen  # noqa: F401
    except ModuleNotFoundError:
        command = 'pip install "audiotagger-nets[metadata]"'
        raise ExtraError(f"writing labels into files needs mutagen: {command}") from None


def write_tags(path: str | os.PathLike[str], tags: Sequence[Tag], *, dry_run: bool = False) -> str:
    """Store labels and scores in the field AUDIOTAGGER of a file's own metadata and return its value.

    The value is `Bark=0.931;Meow=0.042`, in the order of `tags`, scores in [0, 1] with three decimals; in a label "%",
    ";", "=" and control characters are percent-encoded. It replaces the one from before; without `tags` that one is
    removed and the value is "". The sound and all other fields stay as they are.

    The file is replaced as a whole, once the new one is complete: a crash leaves the old one or the new one. It keeps
    its permissions; of a symbolic link the target is replaced; other hard links keep the old file. With `dry_run` it
    is only made sure that the file is writable and of a format that has such a field.

    Raises ExtraError if mutagen is missing, MetadataError if the file cannot be written or its format has no field.
    """
    require_mutagen()
    import mutagen

    value = ";".join(f"{_quoted(tag.label)}={tag.score:.3f}" for tag in tags)
    try:
        target = Path(path).resolve()
        with target.open("r+b") as file:  # a rename would replace a file that its owner has write-protected
            kind, edit = audio_format(file)
        if not dry_run:
            _replace(target, kind, edit, value)
    except NoFieldError as error:
        raise _refusal(path, error, CONVERT) from None
    except OSError as error:
        raise _refusal(path, error.strerror or error, ACCESS) from None
    except (*BROKEN, RuntimeError, mutagen.MutagenError) as error:  # RuntimeError: links that go round in circles
        cause = error.args[0] if error.args else None
        if isinstance(cause, OSError):
            raise _refusal(path, cause.strerror or cause, ACCESS) from None
        raise _refusal(path, str(error) or type(error).__name__, REWRITE) from None
    return value


def _quoted(label: str) -> str:
    return re.sub(r"[%;=\x00-\x1f\x7f]", lambda match: f"%{ord(match[0]):02X}", label)


def _refusal(path: str | os.PathLike[str], reason: object, remedy: str) -> MetadataError:
    return MetadataError(f"{path}: labels cannot be written into it ({reason}); {remedy}")


def _replace(target: Path, kind: type[Any], edit: Edit, value: str) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".audiotagger-", suffix=".partial")
    try:
        with target.open("rb") as source, open(descriptor, "w+b") as copy:  # noqa: PTH123 (a descriptor)
            shutil.copystat(target, temporary)
            with suppress(OSError, AttributeError):  # only root may give files away, and Windows knows no owners
                os.chown(temporary, os.fstat(source.fileno()).st_uid, os.fstat(source.fileno()).st_gid)
            edit(source, copy, value)
            _verify(kind, source, copy, value)
            copy.flush()
            os.fsync(copy.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _verify(kind: type[Any], source: BinaryIO, copy: BinaryIO, value: str) -> None:
    """Raise ValueError unless mutagen, as any player, finds in `copy` all that it finds in `source`, and the value."""
    (fields, _, length), (new_fields, new_value, new_length) = (read(kind, file) for file in (source, copy))
    if (fields, value, length) != (new_fields, new_value, new_length):
        raise ValueError("its other metadata would not survive")
