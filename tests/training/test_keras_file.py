"""A .keras file may come from anywhere: what is wrong with it is one line, and no code in it is run."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("keras", reason="needs the extra train")

import keras

from audiotagger.errors import RunError
from audiotagger.inference.model import shipped_models
from audiotagger.training.keras_file import count_outputs, load_keras

SHIPPED = shipped_models() / "wave.keras"


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, contents: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def no_zip(path: Path) -> None:
    path.write_bytes(b"\x93NUMPY")


def cut_off(path: Path) -> None:
    path.write_bytes(SHIPPED.read_bytes()[:-1000])


def missing(path: Path) -> None:
    path.unlink(missing_ok=True)


def no_config(path: Path) -> None:
    write(path, {**members(SHIPPED), "config.json": b"[]"})


def damaged_weights(path: Path) -> None:
    write(path, {**members(SHIPPED), "model.weights.h5": b"\x89HDF\r\n\x1a\n" + bytes(1000)})


def bomb(path: Path) -> None:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("bomb", "w", force_zip64=True) as file,
    ):
        for _ in range(65):
            file.write(bytes(1 << 20))


def with_code(path: Path) -> None:
    with_lambda = keras.Sequential([keras.Input((1,)), keras.layers.Lambda(lambda x: x)])
    with_lambda.save(path)


def with_a_function_of_a_module(path: Path) -> None:
    contents = members(SHIPPED)
    config = json.loads(contents["config.json"])
    config["config"]["layers"].append({"module": "os", "class_name": "system", "config": "touch pwned", "name": "x"})
    write(path, {**contents, "config.json": json.dumps(config).encode()})


@pytest.mark.parametrize(
    "spoil",
    [no_zip, cut_off, missing, no_config, damaged_weights, bomb, with_code, with_a_function_of_a_module],
)
def test_hostile_files_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: object) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("audiotagger.training.keras_file.LARGEST", 64 << 20)  # quicker to reach than 512 MiB
    path = tmp_path / "model.keras"
    assert callable(spoil)
    spoil(path)
    with pytest.raises(RunError) as refused:
        load_keras(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("spoil", [no_zip, cut_off, missing, no_config, bomb])
def test_outputs_of_hostile_files_are_not_counted(tmp_path: Path, spoil: object) -> None:
    assert callable(spoil)
    spoil(tmp_path / "model.keras")
    with pytest.raises(RunError, match="not a model that training wrote"):
        count_outputs(tmp_path / "model.keras")


def test_the_shipped_file_is_loaded() -> None:
    assert count_outputs(SHIPPED) == load_keras(SHIPPED).get_layer("logits").units
    assert load_keras(SHIPPED).get_layer("embedding").output.shape[-1] > 0
