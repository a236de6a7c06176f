"""Progress of a training run, on stderr and for TensorBoard."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import keras
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from audiotagger.training.run_folder import unwritable

COLUMNS = {"val_map3": "val MAP@3", "val_top1": "val top-1", "clips_per_second": "clips/s"}
"""Titles of columns of a history that are shown after epoch and loss, in the history's order."""

SHOWN = 10
"""Number of epochs shown, the last ones."""


def progress_bar(console: Console) -> Progress:
    """Return a progress bar, which shows nothing if stderr is not a terminal."""
    return Progress(*_columns(), console=console, transient=True, disable=not console.is_terminal)


def _columns() -> tuple[Any, ...]:
    return TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()


class Display:
    """Shows a run: on a terminal a table of the last epochs and a progress bar, elsewhere one line per epoch."""

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
        """Show what a resumed run has done already."""
        self._history = tuple(history)
        self._progress.reset(self._task, completed=step)

    def step(self, step: int, loss: float) -> None:
        """Show that `step` steps are done, the last of them with this `loss`."""
        self._loss = f"{loss:.3f}"
        self._progress.update(self._task, completed=step)

    def epoch(self, history: Sequence[Mapping[str, float]]) -> None:
        """Show the last row of the history, whose keys are the columns of history.csv."""
        self._history, self._loss, row = tuple(history), "", history[-1]
        if self._console.is_terminal:
            return
        scores = "".join(f"{COLUMNS[name]} {row[name]:.3f}  " for name in _shown(row)[:-1])
        self._console.print(
            f"epoch {row['epoch']:>3}/{self._epochs}  loss {row['loss']:.3f}  "
            f"{scores}{row['clips_per_second']:.0f} clips/s"
        )

    def _render(self) -> Group:
        columns = _shown(self._history[-1]) if self._history else []
        table = Table(box=None)
        for title in ("epoch", "loss", *(COLUMNS[name] for name in columns)):
            table.add_column(title, justify="right")
        for row in self._history[-SHOWN:]:
            cells = (f"{row[name]:.{0 if name == 'clips_per_second' else 3}f}" for name in columns)
            table.add_row(f"{row['epoch']}/{self._epochs}", f"{row['loss']:.3f}", *cells)
        if self._loss:
            table.add_row(f"{len(self._history) + 1}/{self._epochs}", self._loss, style="dim")
        return Group(table, self._progress)


def _shown(row: Mapping[str, float]) -> list[str]:
    """Return the columns to show, clips_per_second last."""
    return [name for name in row if name in COLUMNS]


class TensorBoardLogger:
    """Writes event files to `folder`; nothing if that is None. Every method raises RunError if that is not possible.

    Earlier event files are removed: a resumed run logs its finished epochs again, as those that were not yet on the
    disk when it was interrupted would be missing.
    """

    def __init__(self, folder: Path | None, model: keras.Model) -> None:
        self._folder = folder
        callbacks = []
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
            callbacks.append(keras.callbacks.TensorBoard(folder, write_graph=False))
        self._callbacks = keras.callbacks.CallbackList(callbacks, model=model)
        self._guard(self._callbacks.on_train_begin)

    def epoch(self, row: Mapping[str, float]) -> None:
        """Log an epoch, a row of the history, at the current learning rate of the model's optimizer."""
        logs = {name: value for name, value in row.items() if name != "epoch"}
        self._guard(lambda: self._callbacks.on_epoch_end(row["epoch"], logs))

    def close(self) -> None:
        """Flush the event files."""
        self._guard(self._callbacks.on_train_end)

    def _guard(self, tell: Callable[[], None]) -> None:
        if self._folder is None:
            return
        import tensorflow as tf  # which writes the files, whatever Keras runs on

        try:
            tell()
        except tf.errors.OpError as error:
            raise unwritable(self._folder, str(error.message).partition("\n")[0]) from None
