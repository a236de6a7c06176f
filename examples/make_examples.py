# /// script
# requires-python = ">=3.11"
# dependencies = ["mido>=1.3", "numpy>=2.0", "soundfile>=0.13"]
# ///
"""Make the clips of this folder: short phrases on the General MIDI instruments of FluidR3, an MIT-licensed soundfont.

apt install fluidsynth fluid-soundfont-gm
pip install mido
python examples/make_examples.py
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import mido
import numpy as np
import soundfile

SOUNDFONT = "/usr/share/sounds/sf2/FluidR3_GM.sf2"
RATE = 48_000  # what Opus takes
BEAT = 480  # ticks; half a second

Note = tuple[int, float, float]  # MIDI key, beat it begins at, beats it lasts

# File: (General MIDI program, channel, notes). Channel 9 is percussion.
PHRASES: dict[str, tuple[int, int, list[Note]]] = {
    "acoustic_guitar.flac": (25, 0, [(key, i / 2, 2) for i, key in enumerate((52, 59, 64, 67, 71, 67, 64, 59))]),
    "flute.ogg": (73, 0, [(84, 0, 1), (86, 1, 1), (88, 2, 0.5), (86, 2.5, 0.5), (84, 3, 1), (83, 4, 1), (84, 5, 2)]),
    "glockenspiel.wav": (9, 0, [(key, i / 2, 1) for i, key in enumerate((84, 88, 91, 96, 91, 88, 84))]),
    "hi-hat.wav": (0, 9, [(42, i / 2, 0.25) for i in range(8)]),
    "trumpet.mp3": (56, 0, [(67, 0, 0.5), (67, 0.5, 0.5), (72, 1, 1.5), (76, 2.5, 0.5), (79, 3, 2)]),
    "violin.opus": (40, 0, [(69, 0, 1), (71, 1, 1), (72, 2, 1), (76, 3, 2), (74, 5, 1)]),
}


def midi(program: int, channel: int, notes: list[Note]) -> mido.MidiFile:
    """Return a phrase of one instrument."""
    events = [(begin, mido.Message("note_on", note=key, velocity=96, channel=channel)) for key, begin, _ in notes]
    events += [(begin + length, mido.Message("note_off", note=key, channel=channel)) for key, begin, length in notes]
    track = mido.MidiTrack([mido.Message("program_change", program=program, channel=channel)])
    now = 0
    for beat, message in sorted(events, key=lambda event: event[0]):
        tick = round(beat * BEAT)
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=BEAT))
    return mido.MidiFile(ticks_per_beat=BEAT, tracks=[track])


def main() -> None:
    """Render every phrase beside this script."""
    for name, phrase in PHRASES.items():
        with tempfile.TemporaryDirectory() as folder:
            score, rendered = Path(folder) / "phrase.mid", Path(folder) / "phrase.wav"
            midi(*phrase).save(score)
            subprocess.run(
                ["fluidsynth", "-ni", "-q", "-r", str(RATE), "-g", "0.8", "-F", str(rendered), SOUNDFONT, str(score)],
                check=True,
            )
            sound, _ = soundfile.read(rendered, always_2d=True)
        sounding = np.flatnonzero(np.abs(sound).max(axis=1) > 1e-3)
        sound = sound[sounding[0] : sounding[-1] + 1].mean(axis=1)
        path = Path(__file__).parent / name
        if name.endswith(".opus"):
            soundfile.write(path, sound, RATE, format="OGG", subtype="OPUS")
        else:
            soundfile.write(path, sound, RATE)


if __name__ == "__main__":
    main()
