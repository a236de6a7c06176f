"""Score finished training runs, and the average of all of them, on the clips that were held out from them.

    python benchmarks/held_out.py runs/mel-20260101-120000 runs/wave-20260101-120000

Test clips are never looked at.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import keras
import numpy as np
import typer
from numpy.typing import NDArray

from audiotagger import metrics
from audiotagger.training import networks
from audiotagger.training.corpus import hold_out, read_corpus
from audiotagger.training.pipeline import decode_all
from audiotagger.training.runs import Config
from audiotagger.training.validation import Validation


def main(runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of finished runs.")]) -> None:
    """Print MAP@3, its mean over labels, top-1 and calibration error of each run and of their average."""
    everyones = {}
    for run in runs:
        everyones[str(run)], truth = judge(run)
    if len(runs) > 1:
        everyones["average"] = np.mean([*everyones.values()], axis=0)
    for name, scores in everyones.items():
        figures = {**summary(scores, truth), "ece": f"{metrics.calibration_error(scores, truth):.3f}"}
        typer.echo(" ".join(f"{key}={value}" for key, value in {"name": name, "clips": len(truth), **figures}.items()))


def judge(run: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Scores [clips, labels] of a finished run on its held-out clips, and their true labels."""
    config = Config.read(run)
    if config.fold is None:
        raise typer.BadParameter(f"{run}: nothing was held out from this run")
    corpus = read_corpus(Path(config.data))
    _, clips = hold_out(corpus.train, fold=config.fold)
    everything = [*corpus.train, *corpus.other, *corpus.unlabelled]
    decoded = decode_all(everything, networks.SAMPLE_RATE, lambda *_: None)
    waveforms = decoded.take([everything.index(clip) for clip in clips])
    held_out = Validation(clips, waveforms, corpus.labels, round(config.recipe.window * networks.SAMPLE_RATE))
    net = keras.saving.load_model(run / "model.keras", compile=False)
    temperature = json.loads((run / "result.json").read_text())["temperature"]
    return held_out.scores(held_out.logits(net), temperature), held_out.truth


def summary(scores: NDArray[np.float64], truth: NDArray[np.int64]) -> dict[str, str]:
    """MAP@3, macro MAP@3 and top-1 of scores [clips, labels], as text."""
    measures = {"map3": metrics.map_at, "macro": metrics.macro_map_at, "top1": metrics.top_1}
    return {name: f"{measure(scores, truth):.3f}" for name, measure in measures.items()}


if __name__ == "__main__":
    typer.run(main)
