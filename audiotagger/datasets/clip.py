"""What training knows of one audio file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Clip:
    """One audio file. `label` is empty for clips that have none of the corpus's labels. Clips of one `source`
    (a sample library, a project) or one `group` (a recording, a session) may sound alike beyond their label.
    """

    path: Path
    label: str
    source: str
    group: str
    verified: bool = True
    """Whether somebody has listened to it and confirmed its label."""
