"""What a training run shows while it goes on, on stderr and for TensorBoard."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import keras
import tensorflow as tf
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from audiotagger.training.run_folder import unwritable

COLUMNS = {"val_map3": "validation MAP@3", "val_top1": "top-1", "clips_per_second": "clips/s"}
"""What the columns of a history are called, after epoch and loss; those that a run does not have are left out."""

SHOWN = 10
"""How many of the last epochs are shown."""


def progress_bar(console: Console) -> Progress:
    """A bar for tasks; nothing where stderr is no terminal."""
    return Progress(*_columns(), console=console, transient=True, disable=not console.is_terminal)


def _columns() -> tuple[Any, ...]:
    return TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()


class Display:
    """A run as it goes on: on a terminal a table of the last epochs and a bar of all steps, else a line an epoch."""

    def __init__(self, console: Console, name: str, epochs: int, total_steps: int) -> None:
        self._console, self._epochs = console, epochs
        self._history: Sequence[Mapping[str, float]] = ()
        self._loss = ""
        self._progress = Progress(*_columns(), console=console)
        self._task = self._progress.add_task(name, total=total_steps)
        self._live = Live(get_renderable=self._render, console=console, redirect_stdout=False)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        self._live.stop()

    def begin(self, step: int, history: Sequence[Mapping[str, float]]) -> None:
        """Show what a run that goes on has done already."""
        self._history = tuple(history)
        self._progress.reset(self._task, completed=step)

    def step(self, step: int, loss: float) -> None:
        """Show that `step` steps are done; `loss` is that of the last."""
        self._loss = f"{loss:.3f}"
        self._progress.update(self._task, completed=step)

    def epoch(self, history: Sequence[Mapping[str, float]]) -> None:
        """Show the last row of the history, as history.csv has it."""
        self._history, self._loss, row = tuple(history), "", history[-1]
        if self._console.is_terminal:
            return
        scores = f"validation MAP@3 {row['val_map3']:.3f}  top-1 {row['val_top1']:.3f}  " if "val_map3" in row else ""
        self._console.print(
            f"epoch {row['epoch']:>3}/{self._epochs}  loss {row['loss']:.3f}  "
            f"{scores}{row['clips_per_second']:.0f} clips/s"
        )

    def _render(self) -> Group:
        columns = [name for name in COLUMNS if self._history and name in self._history[-1]]
        table = Table(box=None)
        for title in ("epoch", "loss", *(COLUMNS[name] for name in columns)):
            table.add_column(title, justify="right")
        for row in self._history[-SHOWN:]:
            cells = (f"{row[name]:.{0 if name == 'clips_per_second' else 3}f}" for name in columns)
            table.add_row(f"{row['epoch']}/{self._epochs}", f"{row['loss']:.3f}", *cells)
        if self._loss:
            table.add_row(f"{len(self._history) + 1}/{self._epochs}", self._loss, style="dim")
        return Group(table, self._progress)


class TensorBoardLogger:
    """Event files in `folder`, or nothing where that is None. Every method raises RunError if they cannot be written.

    Those of before are removed: of a run that goes on, the epochs that are done are to be told again, as what was not
    yet on the disk when it was stopped would be missing.
    """

    def __init__(self, folder: Path | None, net: keras.Model) -> None:
        self._folder = folder
        callbacks = []
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
            callbacks.append(keras.callbacks.TensorBoard(folder, write_graph=False))
        self._callbacks = keras.callbacks.CallbackList(callbacks, model=net)
        self._guard(self._callbacks.on_train_begin)

    def epoch(self, row: Mapping[str, float]) -> None:
        """Tell of an epoch by its row of the history, at the learning rate that the net's optimizer has now."""
        logs = {name: value for name, value in row.items() if name != "epoch"}
        self._guard(lambda: self._callbacks.on_epoch_end(row["epoch"], logs))

    def close(self) -> None:
        """Put on the disk what is not there yet."""
        self._guard(self._callbacks.on_train_end)

    def _guard(self, tell: Callable[[], None]) -> None:
        try:
            tell()
        except tf.errors.OpError as error:
            raise unwritable(self._folder, str(error.message).partition("\n")[0]) from None
