"""Write embeddings of files: a table with a row per file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiotagger.errors import OutputError
from audiotagger.output import replacing

Embeddings = Mapping[str, NDArray[np.float32]]
"""By path, each [n]."""


def write_npz(path: Path, embeddings: Embeddings) -> None:
    """Write arrays path [files] and embedding [files, n], to be read with numpy.load."""
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez(file, path=np.array(list(embeddings), str), embedding=_stacked(embeddings))


def write_parquet(path: Path, embeddings: Embeddings) -> None:
    """Write columns path and embedding, a list of n numbers. Raises OutputError without pyarrow."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise OutputError(f'{path}: parquet needs pyarrow: pip install "audiotagger-nets[parquet]"') from None
    rows = pyarrow.FixedSizeListArray.from_arrays(_stacked(embeddings).ravel(), _stacked(embeddings).shape[1])
    with replacing(path) as partial:
        pyarrow.parquet.write_table(pyarrow.table({"path": list(embeddings), "embedding": rows}), partial)


WRITERS: Mapping[str, Callable[[Path, Embeddings], None]] = {".npz": write_npz, ".parquet": write_parquet}
"""By the suffix of the file."""


def _stacked(embeddings: Embeddings) -> NDArray[np.float32]:
    return np.stack(list(embeddings.values())) if embeddings else np.zeros((0, 1), np.float32)
