"""Progress of a training run: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from audiotagger.training.progress import SHOWN, Display

EPOCHS = 12


def history(epochs: int, scores: bool = True) -> list[dict[str, Any]]:
    of_epoch = {"val_map3": 0.5, "val_macro_map3": 0.4, "val_top1": 0.25} if scores else {}
    return [{"epoch": i + 1, "loss": 3 - i / 10, **of_epoch, "clips_per_second": 123.4} for i in range(epochs)]


def shown(terminal: bool, scores: bool = True) -> str:
    """All that is written by a run that was resumed with the third epoch and is now training the last."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=100, height=40, color_system=None)
    with Display(console, "mel", EPOCHS, total_steps=EPOCHS * 10) as display:
        display.begin(20, history(2, scores))
        for epoch in range(3, EPOCHS):
            display.step(epoch * 10, 2.0)
            display.epoch(history(epoch, scores))
        display.step((EPOCHS - 1) * 10 + 5, 1.234)
    return file.getvalue()


def test_a_terminal_gets_the_last_epochs_and_a_bar() -> None:
    last = shown(terminal=True).split("epoch")[-1].splitlines()
    assert last[0].split() == ["loss", "val", "MAP@3", "val", "top-1", "clips/s"]
    table = [line.split() for line in last[1 : SHOWN + 2]]
    assert table[:-1] == [
        [f"{i}/{EPOCHS}", f"{3 - (i - 1) / 10:.3f}", "0.500", "0.250", "123"] for i in range(EPOCHS - SHOWN, EPOCHS)
    ]
    assert table[-1] == [f"{EPOCHS}/{EPOCHS}", "1.234"]
    bar = last[SHOWN + 2].split()
    assert bar[0] == "mel"
    assert "115/120" in bar
    assert bar[-1].count(":") == 2  # time left


def test_elsewhere_each_epoch_is_a_line() -> None:
    lines = shown(terminal=False).splitlines()
    assert lines[0] == "epoch   3/12  loss 2.800  val MAP@3 0.500  val top-1 0.250  123 clips/s"
    assert len(lines) == EPOCHS - 3


def test_without_validation_there_is_no_score() -> None:
    assert "MAP@3" not in shown(terminal=True, scores=False)
    assert shown(terminal=False, scores=False).splitlines()[0] == "epoch   3/12  loss 2.800  123 clips/s"
