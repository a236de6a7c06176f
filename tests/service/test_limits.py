"""`audiotagger serve`: limits, tokens, faults and stops."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import soundfile

from tests.cli.test_isolation import FAULTS, FAULTY_SOUNDFILE, processes
from tests.conftest import EXAMPLES, command, tone, wait_until
from tests.service.running import SlowUpload, running

FLUTE = (EXAMPLES / "flute.ogg").read_bytes()


def test_requests_beyond_the_queue_are_refused_and_no_other_is_lost(tmp_path: Path) -> None:
    with running(tmp_path, "--jobs", 1, "--queue", 1) as service:
        first, second = SlowUpload(service, FLUTE), SlowUpload(service, FLUTE)
        service.wait_for_accepted(2)
        refused = service.send("third.ogg", FLUTE)
        assert (refused.status_code, refused.json()["error"]["kind"]) == (429, "busy")
        assert int(refused.headers["Retry-After"]) >= 1
        for upload in (second, first):
            status, result = upload.finish()
            assert (status, result["tags"][0]["label"]) == (200, "Flute")
        assert service.send("third.ogg", FLUTE).status_code == 200


def test_an_upload_that_never_ends_gives_its_place_back(tmp_path: Path) -> None:
    with running(tmp_path, "--jobs", 1, "--queue", 0, "--timeout", 3) as service:
        status, answer = SlowUpload(service, FLUTE).answer()
        assert (status, answer["error"]["kind"]) == (408, "timeout")
        service.wait_for_accepted(0)
        assert service.send("flute.ogg", FLUTE).status_code == 200


def test_a_token_is_needed_once_there_is_one(tmp_path: Path) -> None:
    with running(tmp_path, "--jobs", 1, token="s\u00e9cret") as service:
        service.headers = {"Authorization": "Bearer s\u00e9cret".encode()}
        assert service.send("flute.ogg", FLUTE).status_code == 200
        assert service.get("/metrics").status_code == 200
        for wrong in ({}, {"Authorization": "Bearer secret"}, {"Authorization": "s"}, {"Authorization": "Bearer "}):
            for refused in (
                service.post(data=FLUTE, headers=wrong),
                service.get("/metrics", headers=wrong),
            ):
                assert (refused.status_code, refused.json()["error"]["kind"]) == (401, "unauthorized")
                assert refused.headers["WWW-Authenticate"] == "Bearer"
        for public in ("/", "/health", "/openapi.json"):
            assert service.get(public, headers={}).status_code == 200
        assert "cret" not in service.printed()


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which soundfile has faults, and PyAV is missing."""
    (tmp_path / "faulty").mkdir()
    (tmp_path / "faulty" / "soundfile.py").write_text(FAULTY_SOUNDFILE)
    (tmp_path / "faulty" / "av.py").write_text("raise ImportError")
    here = str(Path(__file__).parent.parent.parent)
    paths = [str(tmp_path / "faulty"), here, os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    for name in ("abort", "hang"):
        soundfile.write(tmp_path / f"{name}.wav", tone(1.0, FAULTS[name]), FAULTS[name])
    return tmp_path


def test_a_fault_costs_its_request_and_no_other(faulty: Path) -> None:
    with running(faulty, "--jobs", 1, "--timeout", 4) as service:
        for name, status, kind in (("abort", 500, "crashed"), ("hang", 504, "timeout"), ("abort", 500, "crashed")):
            failed = service.send(f"{name}.wav", (faulty / f"{name}.wav").read_bytes())
            assert (failed.status_code, failed.json()["error"]["kind"]) == (status, kind)
            assert failed.json()["error"]["message"].startswith(f"{name}.wav: ")
            assert service.send("flute.ogg", FLUTE).json()["tags"][0]["label"] == "Flute"
        lacking = service.send("some.m4a", b"nonsense")
        assert (lacking.status_code, lacking.json()["error"]["kind"]) == (415, "needs_extra")
        assert "pip" not in lacking.text  # the client cannot install it
        assert "Traceback" not in service.printed()


@pytest.mark.slow
def test_a_client_that_leaves_while_it_waits_is_not_served(faulty: Path) -> None:
    with running(faulty, "--jobs", 1, "--timeout", 4) as service:
        first = SlowUpload(service, (faulty / "hang.wav").read_bytes())
        first.socket.sendall(first.rest)
        wait_until(lambda: service.metric("audiotagger_requests_running") == 1, service.process)
        second = SlowUpload(service, FLUTE)
        second.socket.sendall(second.rest)
        service.wait_for_accepted(2)
        second.leave()
        assert first.answer()[0] == 504
        service.wait_for_accepted(0)
        assert service.metric("audiotagger_requests_total", status="499") == 1
        assert service.metric("audiotagger_audio_seconds_total") == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_stop_answers_what_was_accepted(tmp_path: Path, number: int, status: int) -> None:
    with running(tmp_path, "--jobs", 1) as service:
        upload = SlowUpload(service, FLUTE)
        service.wait_for_accepted(1)
        service.process.send_signal(number)
        wait_until(service.refuses_connections, service.process)
        assert service.process.poll() is None
        answered, result = upload.finish()
        assert (answered, result["tags"][0]["label"]) == (200, "Flute")
        assert service.process.wait(timeout=60) == status
        assert service.printed().count("\n") == 1


def test_a_second_interrupt_ends_it_at_once(faulty: Path) -> None:
    with running(faulty, "--jobs", 1, start_new_session=True) as service:
        upload = SlowUpload(service, (faulty / "hang.wav").read_bytes())
        upload.socket.sendall(upload.rest)
        wait_until(lambda: service.metric("audiotagger_requests_running") == 1, service.process)
        os.killpg(service.process.pid, signal.SIGINT)
        wait_until(service.refuses_connections, service.process)
        os.killpg(service.process.pid, signal.SIGINT)
        assert service.process.wait(timeout=60) == 130
        assert processes(service.process.pid) == []
        upload.leave()
        assert "Traceback" not in service.printed()


@pytest.mark.slow
def test_it_says_so_if_others_can_reach_it(tmp_path: Path) -> None:
    for token, lines in ((None, 2), ("secret", 1)):
        with running(tmp_path, "--jobs", 1, "--host", "0.0.0.0", token=token) as service:
            wait_until(lambda: service.printed().count("\n") >= lines, service.process)  # noqa: B023
            service.process.terminate()
            assert service.process.wait(timeout=60) == 0
            assert service.printed().count("\n") == lines
            assert ("--token restricts it" in service.printed()) == (token is None)


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with running(tmp_path, "--jobs", 1) as service:
        done = command("serve", "--port", service.url.rpartition(":")[2], cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "in use" in done.stderr


@pytest.mark.parametrize(
    ("args", "message"), [(["--host", "no such host"], "cannot listen"), (["--models", "none"], "none")]
)
def test_what_cannot_start_is_one_line(tmp_path: Path, args: list[str], message: str) -> None:
    done = command("serve", *args, cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


def test_an_upload_without_room_is_refused(tmp_path: Path) -> None:
    def limit() -> None:  # as a full disk does
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 21, 1 << 21))

    soundfile.write(tmp_path / "long.wav", tone(120.0), 16_000)
    with running(tmp_path, "--jobs", 1, preexec_fn=limit) as service:
        content = (tmp_path / "long.wav").read_bytes()
        for refused in (service.send("long.wav", content), service.post(data=content)):
            assert (refused.status_code, refused.json()["error"]["kind"]) == (507, "no_room")
        assert service.send("flute.ogg", FLUTE).status_code == 200
        assert service.metric("audiotagger_requests_total", status="507") == 2
        assert "Traceback" not in service.printed()
