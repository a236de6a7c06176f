from __future__ import annotations

from pathlib import Path

from audiotagger import Tagger
from audiotagger.audio.discovery import find_audio
from tests.conftest import EXAMPLES

LABELS = {
    "acoustic_guitar.flac": "Acoustic_guitar",
    "flute.ogg": "Flute",
    "glockenspiel.wav": "Glockenspiel",
    "hi-hat.wav": "Hi-hat",
    "trumpet.mp3": "Trumpet",
    "violin.opus": "Violin_or_fiddle",
}


def test_the_shipped_models_are_right_on_all_examples() -> None:
    files = find_audio([str(EXAMPLES)])
    predicted = {Path(result.path).name: result.tags[0].label for result in Tagger.load().tag_files(files)}
    assert predicted == LABELS
