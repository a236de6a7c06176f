"""What is imported when: start-up is quick because of what is left out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TRAINING_ONLY = {"keras", "librosa", "onnx", "scipy", "sklearn", "tensorflow", "tf2onnx"}


RUN = "import sys; from audiotagger.cli import app; app(sys.argv[1:])"


def modules_after(*args: str) -> set[str]:
    script = f"import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); {RUN}"
    done = subprocess.run([sys.executable, "-c", script, *args], capture_output=True, check=True, text=True)
    return {name.partition(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize(
    "args",
    [
        ["--help"],
        ["tag", "--help"],
        ["train", "--help"],
        ["models", "verify", "--help"],
        ["show", "--help"],
        ["serve", "--help"],
        ["listen", "--help"],
        ["watch", "--help"],
    ],
)
def test_help_imports_no_numpy(args: list[str]) -> None:
    assert modules_after(*args).isdisjoint(TRAINING_ONLY | {"numpy", "onnxruntime", "soundfile", "soxr"})


def test_tagging_imports_nothing_of_training(clip: Path) -> None:
    script = "import sys; from audiotagger import Tagger; Tagger.load().tag(sys.argv[1]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script, clip], capture_output=True, check=True, text=True)
    imported = {name.partition(".")[0] for name in done.stdout.split()}
    assert "onnxruntime" in imported
    assert imported.isdisjoint(TRAINING_ONLY | {"av"})


def test_only_workers_import_decoders_and_models(clip: Path) -> None:
    assert modules_after("tag", str(clip)).isdisjoint({"numpy", "onnxruntime", "soundfile", "soxr"})


def test_validating_data_needs_no_training_extra(corpus: Path) -> None:
    assert modules_after("data", "validate", str(corpus)).isdisjoint(TRAINING_ONLY | {"av"})


def test_evaluating_needs_no_training_extra(corpus: Path) -> None:
    refused = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.modules['tensorflow'] = None; {RUN}", "evaluate", str(corpus)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert "do not know these labels" in refused.stderr  # which it finds out at the end of all imports


def test_verifying_models_needs_no_training_extra() -> None:
    assert modules_after("models", "verify").isdisjoint(TRAINING_ONLY | {"av"})


def test_listing_runs_needs_no_training_extra(tmp_path: Path) -> None:
    assert modules_after("runs", str(tmp_path)).isdisjoint(TRAINING_ONLY | {"matplotlib"})


@pytest.mark.parametrize(
    ("missing", "extra", "args"),
    [
        ("tensorflow", "train", ["train", "--model", "mel"]),
        ("tensorboard", "tensorboard", ["train", "--model", "mel", "--tensorboard"]),
        ("sklearn", "train", ["train", "--model", "mel"]),
        ("pooch", "train", ["data", "download", "fsdkaggle2018"]),
        ("ray", "ray", ["tag", "clip.wav", "--engine", "ray", "--output", "results"]),
        ("matplotlib", "plot", ["evaluate", "--plot", "confusion.png"]),
        ("matplotlib", "plot", ["show", "song.wav", "--png", "song.png"]),
        ("sounddevice", "live", ["listen"]),
        ("starlette", "serve", ["serve"]),
        ("watchfiles", "watch", ["watch", ".", "--output", "results.jsonl"]),
    ],
)
def test_a_missing_extra_is_one_line_with_the_command(
    tmp_path: Path, missing: str, extra: str, args: list[str]
) -> None:
    script = f"import sys; sys.modules[{missing!r}] = None; {RUN}"
    command = [sys.executable, "-c", script, *args]
    done = subprocess.run(command, capture_output=True, check=False, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"needs {missing}: " in done.stderr
    assert f'pip install -e "{Path(__file__).parent.parent}[{extra}]"' in done.stderr


def test_public_names() -> None:
    import audiotagger

    assert audiotagger.__all__ == [
        "AudioError",
        "AudioTaggerError",
        "AudioWarning",
        "ExtraError",
        "MetadataError",
        "ModelError",
        "Segment",
        "Tag",
        "Tagger",
        "Tagging",
        "find_audio",
        "write_tags",
    ]
    assert all(getattr(audiotagger, name).__name__ == name for name in audiotagger.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        audiotagger.nonsense  # noqa: B018
