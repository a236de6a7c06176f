"""A page for the browser: one HTML file that needs no server and no network.

The program of the page and its style are built from `frontend/` into `assets/`. Data goes in as JSON, which the program
shows as text: nothing of it can become part of the page itself. The page's own policy forbids all but this one program
and style.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO
from urllib.parse import quote

from audiotagger import __version__

ASSETS = Path(__file__).parent / "assets"


class Page:
    """Writes a page as a stream; a context manager around an open text file.

    Parameters
    ----------
    file
        The file to write to.
    kind
        Which view of the page's program shows it: "tagging", "evaluation".
    about
        What all of it has in common.
    """

    def __init__(self, file: TextIO, kind: str, about: Mapping[str, Any]) -> None:
        self._file = file
        created = datetime.now(UTC).isoformat(timespec="seconds")
        self._about = {"kind": kind, "version": __version__, "created": created, **about}
        self._begin, self._end = shell()
        self._parts = 0

    def __enter__(self) -> Self:
        self._file.write(self._begin)
        self._block("about", self._about)
        return self

    def add(self, record: Mapping[str, Any], media: Mapping[str, str]) -> None:
        """Append a part: `record` is read when the page opens, `media` when it is looked at."""
        self._block("record", record)
        self._block(f"media-{self._parts}", media)
        self._parts += 1

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        self._file.write(self._end)

    def _block(self, name: str, data: Mapping[str, Any]) -> None:
        text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")  # no tag can begin or end in it
        key = f'id="{name}"' if name != "record" else 'class="record"'
        self._file.write(f'<script type="application/json" {key}>{text}</script>\n')


@cache
def shell() -> tuple[str, str]:
    """Return what is before the data of a page, and what is after it."""
    text = (ASSETS / "page.html").read_text(encoding="utf-8")
    for name in ("style.css", "program.js"):
        source = (ASSETS / name).read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        text = text.replace(f"{{{{hash of {name}}}}}", f"'sha256-{digest}'").replace(f"{{{{{name}}}}}", source)
    begin, _, end = text.partition("{{data}}")
    return begin, end


def relative_url(path: str, folder: Path) -> str:
    """Return the URL of a file for a page in `folder`: relative, and percent-encoded whatever is in its name."""
    try:
        relative = os.path.relpath(path, folder)
    except ValueError:  # on another drive
        return Path(path).absolute().as_uri()
    return f"./{quote(os.fsencode(relative.replace(os.sep, '/')))}"
