"""Unpack an archive from elsewhere, which may have been made to do harm."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PureWindowsPath

from audiotagger.errors import FetchError

LARGEST_RATIO = 20
"""Of what is unpacked to the archive. Audio and lists shrink to a third at best; a zip bomb to a thousandth."""


def unpack(archive: Path, folder: str) -> None:
    """Unpack the folder `folder` of a zip file to beside the file: all of it, or nothing.

    Raises FetchError for an archive that is damaged or does not hold the folder, that holds a link or a name that
    leads elsewhere, or that would become too large, by the sizes it declares; zipfile lets no member exceed its own.
    """
    partial = archive.with_name(f".{folder}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as file:
            for member in file.infolist():
                _refuse_harm(archive, member)
            size = sum(member.file_size for member in file.infolist())
            if size > LARGEST_RATIO * archive.stat().st_size:
                raise FetchError(f"{archive}: would unpack to {size} bytes, too much to be what it seems; remove it")
            if size > shutil.disk_usage(archive.parent).free:
                raise FetchError(f"{archive}: the disk is too full to unpack {size / 1e9:.1f} GB; make room")
            file.extractall(partial)
        if not (partial / folder).is_dir():
            raise FetchError(f"{archive}: no folder {folder} in it; remove it")
        (partial / folder).rename(archive.with_name(folder))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise FetchError(f"{archive}: cannot be unpacked ({error}); remove it and fetch it again") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _refuse_harm(archive: Path, member: zipfile.ZipInfo) -> None:
    name = PureWindowsPath(member.filename)  # knows both kinds of slashes, and drives
    if name.anchor or ".." in name.parts:
        raise FetchError(f"{archive}: {member.filename} in it leads elsewhere; remove it, somebody means harm")
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise FetchError(f"{archive}: {member.filename} in it is a link or device; remove it, somebody means harm")
