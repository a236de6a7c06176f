"""Store labels in one field of an audio file's own metadata, after a proof that nothing else in the file changes."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from audiotagger.errors import MetadataError
from audiotagger.extras import require_extra
from audiotagger.output.contents import FIELD, REWRITE, Refusal, contents, field_of, has_id3, kind_of, load, stored
from audiotagger.output.leftovers import lock, remove_leftovers_once

if TYPE_CHECKING:
    from audiotagger.inference.results import Tag


def write_tags(path: str | os.PathLike[str], tags: Sequence[Tag], *, dry_run: bool = False) -> str:
    """Store labels and scores in the field AUDIOTAGGER of an audio file's own metadata.

    A copy replaces the file, once it is proven to differ in this field alone: the packets of all streams, other fields,
    pictures and chapters are the same. A crash leaves the old file or the new one. Permissions stay, the owner where
    possible; other hard links keep the old file. A file that holds the very value already is not touched.

    Parameters
    ----------
    path
        The file. A symbolic link is refused, for it may lead anywhere.
    tags
        What to store, in this order; without any, the field is removed.
    dry_run
        Leave the file as it is, after all the same checks.

    Returns
    -------
    str
        The value of the field, such as `Bark=0.931;Meow=0.042`: scores in [0, 1] with three decimals; in a label "%",
        ";", "=" and control characters are percent-encoded.

    Raises
    ------
    ExtraError
        If mutagen or PyAV is missing.
    MetadataError
        If the file is not writable, has no such field, or would not stay as it is otherwise. It is unchanged.
    """
    require_extra("metadata", "writing labels to metadata")
    value = ";".join(f"{_quote(tag.label)}={tag.score:.3f}" for tag in tags)
    try:
        _store(Path(path), value, dry_run)
    except Exception as error:  # libraries raise whatever they like on a broken file; it must not end a batch
        raise MetadataError(f"{path}: labels not stored: {_explain(error)}") from None
    return value


def _quote(label: str) -> str:
    return re.sub(r"[%;=\x00-\x1f\x7f]", lambda match: f"%{ord(match[0]):02X}", label)


def _explain(error: Exception) -> str:
    if isinstance(error, Refusal):
        return "; ".join(error.args)
    for cause in (error, *error.args):  # mutagen wraps what the system says
        if isinstance(cause, OSError):
            reason = cause.strerror or cause
            return f"{reason}; make sure that the file and its folder are writable and that there is room for a copy"
    reason = " ".join(str(error).split()) or type(error).__name__
    return f"its metadata cannot be read ({reason}); {REWRITE}"


def _store(path: Path, value: str, dry_run: bool) -> None:
    if path.exists() and not path.is_file():  # opening a named pipe would wait for a writer
        raise Refusal("it is not a regular file", "name an audio file")
    with path.open("rb") as file:
        kind = kind_of(file)
        if stored(kind, file) == value:
            return
    if path.is_symlink():
        raise Refusal("it is a symbolic link", f"name the file that it leads to: {path.resolve()}")
    if not os.access(path, os.W_OK):  # replacing it would need no permission of its own
        raise PermissionError(None, "it is write-protected")
    remove_leftovers_once(path.parent)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".audiotagger-", suffix=".partial")
    try:
        with open(descriptor, "w+b") as copy, path.open("rb") as file:  # noqa: PTH123 (a descriptor)
            lock(copy.fileno())
            old = os.fstat(file.fileno())
            shutil.copyfileobj(file, copy)
            copy.flush()
            shutil.copystat(path, temporary)
            with suppress(OSError, AttributeError):  # only root may give files away, and Windows knows no owners
                os.chown(temporary, old.st_uid, old.st_gid)
            _edit(kind, file, copy, value)
            _prove(kind, file, copy, value)
            copy.flush()
            os.fsync(copy.fileno())
            new = path.lstat()
            if (old.st_ino, old.st_size, old.st_mtime_ns) != (new.st_ino, new.st_size, new.st_mtime_ns):
                raise Refusal("another program has changed it meanwhile", "try again")
            if os.name == "nt":  # which moves no open file
                copy.close()
                file.close()
            if not dry_run:  # while it is locked: nobody takes it for what is left over
                Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _edit(kind: type[Any], file: BinaryIO, copy: BinaryIO, value: str) -> None:
    """Have mutagen change our field in a copy of `file`."""
    from mutagen.id3 import COMM, TXXX, Encoding
    from mutagen.mp4 import MP4, MP4FreeForm

    audio = load(kind, copy, load_v1=False)
    if audio.tags is None and kind.__name__ == "MP3":
        # Players look for ID3v1 only where there is no ID3v2: a new ID3v2 tag takes over all fields of it.
        audio = load(kind, copy)
        for comment in audio.tags.getall("COMM") if audio.tags else ():  # to which mutagen gives a name
            audio.tags.add(COMM(encoding=Encoding.UTF8, lang="eng", text=comment.text))
    if audio.tags is None:
        audio.add_tags()
    key, tags, options = field_of(kind), audio.tags, {}
    if key in tags:
        del tags[key]
    if has_id3(kind):
        options = {"v2_version": 3 if (2, 0) < tags.version < (2, 4) else 4, "v23_sep": None}
        if value:
            tags.add(TXXX(encoding=Encoding.UTF8, desc=FIELD, text=[value]))
    elif value:
        tags[key] = [MP4FreeForm(value.encode())] if kind is MP4 else [value]
    copy.seek(0)
    audio.save(copy, **options)
    if kind.__name__ == "MP3":  # of which mutagen has written the ID3v1 tag anew
        file.seek(-128, os.SEEK_END)
        copy.seek(-128, os.SEEK_END)
        copy.write(file.read())


def _prove(kind: type[Any], file: BinaryIO, copy: BinaryIO, value: str) -> None:
    """Raise Refusal unless `copy` holds the value, and besides all that `file` does."""
    after = contents(kind, copy)
    for what, old in contents(kind, file).items():
        new = after[what]
        if not (old.items() <= new.items() if isinstance(old, dict) and isinstance(new, dict) else old == new):
            raise Refusal(f"its {what} would change", REWRITE)
    if stored(kind, copy) != value:
        raise Refusal("they could not be read back", REWRITE)
