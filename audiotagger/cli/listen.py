"""`audiotagger listen`."""

import sys
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from audiotagger.cli.console import Terminated, errors_to_exit_status, print_note
from audiotagger.cli.options import (
    LabelsOption,
    ModelsOption,
    QuietOption,
    ThresholdOption,
    TopKOption,
    WindowOption,
    read_labels,
)
from audiotagger.errors import AudioWarning


class LiveFormat(StrEnum):  # noqa: D101
    text = "text"
    table = "table"
    jsonl = "jsonl"


def listen(
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Microphone: number or part of the name in `python -m sounddevice`. [default: that of the system]",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--input", metavar="FILE", help="Instead: raw 16-bit samples of one channel, - for stdin."),
    ] = None,
    rate: Annotated[int, typer.Option(min=1000, max=1_000_000, metavar="HZ", help="Sample rate of --input.")] = 16_000,
    top_k: TopKOption = 3,
    min_score: Annotated[
        float, typer.Option(min=0.0, max=1.0, metavar="SCORE", help="Omit labels with a lower score.")
    ] = 0.0,
    threshold: ThresholdOption = 0.5,
    labels: LabelsOption = None,
    window: WindowOption = None,
    hop: Annotated[
        float, typer.Option(min=0.05, max=3600, metavar="SECONDS", help="Time from one result to the next.")
    ] = 1.0,
    output_format: Annotated[
        LiveFormat | None,
        typer.Option("--format", "-f", help="Output format. [default: table on a terminal, text in a pipe]"),
    ] = None,
    models: ModelsOption = None,
    quiet: QuietOption = False,
) -> None:
    """Tag what a microphone records.

    Every second it prints the labels of the last window.

    It runs until the input ends or it is stopped. Exit status: 0 the input ended, or ended by SIGTERM, 1 the microphone
    cannot be used, 2 wrong usage, 130 interrupted.
    """
    with errors_to_exit_status(), suppress(Terminated):
        from audiotagger.extras import require_extra

        if source is None:
            require_extra("live", "the microphone")
        elif device is not None:
            raise typer.BadParameter("--device and --input are two sources; give one")
        from audiotagger.inference.tagger import Tagger
        from audiotagger.live.displays import DISPLAYS
        from audiotagger.live.rolling import rolling_tags
        from audiotagger.live.sources import microphone, pcm

        def warn(warning: AudioWarning) -> None:
            if not quiet:
                print_note(warning.message)

        try:
            tagger = Tagger.load(models, window=window, threshold=threshold, labels=read_labels(labels))
        except (OverflowError, ValueError) as error:
            raise typer.BadParameter(str(error)) from None
        seconds = window or max(model.window_samples for model in tagger.models) / tagger.sample_rate
        if source is None:
            blocks = microphone(device, warn)
        elif source == "-" and sys.stdin is None:
            raise typer.BadParameter("stdin is closed")
        else:
            try:
                file = sys.stdin.buffer if source == "-" else Path(source).open("rb")  # noqa: SIM115 (read to the end)
            except OSError as error:
                raise typer.BadParameter(f"{source}: {error.strerror}") from None
            blocks = pcm(file, rate)
        chosen = output_format or (LiveFormat.table if sys.stdout.isatty() else LiveFormat.text)
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        with DISPLAYS[chosen](sys.stdout) as display:
            for moment in rolling_tags(tagger, blocks, window=seconds, hop=hop, top_k=top_k, min_score=min_score):
                display.write(moment)
