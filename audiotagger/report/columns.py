"""A series of any length, kept as a few columns: what a picture or a time line shows of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Columns:
    """Averages rows that come one after the other to at most `limit`, in memory that does not grow with their number.

    Whenever there are too many, neighbours are merged in pairs, so that all columns but the last stand for equally many
    rows.

    Parameters
    ----------
    limit
        Highest number of columns; even.
    size
        Length of a row.
    """

    def __init__(self, limit: int, size: int) -> None:
        self._sums = np.zeros((limit, size))
        self._counts = np.zeros(limit)
        self.rows_per_column = 1
        self._rows = 0

    def add(self, rows: NDArray[np.floating]) -> None:
        """Append rows [n, size]."""
        limit = len(self._sums)
        while len(rows):
            if self._rows == limit * self.rows_per_column:
                self._sums = np.concatenate([self._sums[::2] + self._sums[1::2], np.zeros_like(self._sums[::2])])
                self._counts = np.concatenate([self._counts[::2] + self._counts[1::2], np.zeros(limit // 2)])
                self.rows_per_column *= 2
            fitting = rows[: limit * self.rows_per_column - self._rows]
            columns = (self._rows + np.arange(len(fitting))) // self.rows_per_column
            np.add.at(self._sums, columns, fitting)
            np.add.at(self._counts, columns, 1)
            self._rows += len(fitting)
            rows = rows[len(fitting) :]

    def means(self) -> NDArray[np.float64]:
        """Return the mean of the rows of each column, [columns, size]."""
        used = -(-self._rows // self.rows_per_column)
        means: NDArray[np.float64] = self._sums[:used] / self._counts[:used, None]
        return means
