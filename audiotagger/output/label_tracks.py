"""Label tracks for Audacity: one file per audio file, in a folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from audiotagger.errors import OutputError
from audiotagger.inference.results import Tagging
from audiotagger.output.files import FULL, replacing
from audiotagger.output.writers import AudacityWriter


class LabelTracks:
    """Write the segments of each file to a label track named after it, such as flute.ogg.txt.

    Parameters
    ----------
    folder
        Where the label tracks go; created if missing.
    sources
        Folders whose files are tagged; their subfolders are kept.

    Raises
    ------
    OutputError
        The folder cannot be created.
    """

    def __init__(self, folder: Path, sources: Iterable[str]) -> None:
        self._folder = folder
        self._sources = list(sources)
        self._written: dict[Path, str] = {}
        _create(folder)

    def write(self, tagging: Tagging) -> None:
        """Write one label track, replacing one of a previous command; a file that failed has none.

        Raises
        ------
        OutputError
            It cannot be written, or another audio file of the same name has been tagged before.
        """
        if not tagging.ok:
            return
        path = self._folder / self._name(tagging.path)
        if path in self._written:
            raise OutputError(
                f"{tagging.path}: not written, since {path} has the labels of {self._written[path]}; "
                "tag files of the same name into separate folders"
            )
        self._written[path] = tagging.path
        _create(path.parent)
        try:
            with replacing(path) as partial, partial.open("w", encoding="utf-8") as file:
                AudacityWriter(file).write(tagging)
        except OSError as error:
            if error.errno in FULL:
                raise
            raise OutputError(f"{path}: {error.strerror or error}; give another --output") from None

    def _name(self, name: str) -> Path:
        path = Path("stdin" if name == "-" else name)
        below = (path.relative_to(source) for source in self._sources if path.is_relative_to(source))
        inside = next((one for one in below if one.parts and ".." not in one.parts), Path(path.name))
        return inside.with_name(f"{inside.name}.txt")


def _create(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: {error.strerror or error}; give another --output") from None
