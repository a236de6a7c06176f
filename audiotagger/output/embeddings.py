"""Write embeddings to a file, one row per audio file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from audiotagger.audio.types import Array
from audiotagger.extras import require_extra

Embeddings = Mapping[str, Array]
"""Embeddings [n] by path."""


def write_npz(path: Path, embeddings: Embeddings) -> None:
    """Write the arrays path [files] and embedding [files, n], for numpy.load."""
    with path.open("wb") as file:
        np.savez(file, path=np.array(list(embeddings), str), embedding=_stacked(embeddings))


def write_parquet(path: Path, embeddings: Embeddings) -> None:
    """Write the columns path and embedding, a list of n numbers; bytes of a path that are not valid text are escaped.

    Raises
    ------
    ExtraError
        pyarrow is not installed.
    """
    require_extra("parquet", "Parquet output")
    import pyarrow
    import pyarrow.parquet

    stacked = _stacked(embeddings)
    paths = [path.encode(errors="backslashreplace").decode() for path in embeddings]
    vectors = pyarrow.FixedSizeListArray.from_arrays(stacked.ravel(), stacked.shape[1])
    pyarrow.parquet.write_table(pyarrow.table({"path": paths, "embedding": vectors}), path)


EMBEDDING_WRITERS: Mapping[str, Callable[[Path, Embeddings], None]] = {".npz": write_npz, ".parquet": write_parquet}
"""By suffix of the file."""


def _stacked(embeddings: Embeddings) -> Array:
    return np.stack(list(embeddings.values())) if embeddings else np.zeros((0, 1), np.float32)
