"""The page about a batch as a file: what is in it, and what `tag --report` and `report` refuse."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from hashlib import sha256
from io import StringIO
from pathlib import Path
from signal import SIGINT
from subprocess import PIPE
from urllib.parse import unquote

import numpy as np
import pytest
import soundfile
from typer.testing import Result

from audiotagger.inference.results import Tagging
from audiotagger.report import page as pages
from audiotagger.report.columns import Columns
from audiotagger.report.details import LEVELS, Details
from audiotagger.report.pictures import BANDS, Picture
from audiotagger.report.tagging import ALL_BYTES, FINE_BYTES, TaggingPage
from tests.conftest import started, tone, write_long
from tests.report.conftest import HOSTILE, blocks, records
from tests.test_imports import modules_after

Run = Callable[..., Result]

FRONTEND = Path(pages.__file__).parent / "frontend"


def test_page_has_what_json_has(run: Run, batch: Path) -> None:
    done = run("tag", "sounds", "--hop", 1, "--format", "json", "--segments", "--by-model", cwd=batch)
    of_page = records(batch / "report.html")
    further = ("src", "opinions", "timeline", "vector")
    assert [{key: one[key] for key in one if key not in further} for one in of_page] == json.loads(done.stdout)


def test_results_are_the_same_with_a_page(run: Run, clip: Path, tmp_path: Path) -> None:
    with_page = run("tag", clip, "--top-k", 2, "--report", tmp_path / "page.html")
    assert with_page.exit_code == 0, with_page.output
    assert with_page.stdout == run("tag", clip, "--top-k", 2).stdout


def test_labels_that_could_not_be_stored_are_an_error_on_the_page(run: Run, clip: Path) -> None:
    pytest.importorskip("mutagen", reason="needs the extra metadata")
    other = clip.with_suffix(".au")
    soundfile.write(other, tone(1.0), 16_000)
    done = run("tag", other, "--write", "--report", clip.with_name("p.html"))
    assert done.exit_code == 1
    assert done.stdout.startswith(str(other))
    (found,) = records(clip.with_name("p.html"))
    assert found["error"]["kind"] == "not_written"
    assert found["tags"]


def test_timeline_follows_the_sound(batch: Path) -> None:
    both = next(one for one in records(batch / "report.html") if one["path"].endswith("both.flac"))
    lanes = {label: [LEVELS.index(level) for level in lane] for label, lane in both["timeline"]["labels"].items()}
    assert {len(lane) for lane in lanes.values()} == {8}  # windows of 5 s, a hop of 1 s, 12 s
    assert both["timeline"]["step"] == 1
    first, last = (max(lanes, key=lambda label: lanes[label][position]) for position in (0, -1))
    assert first != last
    assert lanes[last][-1] > lanes[last][0]
    names = [label for label, *_ in both["opinions"]]
    assert both["tags"][0]["label"] == names[0]
    assert all(len(row) == 4 for row in both["opinions"])


def test_hostile_names_stay_data(batch: Path) -> None:
    page = batch / "report.html"
    named = [one for one in records(page) if "/odd/" in one["path"]]
    assert {Path(one["path"]).name for one in named} == set(HOSTILE)
    for one in named:
        assert one["src"].startswith("./sounds/odd/")
        assert (batch / unquote(one["src"])).samefile(batch / one["path"])
    begin, end = pages.shell()
    data = page.read_text("utf-8").removeprefix(begin).removesuffix(end)
    assert data.count("<") == 2 * data.count('<script type="application/json"') == 2 * len(blocks(page))


def test_policy_allows_only_the_program_and_the_style(batch: Path) -> None:
    text = (batch / "report.html").read_text("utf-8")
    policy = text.partition('Content-Security-Policy" content="')[2].partition('"')[0]
    for name, directive, tag in (("program.js", "script-src", "script"), ("style.css", "style-src", "style")):
        source = (pages.ASSETS / name).read_text("utf-8")
        digest = base64.b64encode(sha256(source.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}';" in policy
        assert f"<{tag}>{source}</{tag}>" in text
        assert "<script" not in source
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http:" not in policy


def test_assets_are_built_from_the_sources() -> None:
    digest = sha256()
    for path in (FRONTEND / "package.json", *sorted((FRONTEND / "src").iterdir())):
        digest.update(path.read_bytes())
    built = (pages.ASSETS / "SOURCES.sha256").read_text("utf-8").strip()
    assert built == digest.hexdigest(), f"run `npm ci && npm run build` in {FRONTEND}"
    assert sum(path.stat().st_size for path in pages.ASSETS.iterdir()) < 300_000
    for library in json.loads((FRONTEND / "package.json").read_text("utf-8"))["dependencies"]:
        assert library in (pages.ASSETS / "LICENSES.txt").read_text("utf-8")


def test_page_from_a_journal(run: Run, batch: Path) -> None:
    done = run("report", "results.jsonl", "-o", "again.html", "--hop", 1, cwd=batch)
    assert (done.exit_code, done.stdout) == (0, "again.html\n"), done.output
    before, after = records(batch / "report.html"), records(batch / "again.html")
    for one, other in zip(before, after, strict=True):
        assert all(one[key] == other[key] for key in ("path", "duration", "tags", "confident", "error", "src"))
        assert one.get("timeline") == other.get("timeline")
        assert one.get("vector") == other.get("vector")
    pictures = [
        [data for name, data in blocks(batch / page) if name.startswith("media")]
        for page in ("report.html", "again.html")
    ]
    assert pictures[0] == pictures[1]


def test_page_of_files_that_are_gone(run: Run, batch: Path, tmp_path: Path) -> None:
    (tmp_path / "results.jsonl").write_bytes((batch / "results.jsonl").read_bytes())
    done = run("report", "results.jsonl", cwd=tmp_path)
    assert (done.exit_code, done.stdout) == (0, "results.html\n"), done.output
    assert [one["tags"] for one in records(tmp_path / "results.html")] == [
        one["tags"] for one in records(batch / "report.html")
    ]
    assert not any("opinions" in one for one in records(tmp_path / "results.html"))


def test_resumed_page_has_earlier_results_too(run: Run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", tone(1.0), 16_000)
    line = ("tag", "a.wav", "missing.wav", "-o", "r.jsonl")
    assert run(*line, cwd=tmp_path).exit_code == 1
    soundfile.write(tmp_path / "missing.wav", tone(1.0), 16_000)
    options = ("b.wav", "--resume", "--retry-failed", "--report", "r.html")
    done = run(*line, *options, cwd=tmp_path)
    assert done.exit_code == 0, done.output
    found = {one["path"]: one for one in records(tmp_path / "r.html")}
    assert list(found) == ["a.wav", "missing.wav", "b.wav"]
    assert all(one["error"] is None and one["vector"] for one in found.values())
    assert run(*line, *options, cwd=tmp_path).exit_code == 0  # nothing is left to tag
    assert {one["path"] for one in records(tmp_path / "r.html")} == set(found)


@pytest.mark.parametrize(
    "args",
    [
        ["tag", "clip.wav", "--report", "page.wav"],
        ["tag", "clip.wav", "--report", "page.html", "-o", "page.html"],
        ["tag", "clip.wav", "--embed-audio"],
        ["report", "clip.wav"],
        ["report", "lines.jsonl"],
        ["report", "missing.jsonl"],
        ["report", "empty.jsonl", "-o", "nowhere/page.html"],
    ],
)
def test_what_cannot_be_is_refused_in_one_line(run: Run, clip: Path, args: list[str]) -> None:
    (clip.parent / "lines.jsonl").write_text('{"path": 1, "tags": [], "duration": null}\n', encoding="utf-8")
    (clip.parent / "empty.jsonl").touch()
    before = clip.read_bytes()
    done = run(*args, cwd=clip.parent)
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    assert not list(clip.parent.glob("*.html"))
    assert clip.read_bytes() == before


def test_interrupted_page_holds_the_results_so_far(clip: Path) -> None:
    folder = clip.parent
    write_long(folder / "long.wav", minutes=60)
    with started("tag", clip, clip, "long.wav", "--report", "p.html", cwd=folder, stdout=PIPE) as process:
        assert process.stdout
        for _ in range(2):  # the second may not be in the page yet
            assert process.stdout.readline().startswith(bytes(clip))
        process.send_signal(SIGINT)
        assert process.wait(60) == 130
    assert {one["path"] for one in records(folder / "p.html")} == {str(clip)}
    assert (folder / "p.html").read_text("utf-8").endswith(pages.shell()[1])


def test_embedded_audio_is_what_the_file_holds(run: Run, batch: Path, tmp_path: Path) -> None:
    done = run(
        "tag",
        batch / "sounds" / "violin.opus",
        batch / "sounds" / "hi-hat.wav",
        "--report",
        tmp_path / "p.html",
        "--embed-audio",
    )
    assert done.exit_code == 0, done.output
    opus, wav = (data["audio"] for name, data in blocks(tmp_path / "p.html") if name.startswith("media"))
    kind, _, data = opus.partition(",")
    assert kind == "data:audio/ogg;base64"
    assert base64.b64decode(data) == (batch / "sounds" / "violin.opus").read_bytes()
    encoded = tmp_path / "wav.ogg"
    encoded.write_bytes(base64.b64decode(wav.partition(",")[2]))
    assert encoded.stat().st_size < (batch / "sounds" / "hi-hat.wav").stat().st_size / 4
    assert soundfile.info(encoded).duration == pytest.approx(
        soundfile.info(batch / "sounds" / "hi-hat.wav").duration, abs=0.01
    )


def test_pictures_of_thousands_of_files_become_smaller() -> None:
    def sizes(n_bytes: int, count: int) -> list[int]:
        file = StringIO()
        page = TaggingPage(pages.Page(file, "tagging", {}), Path("/"))
        details = Details((), {}, 0, 1, b"", bytes(n_bytes), bytes(n_bytes // 8))
        for i in range(count):
            page.add(Tagging(f"/{i}.wav", 1.0), details)
        return [len(line) for line in file.getvalue().splitlines() if "media-" in line]

    several = sizes(FINE_BYTES // 4, 6)
    assert several[3] > 7 * several[5]
    many = sizes(ALL_BYTES // 4, 30)
    assert sum(many) < 1.4 * (ALL_BYTES + FINE_BYTES)
    assert many[-1] < 100


def test_only_workers_import_what_a_page_needs(clip: Path) -> None:
    imported = modules_after("tag", str(clip), "--report", str(clip.with_suffix(".html")))
    assert imported.isdisjoint({"numpy", "onnxruntime", "soundfile", "soxr"})


@pytest.mark.parametrize("n", [1, 7, 8, 9, 16, 17, 100])
def test_columns_are_means_of_equally_many_rows(n: int) -> None:
    rows = np.random.default_rng(n).normal(size=(n, 3))
    columns = Columns(8, 3)
    for part in np.array_split(rows, 3):
        columns.add(part)
    step = columns.rows_per_column
    assert columns.means() == pytest.approx(np.stack([rows[i : i + step].mean(axis=0) for i in range(0, n, step)]))
    assert len(columns.means()) <= 8


def test_picture_shows_a_tone_where_it_is(tmp_path: Path) -> None:
    time = np.arange(16_000) / 16_000
    picture = Picture(16_000)
    for block in np.array_split(np.concatenate([np.sin(2 * np.pi * 1000 * time), np.zeros(16_000)]), 7):
        picture.add(block.astype(np.float32))
    fine, coarse = picture.draw()
    assert len(coarse) < len(fine)
    pixels = read_png(fine)
    assert pixels.shape == (BANDS, 101)
    row = BANDS - 1 - int(pixels[:, 25].argmax())
    mel = 2595 * np.log10(1 + np.array([40, 1000, 8000]) / 700)
    assert row == pytest.approx((mel[1] - mel[0]) / (mel[2] - mel[0]) * BANDS, abs=1.5)
    assert not pixels[:, 75].any()


def read_png(data: bytes) -> np.ndarray:
    import zlib

    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    start = data.index(b"IDAT") + 4
    raw = zlib.decompress(data[start : start + int.from_bytes(data[start - 8 : start - 4], "big")])
    return np.frombuffer(raw, np.uint8).reshape(height, width + 1)[:, 1:]
