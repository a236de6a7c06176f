"""The page about a batch of tagged files. Needs no numpy: workers do the work."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiotagger.errors import AudioError
from audiotagger.inference.results import Tagging
from audiotagger.output.files import open_output
from audiotagger.output.writers import Show, record
from audiotagger.report.details import Details
from audiotagger.report.page import Page, relative_url

if TYPE_CHECKING:
    from audiotagger.inference.tagger import Tagger
    from audiotagger.inference.worker_process import File
    from audiotagger.inference.worker_tasks import Loaded
    from audiotagger.inference.workers import WorkerPool

Earlier = Callable[[], Iterator[Tagging]]

FINE_BYTES, ALL_BYTES = 6 << 20, 20 << 20
"""Bytes of pictures in a page from which on they are coarse, or left out: 5,000 files are to fit into 30 MB."""


class TaggingPage:
    """Writes results to a page.

    Parameters
    ----------
    page
        An open page of kind "tagging".
    folder
        Where it will be: audio is found from there.
    """

    def __init__(self, page: Page, folder: Path) -> None:
        self._page, self._folder = page, folder
        self._bytes = 0

    def tag_files(
        self,
        workers: WorkerPool,
        files: Iterable[File],
        earlier: Earlier | None = None,
        added: Callable[[], object] = lambda: None,
        **options: Any,
    ) -> Iterator[tuple[Tagging, Details | None]]:
        """Tag files with all that the page shows of them; the caller adds them.

        Parameters
        ----------
        workers
            A pool, which is closed at the end.
        files
            The files to tag.
        earlier
            Returns the results of earlier commands, which are added first, with details if the files are still there.
        added
            Called for each of them.
        options
            `jobs`, and those of `audiotagger.report.analysis.analyze`.

        Yields
        ------
        tuple
            The result of each of `files`, and its details unless it failed.
        """
        old = earlier or (lambda: iter(()))
        still_there = (tagging.path for tagging in old() if _may_be_there(tagging))
        results = workers.map(analyze, itertools.chain(still_there, files), **options)
        for tagging in old():
            known = None
            if _may_be_there(tagging):
                _, result = next(results)
                known = None if isinstance(result, AudioError) else result[1]
            self.add(tagging, known)
            added()
        for path, result in results:
            yield (Tagging(path, error=result), None) if isinstance(result, AudioError) else result

    def add(self, tagging: Tagging, details: Details | None) -> None:
        """Write one result; without details if it is only known from a journal, or failed."""
        values: dict[str, Any] = record(tagging, Show(by_model=True, segments=True))
        media = {}
        if tagging.path != "-":
            values["src"] = relative_url(tagging.path, self._folder)
        if details:
            values["opinions"] = [[label, *scores] for label, scores in details.opinions]
            values["timeline"] = {"offset": details.offset, "step": details.step, "labels": dict(details.timeline)}
            values["vector"] = base64.b64encode(details.vector).decode()
            picture = details.fine if self._bytes < FINE_BYTES else details.coarse if self._bytes < ALL_BYTES else b""
            self._bytes += len(picture)
            media = {"picture": base64.b64encode(picture).decode(), "audio": details.audio}
        self._page.add(values, media)


def _may_be_there(tagging: Tagging) -> bool:
    return tagging.ok and tagging.path != "-"


def analyze(tagger: Tagger, file: File, **options: Any) -> tuple[Tagging, Details]:
    """Call `audiotagger.report.analysis.analyze`, which only workers import."""
    from audiotagger.report import analysis

    return analysis.analyze(tagger, file, **options)


@contextmanager
def open_page(path: Path, loaded: Loaded, threshold: float | None = None) -> Iterator[TaggingPage]:
    """Open the page at `path`, which is replaced at the end, even after an error: results so far are in it.

    Parameters
    ----------
    path
        The HTML file.
    loaded
        The models.
    threshold
        Below which a file is unsure, if known.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    about = {"models": dict(loaded.versions), "labels": list(loaded.labels), "threshold": threshold}
    with open_output(path, "strict") as file, Page(file, "tagging", about) as page:
        yield TaggingPage(page, path.resolve().parent)
