"""Listen to an audio file and say what it hears.

from audiotagger import Tagger

tagger = Tagger.load()
print(tagger.tag("song.wav").tags)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audiotagger.errors import AudioError, AudioTaggerError, ModelError
    from audiotagger.files import find_audio
    from audiotagger.results import Segment, Tag, Tagging
    from audiotagger.tagger import Tagger

__all__ = ["AudioError", "AudioTaggerError", "ModelError", "Segment", "Tag", "Tagger", "Tagging", "find_audio"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Loaded on first use: `audiotagger --help` imports this package and must not wait for numpy and onnxruntime.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from audiotagger import errors, files, results, tagger

    return getattr(next(module for module in (errors, results, tagger, files) if hasattr(module, name)), name)
