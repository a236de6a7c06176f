"""What is held out of the clips, for validation and for testing."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

from audiotagger.datasets.clip import Clip

VALIDATION_SHARE = 0.1
"""Of the training clips of a label."""

SCORED_PER_SOURCE = 10
"""Most held-out clips of one source and label that are scored, or a few large sources would decide."""


def hold_out(clips: Sequence[Clip], fraction: float = VALIDATION_SHARE, fold: int = 0) -> tuple[list[Clip], list[Clip]]:
    """Split labelled clips into those to train on and those to validate with.

    What is held out of a label is whole sources, those that share a group together: a model can learn the room and the
    codec of a source instead of the sound, so a score on a source it was trained on is worth little. Where those that
    fit are too few, it is one source of up to half the label's clips; where a label has a single source, whole groups;
    and nothing where that is a single group.

    Parameters
    ----------
    clips
        Clips with labels.
    fraction
        How much of each label to hold out, about.
    fold
        Any number. Folds are draws of their own and may overlap. A fold depends on names alone: it is the same on
        every machine.

    Returns
    -------
    training, validation
        In the order of `clips`. Of a source that is held out, `validation` has what `limit_per_source` leaves, and
        `training` nothing.
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
    training = [clip for clip in clips if clip not in held]
    return training, limit_per_source([clip for clip in clips if clip in held])


def limit_per_source(clips: Sequence[Clip], most: int = SCORED_PER_SOURCE) -> list[Clip]:
    """Return `clips` in order with at most `most` of each source and label, the same ones on every machine."""
    kept: set[Clip] = set()
    for members in _by(clips, "source", "label").values():
        kept.update(sorted(members, key=lambda clip: _order("limit", clip.path.name))[:most])
    return [clip for clip in clips if clip in kept]


def hold_out_other(clips: Sequence[Clip]) -> tuple[list[Clip], list[Clip]]:
    """Split clips that have none of the labels into (training, test), a fifth of them, in whole groups, for testing."""
    held = _pick(_by(clips, "group"), round(0.2 * len(clips)), "other")
    return [clip for clip in clips if clip not in held], [clip for clip in clips if clip in held]


def _by(clips: Iterable[Clip], *fields: str) -> dict[str, list[Clip]]:
    members: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        members["\0".join(getattr(clip, field) for field in fields)].append(clip)
    return members


def _apart(clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    """Return the clips of each source; sources with a group in common are one, called by the first of their names."""
    name_of = {clip.source: clip.source for clip in clips}
    for members in _by(clips, "group").values():
        joined = {name_of[clip.source] for clip in members}
        name_of = {source: min(joined) if name in joined else name for source, name in name_of.items()}
    sources: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        sources[name_of[clip.source]].append(clip)
    return sources


def _order(salt: str, name: str) -> bytes:
    return hashlib.sha256(f"{salt}:{name}".encode("utf-8", "surrogateescape")).digest()


def _pick(units: dict[str, list[Clip]], wanted: int, salt: str) -> set[Clip]:
    """Return whole units in a fixed random order, each taken if it still fits; never all there are."""
    chosen: set[Clip] = set()
    for name in sorted(units, key=lambda name: _order(salt, name))[:-1]:
        if len(chosen) + len(units[name]) <= wanted:
            chosen |= set(units[name])
    return chosen
