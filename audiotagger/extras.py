"""Packages of the optional extras: which are missing, and the command that installs them."""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import util
from pathlib import Path

from audiotagger.errors import ExtraError

DISTRIBUTION = "audiotagger-nets"
"""What pyproject.toml calls this package. On the public index the name belongs to nobody: never tell a user to install
it from there.
"""

MODULES = {
    "prometheus-client": "prometheus_client",
    "python-multipart": "python_multipart",
    "scikit-learn": "sklearn",
    "tensorflow-cpu": "tensorflow",
}
"""What a package is imported as, where that differs from its name."""


def require_extra(extra: str, purpose: str) -> None:
    """Raise ExtraError if a package of `extra` is missing: one line that names all of them, and the remedy.

    Parameters
    ----------
    extra
        An extra of pyproject.toml, such as "train".
    purpose
        What needs it, to begin the message with.
    """
    missing = missing_packages(extra)
    if missing:
        raise extra_error(extra, purpose, missing)


def extra_error(extra: str, purpose: str, missing: list[str]) -> ExtraError:
    """Return the error to raise if `purpose` needs the packages `missing`, which `extra` brings."""
    return ExtraError(f"{purpose} needs {', '.join(missing)}: {install_command(extra)}")


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Let no library print on stderr, by whatever means: some heed no setting."""
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def missing_packages(extra: str) -> list[str]:
    """Return the modules of `extra` that cannot be imported."""
    return [module for module in _modules(extra) if util.find_spec(module) is None]


@functools.cache
def _modules(extra: str) -> list[str]:
    """Return the modules of `extra`, by the metadata of the installed package."""
    from importlib import metadata

    try:
        requirements = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return []
    names = [
        re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        for requirement in requirements
        if re.search(rf"""extra == ["']{extra}["']""", requirement)
    ]
    return list(dict.fromkeys(MODULES.get(name, name) for name in names))


def install_command(extra: str) -> str:
    """Return the pip command that adds `extra` to this installation, from where that came from.

    That is a checkout, or the wheel (PEP 610 says which); where neither is there any more, the command names the
    missing packages.
    """
    from importlib import metadata
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    checkout = Path(__file__).parent.parent
    if (checkout / "pyproject.toml").is_file():
        return f'pip install -e "{_from_here(checkout)}[{extra}]"'
    origin = json.loads(metadata.distribution(DISTRIBUTION).read_text("direct_url.json") or '{"url": ""}')
    url = urlsplit(origin["url"])
    place = Path(url2pathname(url.path))
    if url.scheme == "file" and place.exists():
        return f'pip install "{_from_here(place)}[{extra}]"'
    if url.scheme.startswith("http"):
        return f'pip install "{DISTRIBUTION}[{extra}] @ {origin["url"]}"'
    return f"pip install {' '.join(missing_packages(extra))}"


def _from_here(place: Path) -> Path:
    """Return a path as short as it can be typed in the current folder."""
    return place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place
