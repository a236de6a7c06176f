"""`audiotagger serve` keeps what its OpenAPI document promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES
from tests.service.running import running


def test_the_document_describes_results_as_the_schema_of_tag(tmp_path: Path) -> None:
    validator = pytest.importorskip("jsonschema", reason="needs the extra dev").Draft202012Validator
    with running(tmp_path, "--jobs", 1) as service:
        document = service.get("/openapi.json").json()
        answers = document["paths"]["/tag"]["post"]["responses"]
        flute = (EXAMPLES / "flute.ogg").read_bytes()
        for answer in (
            service.send("flute.ogg", flute, "?segments=true&by_model=true"),
            service.send("bad.wav", b"nonsense"),
            service.post(data=flute, params={"top_k": "0"}),
        ):
            schema = answers[str(answer.status_code)]["content"]["application/json"]["schema"]
            validator({"components": document["components"], **schema}).validate(answer.json())


@pytest.mark.slow
def test_requests_of_every_kind_get_documented_answers(tmp_path: Path) -> None:
    pytest.importorskip("schemathesis", reason="needs the extra dev")
    with running(tmp_path, "--jobs", 1, "--max-size", 1, token="secret") as service:
        done = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                "run",
                f"{service.url}/openapi.json",
                "--header=Authorization: Bearer secret",
                "--phases=coverage,fuzzing",
                "--exclude-checks=positive_data_acceptance",  # what it sends is hardly ever audio
                "--max-examples=50",
                "--seed=1",
                "--no-color",
            ],
            cwd=tmp_path,
            capture_output=True,
            check=False,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout
        assert service.printed().count("\n") == 1
        assert service.send("flute.ogg", (EXAMPLES / "flute.ogg").read_bytes()).status_code == 200
