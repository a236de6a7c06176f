"""`audiotagger embed` and `Tagger.embed`: a vector for each file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import Result

from audiotagger import Tagger
from tests.conftest import noise, tone

Run = Callable[..., Result]


@pytest.mark.parametrize("name", ["out.npz", "out.parquet"])
def test_embeddings_of_like_sounds_are_alike(run: Run, tmp_path: Path, name: str) -> None:
    if name.endswith("parquet"):
        parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra parquet")
    (tmp_path / "sounds").mkdir()
    for i, sound in enumerate((noise(3.0), noise(3.0, seed=1), tone(3.0))):
        soundfile.write(tmp_path / "sounds" / f"{i}.wav", sound, 16_000)
    (tmp_path / "sounds" / "bad.wav").write_bytes(b"RIFF\0\0\0\0WAVEnothing")
    done = run("embed", tmp_path / "sounds", "--output", tmp_path / name)
    assert done.exit_code == 1
    assert "bad.wav" in done.stderr
    if name.endswith("npz"):
        with np.load(tmp_path / name) as arrays:
            paths, embedding = arrays["path"].tolist(), arrays["embedding"]
    else:
        table = parquet.read_table(tmp_path / name).to_pydict()
        paths, embedding = table["path"], np.array(table["embedding"], np.float32)
    assert [Path(path).name for path in paths] == ["0.wav", "1.wav", "2.wav"]
    unit = embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
    assert unit[0] @ unit[1] > unit[0] @ unit[2]
    np.testing.assert_allclose(Tagger.load().embed(paths[2]), embedding[2], rtol=1e-5)
    assert run("embed", tmp_path / "sounds", "--output", tmp_path / "out.txt").exit_code == 2
    assert run("embed", tmp_path / "sounds", "--output", tmp_path / "missing" / name).exit_code == 2
    before = (tmp_path / name).read_bytes()
    assert run("embed", tmp_path / "sounds", "--window", "inf", "--output", tmp_path / name).exit_code == 2
    assert (tmp_path / name).read_bytes() == before
