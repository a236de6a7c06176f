"""`audiotagger serve`: what POST /tag answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from tests.conftest import EXAMPLES, command, noise, tone
from tests.service.running import Running, SlowUpload, running

FLUTE = EXAMPLES / "flute.ogg"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("service"), "--jobs", 1, "--max-size", 1) as service:
        yield service


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("", ""),
        ("?top_k=2&segments=true&by_model=true", "--top-k 2 --segments --by-model"),
        ("?labels=Flute,%20Oboe,Trumpet&min_score=0.1", "--labels Flute,Oboe,Trumpet --min-score 0.1"),
    ],
)
def test_results_are_those_of_tag(service: Running, query: str, options: str) -> None:
    for name in ("flute.ogg", "violin.opus"):
        tagged = command("tag", name, "--format", "jsonl", *options.split(), cwd=EXAMPLES)
        sent = service.send(name, (EXAMPLES / name).read_bytes(), query)
        assert (sent.status_code, sent.text) == (200, tagged.stdout)
        assert sent.headers["Content-Type"] == "application/json"
        raw = service.post(f"/tag{query}", data=(EXAMPLES / name).read_bytes())
        assert raw.json() == {**json.loads(tagged.stdout), "path": "-"}


def test_what_was_only_partly_read_has_a_warning(service: Running, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "whole.flac", noise(4.0), 16_000)
    whole = (tmp_path / "whole.flac").read_bytes()
    (tmp_path / "half.flac").write_bytes(whole[: len(whole) // 2])
    tagged = command("tag", "half.flac", "--format", "jsonl", cwd=tmp_path)
    sent = service.send("half.flac", whole[: len(whole) // 2])
    assert (sent.status_code, sent.text) == (200, tagged.stdout)
    assert sent.json()["warning"]["message"].startswith("half.flac: damaged or cut off")


@pytest.mark.parametrize(
    ("content", "kind"), [(b"RIFF" + bytes(100), "undecodable"), (b"no audio\n" * 999, "undecodable"), (b"", "empty")]
)
def test_broken_audio_is_an_error_and_the_service_lives(
    service: Running, tmp_path: Path, content: bytes, kind: str
) -> None:
    pytest.importorskip("av", reason="needs the extra formats")
    (tmp_path / "bad.wav").write_bytes(content)
    tagged = command("tag", "bad.wav", "--format", "jsonl", cwd=tmp_path)
    sent = service.send("bad.wav", content)
    assert (sent.status_code, sent.text) == (422, tagged.stdout)
    assert sent.json()["error"]["kind"] == kind
    assert service.send("flute.ogg", FLUTE.read_bytes()).status_code == 200


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a\x1b[2J\u202e.wav", "<script>alert('1')</script>", "caf\u00e9 \N{SNOWMAN}.wav", "-"]
)
def test_names_are_only_repeated(service: Running, name: str) -> None:
    sent = service.send(name, b"nonsense")
    assert sent.json()["path"] == name
    assert sent.json()["error"]["message"].startswith(f"{name}: cannot be decoded")
    assert not set(sent.text) & {"\x1b", "\u202e"}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("top_k=0", "top_k must be from 1 to 1000"),
        ("top_k=many", "top_k is no integer"),
        ("top_k=true", "top_k is no integer"),
        ("top_k=1&top_k=2", "top_k is given twice"),
        ("min_score=NaN", "min_score must be from 0 to 1"),
        ("min_score=[[", "min_score is no number"),
        ("segments=yes", "segments is no boolean"),
        ("labels=", "labels is empty"),
        ("labels=,", "no labels to choose from"),
        ("labels=Flut", "did you mean Flute?"),
        ("topk=3", "no parameter 'topk'"),
    ],
)
def test_wrong_parameters_are_named(service: Running, query: str, message: str) -> None:
    sent = service.send("flute.ogg", FLUTE.read_bytes(), f"?{query}")
    assert sent.status_code == 400
    assert sent.json()["error"]["kind"] == "bad_request"
    assert message in sent.json()["error"]["message"]


@pytest.mark.parametrize(
    "parts",
    [
        [("file", ("a.wav", b"1")), ("file", ("b.wav", b"2"))],
        [("file", ("a.wav", b"1")), ("top_k", (None, b"3"))],
        [("file", (None, b"1"))],
    ],
)
def test_a_form_has_one_file_and_nothing_else(
    service: Running, parts: list[tuple[str, tuple[str | None, bytes]]]
) -> None:
    sent = service.post(files=parts)
    assert (sent.status_code, sent.json()["error"]["kind"]) == (400, "bad_request")


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=x", "; charset=undefined"]
)
def test_forms_that_are_none(service: Running, content_type: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="\xff"\r\n\r\n1\r\n--x--'
    if content_type.startswith(";"):
        content_type = f"multipart/form-data; boundary=x{content_type}"
    else:
        body = body.replace(b"--x", b"--y")
    sent = service.post(data=body, headers={"Content-Type": content_type})
    assert (sent.status_code, sent.json()["error"]["kind"]) == (400, "bad_request")


@pytest.mark.parametrize("stated", [True, False])
def test_what_is_too_large_is_refused(service: Running, stated: bool) -> None:
    content = bytes(1 << 20) + b"1"
    sent = service.post(data=content if stated else iter([content[: 1 << 19]] * 3))
    assert (sent.status_code, sent.json()["error"]) == (413, {"kind": "too_large", "message": "larger than 1 MiB"})
    as_form = service.send("large.wav", content)
    assert as_form.status_code == 413
    assert service.send("flute.ogg", FLUTE.read_bytes()).status_code == 200


def test_other_paths_and_methods_have_the_same_kind_of_error(service: Running) -> None:
    assert service.get("/none").json()["error"]["kind"] == "not_found"
    refused = service.get("/tag")
    assert (refused.status_code, refused.json()["error"]["kind"]) == (405, "not_allowed")
    assert refused.headers["Allow"] == "POST"


def test_a_client_that_leaves_costs_nothing(service: Running) -> None:
    before = service.metric("audiotagger_requests_total", status="499")
    SlowUpload(service, FLUTE.read_bytes()).leave()
    service.wait_for_accepted(0)
    assert service.metric("audiotagger_requests_total", status="499") == before + 1
    assert "Traceback" not in service.printed()


def test_what_was_tagged_is_counted(service: Running) -> None:
    def counts() -> list[float]:
        return [
            service.metric("audiotagger_requests_total", status="200"),
            service.metric("audiotagger_request_seconds_count"),
            service.metric("audiotagger_audio_seconds_total"),
        ]

    before = counts()
    content = Path(EXAMPLES / "hi-hat.wav").read_bytes()
    duration = service.send("hi-hat.wav", content).json()["duration"]
    assert counts() == pytest.approx([before[0] + 1, before[1] + 1, before[2] + duration], abs=1e-3)
    assert service.get("/health").json() == {"status": "ok"}


@pytest.mark.slow
def test_long_uploads_go_to_the_disk(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", tone(120.0), 16_000)  # 3.8 MB, more than is kept in memory
    tagged = command("tag", "long.wav", "--format", "jsonl", cwd=tmp_path)
    with running(tmp_path, "--jobs", 1) as service:
        content = (tmp_path / "long.wav").read_bytes()
        assert service.send("long.wav", content).text == tagged.stdout
        assert service.post(data=content).json() == {**json.loads(tagged.stdout), "path": "-"}


def test_the_page_works_offline(service: Running) -> None:
    page = service.get("/")
    assert page.headers["Content-Type"].startswith("text/html")
    for path in ("/page/style.css", "/page/page.js", "/openapi.json"):
        assert service.get(path).status_code == 200
        assert path.strip("/") in page.text
    served = [page, service.get("/page/style.css"), service.get("/page/page.js")]
    assert not any("//" in one.text.replace("http://<span>", "").replace("http://127", "") for one in served)
