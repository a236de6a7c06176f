"""Labels go into files as the world has them and all else stays, or the files stay as they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import soundfile

from audiotagger.audio.decoding import read_waveform
from audiotagger.errors import MetadataError
from audiotagger.output.metadata import write_tags
from tests.output.kinds_of_files import KEPT, STORED
from tests.output.test_metadata import BARK, VALUE, stored

av = pytest.importorskip("av", reason="needs the extra metadata")
mutagen = pytest.importorskip("mutagen", reason="needs the extra metadata")


def seen(path: Path) -> dict[str, Any]:
    """What other programs see: packets with their times, fields, pictures, chapters; and what libsndfile decodes."""
    with av.open(str(path), metadata_errors="replace") as container:
        fields = [dict(part.metadata) for part in (container, *container.streams)]
        chapters = container.chapters()
        packets = [(p.stream_index, p.pts, p.dts, p.duration, bytes(p)) for p in container.demux()]
    for each in fields:
        each.pop("AUDIOTAGGER", None)
    try:
        decoded = soundfile.read(path)[0].tobytes()
    except soundfile.LibsndfileError:
        decoded = b""
    audio = mutagen.File(path)
    tags = {key: audio.tags[key] for key in audio.tags.keys()} if audio.tags is not None else {}  # noqa: SIM118
    return {
        "packets": packets,
        "decoded": decoded,
        "read": read_waveform(path, 16_000).tobytes(),
        "fields": fields,
        "chapters": chapters,
        "tags": {
            key: re.sub("encoding=<.*?>", "", repr(tags[key])) for key in tags if "AUDIOTAGGER" not in key.upper()
        },
        "pictures": [picture.write() for picture in getattr(audio, "pictures", [])],
    }


def check(path: Path) -> bool:
    """Store labels, and tell whether this was possible. If so nothing else has changed, and if not nothing at all."""
    data, before = path.read_bytes(), seen(path)
    inode = path.stat().st_ino
    error = ""
    try:
        write_tags(path, BARK)
    except MetadataError as refused:
        error = str(refused)
    assert list(path.parent.iterdir()) == [path]
    if error:
        assert error.startswith(f"{path}: labels not stored: ")
        assert "\n" not in error
        assert (path.read_bytes(), path.stat().st_ino) == (data, inode)
        return False
    after = seen(path)
    # A new ID3v2 tag holds an ID3v1 comment twice.
    assert before["tags"].items() <= after["tags"].items()
    for old, new in zip(before["fields"], after["fields"], strict=True):
        assert old.items() <= new.items()
    same = ("packets", "decoded", "read", "chapters", "pictures")
    assert [after[key] for key in same] == [before[key] for key in same]
    assert stored(path) == VALUE
    write_tags(path, [])
    assert stored(path) is None
    assert seen(path)["packets"] == before["packets"]
    return True


@pytest.mark.parametrize("kind", STORED)
def test_labels_go_in_and_all_else_stays(tmp_path: Path, kind: str) -> None:
    assert check(STORED[kind](tmp_path / "a"))


@pytest.mark.parametrize("kind", KEPT)
def test_no_harm_is_done(tmp_path: Path, kind: str) -> None:
    check(KEPT[kind](tmp_path / "a"))
