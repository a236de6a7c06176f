"""What is held out of the clips, to validate and to test with."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

from audiotagger.datasets.clip import Clip

VALIDATION_SHARE = 0.1
"""Of the training clips of a label."""


def hold_out(clips: Sequence[Clip], fraction: float = VALIDATION_SHARE, fold: int = 0) -> tuple[list[Clip], list[Clip]]:
    """Split labelled clips into (training, validation); about `fraction` of each label goes to validation.

    What is held out of a label is whole sources, those that share a group together: a net can learn the room and the
    codec of a source instead of the sound, so a score on a source it has heard is worth little. Where those that fit
    are too few, it is one source of up to half the label's clips; where a label has a single source, whole groups; and
    nothing where that is a single group. Depends on names and `fold` alone: the same on every machine. Folds are draws
    of their own and may overlap.
    """
    held: set[Clip] = set()
    for label, members in _by(clips, "label").items():
        wanted = max(round(fraction * len(members)), 1)
        salt = f"{fold}:{label}"
        sources = _apart(members)
        chosen = _pick(sources, wanted, salt)
        if len(sources) == 1:
            chosen = _pick(_by(members, "group"), wanted, salt)
        elif len(chosen) < wanted / 2:
            large = [name for name, of in sources.items() if wanted / 2 <= len(of) <= len(members) / 2]
            if large:
                chosen = set(sources[min(large, key=lambda name: _order(salt, name))])
        held |= chosen
    return [clip for clip in clips if clip not in held], [clip for clip in clips if clip in held]


def hold_out_other(clips: Sequence[Clip]) -> tuple[list[Clip], list[Clip]]:
    """Split clips that have none of the labels into (training, test): a fifth, in whole groups, is never trained on."""
    held = _pick(_by(clips, "group"), round(0.2 * len(clips)), "other")
    return [clip for clip in clips if clip not in held], [clip for clip in clips if clip in held]


def _by(clips: Iterable[Clip], what: str) -> dict[str, list[Clip]]:
    members: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        members[getattr(clip, what)].append(clip)
    return members


def _apart(clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    """The clips of each source; sources that have a group in common are one, called by the first of their names."""
    name_of = {clip.source: clip.source for clip in clips}
    for members in _by(clips, "group").values():
        joined = {name_of[clip.source] for clip in members}
        name_of = {source: min(joined) if name in joined else name for source, name in name_of.items()}
    sources: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        sources[name_of[clip.source]].append(clip)
    return sources


def _order(salt: str, name: str) -> bytes:
    return hashlib.sha256(f"{salt}:{name}".encode()).digest()


def _pick(units: dict[str, list[Clip]], wanted: int, salt: str) -> set[Clip]:
    """Whole units in a fixed random order, each taken if it still fits; never all there are."""
    chosen: set[Clip] = set()
    for name in sorted(units, key=lambda name: _order(salt, name))[:-1]:
        if len(chosen) + len(units[name]) <= wanted:
            chosen |= set(units[name])
    return chosen
