"""What workers of a `WorkerPool` are asked to do: load a `Tagger`, then tag or embed a file with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audiotagger.inference.worker_process import File

if TYPE_CHECKING:
    from audiotagger.audio.types import Array
    from audiotagger.errors import AudioWarning
    from audiotagger.inference.results import Tagging
    from audiotagger.inference.tagger import Tagger


@dataclass(frozen=True)
class Loaded:
    """The models and labels of a `Tagger` in a worker."""

    models: Mapping[str, str]
    """By name: a line about each."""
    versions: Mapping[str, str]
    """By name."""
    labels: Sequence[str]


def load_tagger(**options: Any) -> tuple[Tagger, Loaded]:
    """Return a `Tagger`, and what it is made of. Options and errors are those of `Tagger.load`."""
    from audiotagger.inference.tagger import Tagger

    tagger = Tagger.load(**options)
    lines = {model.name: f"{model.path}: {model.kind} model, version {model.version}" for model in tagger.models}
    return tagger, Loaded(lines, {model.name: model.version for model in tagger.models}, tagger.labels)


def tag(tagger: Tagger, file: File, *, labels: Collection[str] | None = None, **options: Any) -> Tagging | ValueError:
    """Tag a file, with the options of `Tagger.tag`; return the error if `labels` are given and one is unknown."""
    try:
        chosen = tagger if labels is None else tagger.with_labels(labels)
    except ValueError as error:
        return error
    return chosen.tag(file, **options)


def embed(tagger: Tagger, file: File) -> tuple[Array, list[AudioWarning]]:
    """Return the embedding of a file, and what is wrong with the file all the same."""
    warnings: list[AudioWarning] = []
    return tagger.embed(file, warn=warnings.append), warnings
