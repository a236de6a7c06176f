"""README and the pages under docs/ do not lie: what they show is what the program prints, and their commands work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from tests.conftest import EXAMPLES, noise, tone

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
GENERATED = [page for page in PAGES if "[[[cog" in page.read_text("utf-8")]

Shell = Callable[[str], "subprocess.CompletedProcess[str]"]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def commands(page: Path) -> list[str]:
    """The lines of a page's blocks of shell commands; those that .ci/run runs, and those marked "not run", left out."""
    blocks = re.findall(
        r"(?:^<!-- ([^\n]*) -->\n)?^```sh\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    others = [text for marker, text in blocks if not re.match(r"install|test|not run", marker)]
    return [line for text in others for line in text.splitlines() if line.strip()]


def needs_training(line: str) -> bool:
    return bool(re.search(r"\b(sounds|mymodels|runs)\b", line))


def shell(folder: Path) -> Shell:
    """A function that runs a command line in `folder`, once, and returns what came of it."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "AUDIOTAGGER_CACHE": str(folder / "cache")}
    done: dict[str, subprocess.CompletedProcess[str]] = {}

    def run(line: str) -> subprocess.CompletedProcess[str]:
        line = line.replace("audiotagger train ", "audiotagger train --epochs 2 ")
        if line not in done:
            done[line] = subprocess.run(
                ["bash", "-o", "pipefail", "-c", line],
                cwd=folder,
                capture_output=True,
                check=False,
                text=True,
                timeout=600,
                env=env,
            )
        assert done[line].returncode == 0, f"{line}: {done[line].stderr}"
        return done[line]

    return run


@pytest.fixture
def workplace(tmp_path: Path) -> Shell:
    """A folder as the pages assume it: examples, models and recordings."""
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    (tmp_path / "models").symlink_to(ROOT / "models")
    (tmp_path / "recordings").mkdir()
    soundfile.write(tmp_path / "recordings" / "door.wav", tone(2.0, hertz=500), 16_000)
    return shell(tmp_path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A folder in which `docs/own-labels.md` was followed to its end."""
    pytest.importorskip("tensorflow", reason="needs the extra train")
    folder = tmp_path_factory.mktemp("own-labels")
    for split, count in (("train", 10), ("test", 3)):
        for i in range(count):
            for label, sound in (("Doorbell", tone(1.0, hertz=300 + 40 * i)), ("Drill", noise(1.0, seed=i))):
                path = folder / "sounds" / split / label / f"{split}{i}.wav"
                path.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(path, sound, 16_000)
    (folder / "recordings").mkdir()
    soundfile.write(folder / "recordings" / "door.wav", tone(2.0, hertz=500), 16_000)
    run = shell(folder)
    for line in commands(DOCS / "own-labels.md"):
        run(line)
    return run


@pytest.mark.parametrize("page", GENERATED, ids=named)
def test_generated_parts_are_up_to_date(page: Path) -> None:
    pytest.importorskip("cogapp", reason="needs the extra dev")
    done = subprocess.run(
        [sys.executable, "-m", "cogapp", "-I", "docs", page], cwd=ROOT, capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    shown, printed = page.read_text("utf-8"), done.stdout
    score = r"(?<![\d.])[01]\.\d+"
    # Scores, and the bars of a table, may differ a little from machine to machine.
    words = [re.sub(rf"{score}|[━╸╺ ░▒▓█▁▂▃▄▅▆▇]+", " ", text).split() for text in (shown, printed)]
    assert words[0] == words[1], "run `cog -r -I docs README.md docs/*.md`"
    scores = [[float(number) for number in re.findall(score, text)] for text in (shown, printed)]
    assert scores[0] == pytest.approx(scores[1], abs=0.011), "run `cog -r -I docs README.md docs/*.md`"


def new_commands(page: Path) -> list[str]:
    """Those of a page that need no training and that no page before shows."""
    before = {line for earlier in PAGES[: PAGES.index(page)] for line in commands(earlier)}
    return [line for line in commands(page) if line not in before and not needs_training(line)]


@pytest.mark.parametrize("page", [page for page in PAGES if new_commands(page)], ids=named)
def test_commands_run_as_written(page: Path, workplace: Shell) -> None:
    missing = set()
    for line in new_commands(page):
        if absent := {tool for tool in ("column", "jq", "parallel") if tool in line.split() and not shutil.which(tool)}:
            missing |= absent
        else:
            workplace(line)
    if missing:
        pytest.skip(f"all but the lines that need {' and '.join(missing)}")


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if any(map(needs_training, commands(page)))], ids=named)
def test_commands_of_training_run_as_written(page: Path, trained: Shell) -> None:
    for line in filter(needs_training, commands(page)):
        trained(line)


@pytest.mark.slow
def test_own_labels_are_learned(trained: Shell) -> None:
    printed = {line.split()[1]: trained(line) for line in commands(DOCS / "own-labels.md")}
    assert list(printed) == ["tag", "data", "train", "export", "evaluate"]
    assert "a new output layer" in printed["train"].stderr
    assert re.findall(r"mymodels/(\w+)\.onnx", printed["export"].stdout) == ["mel", "wave"]
    # Such sounds are far apart: two epochs are enough.
    ensemble = next(line for line in printed["evaluate"].stdout.splitlines() if line.split()[:1] == ["ensemble"])
    assert float(ensemble.split()[3]) == 1
    path, label, score, *_ = printed["tag"].stdout.split("\t")
    assert path == "recordings/door.wav"
    assert label in ("Doorbell", "Drill")
    assert 0 <= float(score) <= 1


@pytest.mark.parametrize(
    ("page", "example"),
    [
        (page, example)
        for page in PAGES
        for example in re.findall(
            r"(?<!-->\n)^```python\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
        )
    ],
)
def test_python_runs_as_written(page: Path, example: str, workplace: Shell, tmp_path: Path) -> None:
    """But for examples after a comment that says why not."""
    (tmp_path / "example.py").write_text(example, encoding="utf-8")
    assert workplace("python example.py").stdout, page


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_block_goes_unchecked(page: Path) -> None:
    """Shell commands are ```sh, Python is ```python, output is shown by cog, and tests/web runs the other languages of
    onnx.md: nothing else is code.
    """
    text = re.sub(
        r"^\s*<!-- \[\[\[cog.*?\[\[\[end\]\]\] -->$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    languages = re.findall(r"^```(.*)\n", text, re.MULTILINE)[::2]
    assert set(languages) <= {"sh", "python", ""} | ({"js", "cpp"} if page.name == "onnx.md" else set())


@pytest.mark.slow
def test_site_builds_without_warnings(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="needs the extra dev")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for page in DOCS.glob("*.md"):
        assert (tmp_path / "site" / f"{page.stem}.html").is_file()


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "models/README.md"])
def test_links_outside_the_site_lead_somewhere(name: str) -> None:
    page = ROOT / name
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text("utf-8")):
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        headings = re.findall(r"^#+ (.*)$", linked.read_text("utf-8"), re.MULTILINE) if anchor else []
        slugs = [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]
        assert not anchor or anchor in slugs, target
