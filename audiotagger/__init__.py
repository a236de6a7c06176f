"""Tag audio files with sound labels.

from audiotagger import Tagger

tagger = Tagger.load()
print(tagger.tag("song.wav").tags)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audiotagger.audio.discovery import find_audio
    from audiotagger.errors import AudioError, AudioTaggerError, AudioWarning, ExtraError, MetadataError, ModelError
    from audiotagger.inference.results import Segment, Tag, Tagging
    from audiotagger.inference.tagger import Tagger
    from audiotagger.output.metadata import write_tags

__all__ = [
    "AudioError",
    "AudioTaggerError",
    "AudioWarning",
    "ExtraError",
    "MetadataError",
    "ModelError",
    "Segment",
    "Tag",
    "Tagger",
    "Tagging",
    "find_audio",
    "write_tags",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Imported on first use: `audiotagger --help` imports this package and should not wait for numpy and onnxruntime.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from audiotagger import errors
    from audiotagger.audio import discovery
    from audiotagger.inference import results, tagger
    from audiotagger.output import metadata

    modules = (errors, results, tagger, discovery, metadata)
    return getattr(next(module for module in modules if hasattr(module, name)), name)
