"""`audiotagger report`."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiotagger.cli.console import counter, errors_to_exit_status, print_note
from audiotagger.cli.options import (
    HopOption,
    JobsOption,
    ModelsOption,
    QuietOption,
    TimeoutOption,
    VerboseOption,
    WindowOption,
    start_workers,
)

if TYPE_CHECKING:
    from audiotagger.inference.workers import WorkerPool
    from audiotagger.report.tagging import TaggingPage

EmbedAudioOption = Annotated[
    bool,
    typer.Option("--embed-audio", help="Put the audio of files of up to two minutes into the page."),
]
"""Of every command that writes a page."""


def report(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="A .jsonl file written by `audiotagger tag -o`.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The page. [default: RESULTS with the suffix .html]"),
    ] = None,
    embed_audio: EmbedAudioOption = False,
    window: WindowOption = None,
    hop: HopOption = None,
    models: ModelsOption = None,
    jobs: JobsOption = None,
    timeout: TimeoutOption = 3600,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write results of `audiotagger tag` as a page for the browser.

    On it you can look at the results, listen to them and correct them.

    Labels are those in RESULTS. Pictures, time lines and similarity come from the audio files that are still there.
    """
    with errors_to_exit_status():
        if results.is_dir():
            raise typer.BadParameter(f"{results}: a folder; give a .jsonl file")
        page = output or results.with_suffix(".html")
        from audiotagger.inference.parallel import available_cores
        from audiotagger.output.journal import read_results

        check_page(page, results)
        size = results.stat().st_size if results.exists() else None  # of a journal that may be written meanwhile
        tagged = [tagging.path if tagging.ok else "-" for tagging in read_results(results, size)]
        total, missing = len(tagged), sum(path != "-" and not Path(path).exists() for path in tagged)
        with (
            start_workers(
                models, timeout, verbose, min(total, jobs or available_cores()) or 1, window=window, hop=hop
            ) as workers,
            open_report(page, workers) as writer,
            counter(quiet=quiet) as count,
        ):
            labels = {tag.label for tagging in read_results(results, size) for tag in tagging.tags}
            if unknown := sorted(labels - set(workers.loaded().labels)):
                remedy = "give the folder of those that tagged it with --models"
                raise typer.BadParameter(f"{results}: the models do not know {', '.join(unknown[:5])}; {remedy}")
            if missing and not quiet:
                files = f"{missing} of {total} files are not there, and have no pictures"
                print_note(f"{results}: {files}; run this in the folder where they were tagged")
            count.expect(lambda: total)
            for _ in writer.tag_files(
                workers, (), lambda: read_results(results, size), count, jobs=jobs, embed_audio=embed_audio
            ):
                pass
        typer.echo(page)


def check_page(page: Path, *others: Path | None) -> None:
    """Raise BadParameter if `page` would replace something else than a page, such as one of the `others`."""
    if page.suffix.lower() not in (".html", ".htm"):
        raise typer.BadParameter(f"{page}: a page must end in .html")
    if page.resolve() in [other.resolve() for other in others if other]:
        raise typer.BadParameter(f"{page}: the page would replace the results; give it another name")


def open_report(page: Path, workers: WorkerPool, threshold: float | None = None) -> AbstractContextManager[TaggingPage]:
    """Open a page about the results of `workers`, to be written as they come."""
    from audiotagger.report.tagging import open_page

    return open_page(page, workers.loaded(), threshold)
