"""Other programs that run the ONNX files: they get the scores that audiotagger gets."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from audiotagger.audio.decoding import native_blocks, read_waveform
from audiotagger.audio.filters import remove_rumble
from audiotagger.inference.model import Model, model_files
from tests.conftest import EXAMPLES

ROOT = Path(__file__).parents[2]

VIOLIN = EXAMPLES / "violin.opus"

NUMBER = re.compile(r"(?<= )[\d.e-]+$", re.MULTILINE)

pytestmark = pytest.mark.slow


def example(language: str) -> str:
    """The example of a language in docs/onnx.md."""
    (found,) = re.findall(
        rf"^```{language}\n(.*?)^```$", (ROOT / "docs" / "onnx.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    return str(found)


def output(*command: object, cwd: Path) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, check=False, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def node(script: str, demo: Path) -> str:
    """What a module prints that is beside the modules of the demo and the packages."""
    for module in (ROOT / "docs" / "demo").glob("*.js"):
        shutil.copy(module, demo)
    (demo / "script.mjs").write_text(script, encoding="utf-8")
    return output("node", "script.mjs", cwd=demo)


def same(printed: str, expected: str) -> None:
    """Fail unless both are the same labels, one a line, with the same scores but for rounding."""
    assert NUMBER.sub("", printed) == NUMBER.sub("", expected)
    scores = [list(map(float, NUMBER.findall(text))) for text in (printed, expected)]
    assert len(scores[0]) == 3
    assert scores[0] == pytest.approx(scores[1], abs=0.0011)


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Where the Python example of docs/onnx.md ran, and what it printed."""
    folder = tmp_path_factory.mktemp("onnx")
    for name in ("examples", "models"):
        (folder / name).symlink_to(ROOT / name)
    return folder, output(sys.executable, "-c", example("python"), cwd=folder)


def test_onnxruntime_web_predicts_as_onnxruntime(demo: Path) -> None:
    paths = model_files(ROOT / "models")
    models = [Model.load(path) for path in paths]
    size = models[0].window_samples
    clip = np.resize(read_waveform(VIOLIN, models[0].sample_rate), size)
    clip.tofile(demo / "clip.f32")
    script = f"""
        import {{ readFile }} from "node:fs/promises";
        import * as ort from "onnxruntime-web";
        const read = async (path) => new Uint8Array(await readFile(path));
        const clip = new Float32Array((await read("clip.f32")).buffer);
        const predicted = [];
        for (const path of {json.dumps(list(map(str, paths)))}) {{
          const model = await ort.InferenceSession.create(await read(path), {{ executionProviders: ["wasm"] }});
          const waveform = new ort.Tensor("float32", clip, [1, clip.length]);
          const {{ probabilities, embedding }} = await model.run({{ waveform }});
          predicted.push([[...probabilities.data], [...embedding.data]]);
        }}
        console.log(JSON.stringify(predicted));
    """
    for model, (probabilities, embedding) in zip(models, json.loads(node(script, demo)), strict=True):
        (expected,) = model.predict(clip[None])
        assert np.abs(expected - probabilities).max() <= 1e-4
        assert np.argsort(probabilities)[-3:].tolist() == np.argsort(expected)[-3:].tolist()
        assert len(embedding) == model.embedding_size


def test_the_demo_reads_metadata_as_onnxruntime(demo: Path) -> None:
    for path in model_files(ROOT / "models"):
        script = f"""
            import {{ readFile }} from "node:fs/promises";
            import {{ metadata }} from "./metadata.js";
            console.log(JSON.stringify(metadata(await readFile({json.dumps(str(path))}))));
        """
        found = json.loads(node(script, demo))
        assert found == Model.load(path)._session.get_modelmeta().custom_metadata_map


@pytest.mark.parametrize("samples", [100, 48_123])
def test_the_demo_removes_rumble_as_audiotagger(samples: int, demo: Path) -> None:
    ((rate, block),) = native_blocks(VIOLIN)
    waveform = block[:samples] + np.float32(0.2)
    waveform[samples // 2 :] = 0
    waveform.tofile(demo / "waveform.f32")
    script = f"""
        import {{ readFile, writeFile }} from "node:fs/promises";
        import {{ removeRumble }} from "./filters.js";
        const waveform = new Float32Array(new Uint8Array(await readFile("waveform.f32")).buffer);
        await writeFile("without.f32", removeRumble(waveform, {rate}));
    """
    node(script, demo)
    expected = np.concatenate(list(remove_rumble([waveform], rate)))
    np.testing.assert_allclose(np.fromfile(demo / "without.f32", np.float32), expected, atol=1e-5)
    assert np.abs(expected - waveform).max() > 0.05  # it does remove something


def test_python_example(python: tuple[Path, str]) -> None:
    folder, printed = python
    model = Model.load(ROOT / "models" / "mel.onnx")
    (expected,) = model.predict(np.fromfile(folder / "window.f32", np.float32)[None])
    same(printed, "".join(f"{model.labels[i]} {expected[i]:.3f}\n" for i in np.argsort(-expected)[:3]))


def test_javascript_example(python: tuple[Path, str], demo: Path) -> None:
    folder, expected = python
    shutil.copy(folder / "window.f32", demo)
    if not (demo / "models").exists():
        (demo / "models").symlink_to(ROOT / "models")
    same(node(example("js"), demo), expected)


def test_cpp_example(python: tuple[Path, str]) -> None:
    """Compiled against ONNX Runtime where it is installed; elsewhere only checked against declarations of it."""
    folder, expected = python
    if not shutil.which("g++"):
        pytest.skip("needs g++")
    (folder / "tag.cpp").write_text(example("cpp"), encoding="utf-8")
    compiler = ("g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "tag.cpp")
    output(*compiler, "-fsyntax-only", "-I", Path(__file__).parent / "declarations", cwd=folder)
    if release := os.environ.get("ONNXRUNTIME_DIR"):
        flags = [f"-I{release}/include", f"-L{release}/lib", f"-Wl,-rpath,{release}/lib", "-lonnxruntime"]
    elif (
        shutil.which("pkg-config")
        and not subprocess.run(["pkg-config", "--exists", "libonnxruntime"], check=False).returncode
    ):
        flags = output("pkg-config", "--cflags", "--libs", "libonnxruntime", cwd=folder).split()
    else:
        pytest.skip("syntax checked; to run it, set ONNXRUNTIME_DIR to a release of ONNX Runtime for C++")
    output(*compiler, *flags, "-o", "tag", cwd=folder)
    same(output("./tag", cwd=folder), expected)
