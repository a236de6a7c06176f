"""A batch of `audiotagger tag` on this machine: open the destinations of results, and pass each result on to them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

import typer

from audiotagger.cli.console import Counter, counter, print_error, print_note
from audiotagger.cli.options import (
    find_inputs,
    input_counter,
    print_skipped,
    print_skipped_path,
    start_workers,
    workers_to_start,
)
from audiotagger.cli.report import open_report
from audiotagger.cli.tag_options import Format, TagOptions
from audiotagger.errors import PASSING, AudioError, AudioTaggerError, MetadataError, OutputError

if TYPE_CHECKING:
    from audiotagger.inference.results import Tagging
    from audiotagger.inference.workers import WorkerPool
    from audiotagger.output.label_tracks import LabelTracks
    from audiotagger.output.metadata_writer import MetadataWriter
    from audiotagger.output.writers import Writer
    from audiotagger.report.details import Details
    from audiotagger.report.tagging import TaggingPage

STORED = 0.05
"""--write stores labels of at least this score, unless --min-score says otherwise."""


def tag_batch(options: TagOptions) -> None:
    """Tag files; raise BadParameter if options do not go together, and Exit at the end if a file failed."""
    options.check()
    found = find_inputs(*options.inputs, print_skipped_path if options.verbose else None)
    files: Iterator[str | BinaryIO] = found
    if options.write:
        from audiotagger.extras import require_extra

        require_extra("metadata", "--write")  # before thousands of files are tagged
    if options.output_format is Format.audacity and not options.label_tracks:
        files = _only_one(files)
    failed = False
    started = workers_to_start(*options.inputs, options.jobs)
    with (
        start_workers(options.models, options.timeout, options.verbose, started, **options.tagger_options) as workers,
        _open_destinations(options, workers, found.links) as destinations,
    ):
        for tagging, details in _tag_files(options, workers, files, destinations):
            error = destinations.add(tagging, details)
            if tagging.warning and not options.quiet:
                print_note(tagging.warning.message)
            if error:
                failed = True
                print_error(error)
    print_skipped(found, options.quiet)
    if failed:
        raise typer.Exit(1)


def _only_one(files: Iterator[str | BinaryIO]) -> Iterator[str | BinaryIO]:
    first_two = list(itertools.islice(files, 2))
    if len(first_two) > 1:
        raise typer.BadParameter("--format audacity writes a file per input; give a folder with --output DIR")
    return iter(first_two)


def _tag_files(
    options: TagOptions, workers: WorkerPool, files: Iterator[str | BinaryIO], destinations: Destinations
) -> Iterator[tuple[Tagging, Details | None]]:
    """Return the results of the files that are not done yet; with details if there is a page."""
    done, page, journal = destinations.done, destinations.page, options.journal
    if done:
        files = (path for path in files if path not in done)
    limits: dict[str, Any] = {"top_k": options.top_k, "min_score": options.min_score or 0.0, "jobs": options.jobs}
    if not page:
        return zip(workers.tag_files(files, **limits), itertools.repeat(None))
    earlier = _earlier(journal, done) if journal and done else None
    return page.tag_files(workers, files, earlier, embed_audio=options.embed_audio, **limits)


def _earlier(journal: Path, done: set[str]) -> Callable[[], Iterator[Tagging]]:
    """Return a function that reads the results that a journal has by now, of the paths `done`."""
    from audiotagger.output.journal import read_results

    size = journal.stat().st_size
    return lambda: (tagging for tagging in read_results(journal, size) if tagging.path in done)


@dataclass(frozen=True)
class LabelStore:
    """Writes labels to the metadata of files, and prints which.

    Parameters
    ----------
    metadata
        An open writer.
    links
        Links to folders that have been followed so far.
    min_score
        Labels with a lower score are not written.
    dry_run
        Write nothing.
    verbose
        Print what was, or would be, written.
    """

    metadata: MetadataWriter
    links: Sequence[str]
    min_score: float
    dry_run: bool
    verbose: bool

    def store(self, tagging: Tagging) -> Tagging:
        """Store the labels of a file that was tagged; return the result, with the error if that fails."""
        path = tagging.path
        if path == "-":
            return _not_written(tagging, "-: stdin has no metadata to write to; name a file")
        if path.startswith(tuple(self.links)):  # to where the user may not have meant
            remedy = "it is in a linked folder; name the folder it links to"
            return _not_written(tagging, f"{path}: labels not stored: {remedy}")
        likely = [tag for tag in tagging.tags if tag.score >= self.min_score]
        try:
            value = self.metadata.write(path, likely if tagging.confident else (), dry_run=self.dry_run)
        except MetadataError as error:
            return _not_written(tagging, str(error))
        if self.verbose:
            print_note(f"{path}: {'would write' if self.dry_run else 'wrote'} {value or 'no labels'}")
        return tagging


def _not_written(tagging: Tagging, message: str) -> Tagging:
    return replace(tagging, error=AudioError("not_written", message))


@dataclass(frozen=True)
class Destinations:
    """Where results go, all of them open."""

    writer: Writer | LabelTracks
    writes_errors: bool
    """Whether results that could not be stored are to be written as such."""
    done: set[str]
    """Paths whose results a journal has already."""
    store: LabelStore | None
    page: TaggingPage | None
    count: Counter

    def add(self, tagging: Tagging, details: Details | None) -> AudioTaggerError | None:
        """Pass on one result; return what went wrong with the file or its result."""
        outcome = self.store.store(tagging) if self.store and tagging.ok else tagging
        error: AudioTaggerError | None = outcome.error
        try:
            with self.count.hidden():
                self.writer.write(outcome if self.writes_errors else tagging)
        except OutputError as unwritten:
            error = unwritten
        if self.page:
            self.page.add(outcome, details)
        self.count()
        return error


@contextmanager
def _open_destinations(options: TagOptions, workers: WorkerPool, links: Sequence[str]) -> Iterator[Destinations]:
    """Open all destinations of results; `links` are those that have been followed so far."""
    with ExitStack() as stack:
        stack.enter_context(_note_if_interrupted(options.output))
        store = stack.enter_context(_open_store(options, links)) if options.write else None
        writer, file, done = _open_writer(options, stack)
        # A bar would erase the last line of an array, which has no end yet.
        unfinished = options.output_format is Format.json and file is not None and file.isatty()
        count = stack.enter_context(counter(file, options.quiet or unfinished))
        if total := input_counter(*options.inputs, done):
            count.expect(total)
        page: TaggingPage | None = None
        if options.report:
            threshold = options.tagger_options["threshold"]
            page = stack.enter_context(open_report(options.report, workers, threshold))
        writes_errors = options.output_format in (Format.json, Format.jsonl)
        yield Destinations(writer, writes_errors, done, store, page, count)


@contextmanager
def _note_if_interrupted(output: Path | None) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        if output:
            print_note(f"interrupted; results so far are in {output}")
        raise


@contextmanager
def _open_store(options: TagOptions, links: Sequence[str]) -> Iterator[LabelStore]:
    from audiotagger.output.metadata_writer import MetadataWriter

    min_score = STORED if options.min_score is None else options.min_score
    with MetadataWriter(options.timeout) as metadata:
        yield LabelStore(metadata, links, min_score, options.dry_run, options.dry_run or options.verbose)


def _open_writer(options: TagOptions, stack: ExitStack) -> tuple[Writer | LabelTracks, TextIO | None, set[str]]:
    """Return the writer, its file if it has a single one, and the paths whose results are in it; `stack` closes it."""
    from audiotagger.output.files import open_journal, open_output
    from audiotagger.output.writers import WRITERS, Show

    if folder := options.label_tracks:
        from audiotagger.output.label_tracks import LabelTracks

        paths, *_ = options.inputs
        return LabelTracks(folder, paths or ()), None, set()
    done = set[str]()
    # Names that are not valid text are written as the bytes they are, in JSON as escapes that read back the same.
    is_json = options.output_format in (Format.json, Format.jsonl)
    unencodable = "backslashreplace" if is_json else "surrogateescape"
    if journal := options.journal:
        retry = PASSING if options.retry_failed else ()
        file, done = stack.enter_context(open_journal(journal, unencodable, options.resume, retry))
        if done and not options.quiet:
            print_note(f"{journal}: files already in it: {len(done)}")
    else:
        file = stack.enter_context(open_output(options.output, unencodable))
    show = Show(by_model=options.by_model, segments=options.segments)
    return stack.enter_context(WRITERS[options.output_format](file, show)), file, done
