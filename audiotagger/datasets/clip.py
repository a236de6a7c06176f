"""One audio file of a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Clip:
    """One audio file and what its dataset states about it.

    Clips of one `source` (a sample library, a project) or one `group` (a recording, a session) may sound alike beyond
    their label.
    """

    path: Path
    label: str
    """Empty for a clip without one."""
    source: str
    group: str
    verified: bool = True
    """Whether somebody has listened to it and confirmed its label."""
