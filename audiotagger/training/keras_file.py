"""Load a .keras file that may come from anywhere."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras

from audiotagger.errors import RunError
from audiotagger.inference.contract import LARGEST
from audiotagger.training import layers  # noqa: F401 (Keras must know them)


def load_keras(path: Path) -> keras.Model:
    """Load a model without running code that the file holds.

    Parameters
    ----------
    path
        A .keras file, as training writes it.

    Returns
    -------
    keras.Model
        The model, not compiled.

    Raises
    ------
    RunError
        There is no such file, or it is something else: damaged, too large when it is unpacked, or with code in it.
    """
    with _opened(path):
        return keras.saving.load_model(path, compile=False, safe_mode=True)


def count_outputs(path: Path) -> int:
    """Return the number of outputs of a .keras file. Raises RunError as `load_keras` does.

    That would start TensorFlow, which in a distributed run must not happen before all workers have joined.
    """
    with _opened(path) as archive:
        config = json.loads(archive.read("config.json"))["config"]
        return int(next(layer["config"]["units"] for layer in config["layers"] if layer["name"] == "logits"))


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a .keras file, and turn whatever goes wrong with it into a RunError."""
    try:
        with zipfile.ZipFile(path) as archive:
            if (size := sum(member.file_size for member in archive.infolist())) > LARGEST:
                raise ValueError(f"{size >> 20} MiB when unpacked, the limit is {LARGEST >> 20} MiB")
            yield archive
    except Exception as error:  # Keras raises whatever its parts raise
        reason = str(error).partition("\n")[0].partition(". ")[0] or type(error).__name__
        raise RunError(f"{path}: not a model that training wrote ({reason}); train it again") from None
