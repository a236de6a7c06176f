"""Download FSDKaggle2018 from Zenodo: its archives are resumed where they broke off, verified and unpacked."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from audiotagger import __version__
from audiotagger.datasets.readers import FSDKAGGLE2018
from audiotagger.errors import FetchError
from audiotagger.extras import extra_error

try:
    import pooch
except ModuleNotFoundError:
    raise extra_error("train", "data download", ["pooch"]) from None

RECORD = 2552860
FOLDERS = tuple(f"{FSDKAGGLE2018}{part}" for part in ("meta", "audio_test", "audio_train"))

Count = Callable[[str, int, int], None]
"""Called with the name of a file, its bytes so far, and its total bytes."""


class Source(NamedTuple):
    """A file as its publisher describes it; `checksum` is an algorithm of hashlib, a colon and hexadecimal digits."""

    url: str
    size: int
    checksum: str


def download_dataset(to: Path, count: Count) -> None:
    """Complete the folder `to`, of which some or all may be there.

    Sizes and checksums are those of the Zenodo record, or of the mirror whose address is in AUDIOTAGGER_ZENODO.

    Raises
    ------
    FetchError
        If something could not be downloaded or unpacked; the next call resumes.
    """
    missing = [folder for folder in FOLDERS if not (to / folder).is_dir()]
    if not missing:
        return
    to.mkdir(parents=True, exist_ok=True)
    sources = _sources(os.environ.get("AUDIOTAGGER_ZENODO") or "https://zenodo.org")
    for folder in missing:
        archive = to / f"{folder}.zip"
        if archive.name not in sources:
            raise FetchError(f"{archive.name}: not in Zenodo's record {RECORD}; unpack a copy of it into {to}")
        download(sources[archive.name], archive, count)
        unpack(archive, folder)
        archive.unlink()


def download(source: Source, path: Path, count: Count) -> None:
    """Complete the file `path`, of which some or all may be there. Raises FetchError if that fails."""
    have = path.stat().st_size if path.exists() else 0
    if have < source.size:
        if shutil.disk_usage(path.parent).free < source.size - have:
            raise FetchError(
                f"{path}: not enough disk space for {source.size / 1e9:.1f} GB; free some or choose another --output"
            )
        with _Counted(path, lambda done: count(path.name, done, source.size)) as file:
            _get(source.url, file, have)
        have = path.stat().st_size
    if have < source.size:
        raise FetchError(f"{path}: only {have} of {source.size} bytes arrived; run the same command to resume")
    algorithm, _, digest = source.checksum.partition(":")
    if have > source.size or pooch.file_hash(path, algorithm) != digest:
        path.unlink()
        raise FetchError(f"{path}: checksum mismatch, so it was removed; run the same command to download it again")


class _Counted(io.BufferedWriter):
    """A file to append to that reports how long it has become."""

    def __init__(self, path: Path, count: Callable[[int], None]) -> None:
        super().__init__(io.FileIO(path, "ab"))
        self._count = count

    def write(self, chunk: Any) -> int:
        written = super().write(chunk)
        self._count(self.tell())
        return written


def _get(url: str, file: io.BytesIO | io.BufferedWriter, have: int = 0) -> None:
    def look(response: Any, **_: object) -> None:
        if response.status_code == 200:  # the whole file, although a range was asked for
            file.seek(0)
            file.truncate()
        if not response.ok:  # pooch would leave it open
            response.close()

    # Zenodo limits the rate of clients that do not say what they are.
    headers = {"User-Agent": f"audiotagger/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    get = pooch.HTTPDownloader(chunk_size=1 << 16, headers=headers, hooks={"response": look})
    try:
        get(url, file, None)
    except OSError as error:  # those of requests are, too
        raise FetchError(f"{url}: {error}; run the same command to resume") from None


def _sources(site: str) -> dict[str, Source]:
    url = f"{site}/api/records/{RECORD}"
    answer = io.BytesIO()
    _get(url, answer)
    try:
        files = json.loads(answer.getvalue())["files"]
        of_record = f"{site}/records/{RECORD}/files"
        return {f["key"]: Source(f"{of_record}/{f['key']}?download=1", f["size"], f["checksum"]) for f in files}
    except (ValueError, KeyError, TypeError):
        raise FetchError(f"{url}: not a Zenodo record; check AUDIOTAGGER_ZENODO") from None


def unpack(archive: Path, folder: str) -> None:
    """Unpack the folder `folder` of a zip file to beside the file: all of it, or nothing.

    Names that lead elsewhere stay inside, and links become plain files: zipfile sees to it. Raises FetchError for an
    archive that is damaged or does not hold the folder, and if there is no room for it.
    """
    partial = archive.with_name(f".{folder}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as file:
            file.extractall(partial)
        if not (partial / folder).is_dir():
            raise FetchError(f"{archive}: no folder {folder} in it; remove it and download it again")
        (partial / folder).rename(archive.with_name(folder))
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        again = "free some space, or remove it and download it again"
        raise FetchError(f"{archive}: cannot be unpacked ({error}); {again}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
