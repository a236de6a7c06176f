"""`audiotagger tag`."""

import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from audiotagger.cli.console import counter, errors_to_exit_status, print_error, print_note
from audiotagger.cli.options import (
    AllOption,
    ByModelOption,
    FilesFromOption,
    HopOption,
    JobsOption,
    LabelsOption,
    ModelsOption,
    NullOption,
    PathsArgument,
    QuietOption,
    SegmentsOption,
    ThresholdOption,
    TimeoutOption,
    TopKOption,
    VerboseOption,
    WindowOption,
    find_inputs,
    input_counter,
    print_skipped,
    print_skipped_path,
    read_labels,
    start_workers,
)
from audiotagger.cli.report import EmbedAudioOption, check_page, open_report
from audiotagger.errors import PASSING, AudioError, AudioTaggerError, MetadataError, OutputError

if TYPE_CHECKING:
    from audiotagger.inference.results import Tagging
    from audiotagger.output.metadata_writer import MetadataWriter
    from audiotagger.report.details import Details
    from audiotagger.report.tagging import TaggingPage

STORED = 0.05
"""--write stores labels of at least this score, unless --min-score says otherwise."""


class Format(StrEnum):
    """Choices of --format."""

    text = "text"
    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    audacity = "audacity"


class Engine(StrEnum):
    """Choices of --engine."""

    local = "local"
    ray = "ray"


def tag(
    paths: PathsArgument = None,
    top_k: TopKOption = 3,
    min_score: Annotated[
        float | None,
        typer.Option(
            min=0.0, max=1.0, metavar="SCORE", help="Omit labels with a lower score. [default: 0; for --write 0.05]"
        ),
    ] = None,
    threshold: ThresholdOption = 0.5,
    labels: LabelsOption = None,
    output_format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help="text, table, json, jsonl, csv or audacity. [default: by the suffix of --output, else table on a "
            "terminal, text in a pipe]",
        ),
    ] = None,
    segments: SegmentsOption = False,
    window: WindowOption = None,
    hop: HopOption = None,
    by_model: ByModelOption = False,
    files_from: FilesFromOption = None,
    null: NullOption = False,
    every_file: AllOption = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write results to FILE instead of stdout; with --format audacity also a folder, for a file per input.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume a .jsonl output file, or a folder of --engine ray.")
    ] = False,
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed",
            help="With --resume, retry files that failed for a reason that may have passed, such as a timeout.",
        ),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write a page for the browser, to look at, listen to and correct the results."
        ),
    ] = None,
    embed_audio: EmbedAudioOption = False,
    write: Annotated[
        bool, typer.Option("--write", help="Also write the labels to the metadata of each file that is not unsure.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what --write would write.")] = False,
    models: ModelsOption = None,
    jobs: JobsOption = None,
    timeout: TimeoutOption = 3600,
    engine: Annotated[
        Engine,
        typer.Option(
            metavar="ENGINE",
            help="local, this machine; or ray, a Ray cluster, which writes a folder of Parquet files. [default: local]",
            show_default=False,
        ),
    ] = Engine.local,
    partition_size: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="With --engine ray: files per Parquet file. [default: up to 1000]"),
    ] = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Tag audio files with their most probable labels.

    Scores are probabilities, the mean over the models of the ensemble. Results go to stdout in input order, everything
    else to stderr.

    Exit status: 0 all files were tagged, 1 at least one failed, 2 wrong usage, 130 interrupted.
    """
    with errors_to_exit_status():
        options = {"window": window, "hop": hop, "threshold": threshold, "labels": read_labels(labels)}
        if engine is Engine.ray:
            from audiotagger.cli.cluster import tag_on_ray

            refused = {"--format": output_format, "--by-model": by_model, "--retry-failed": retry_failed}
            tag_on_ray(
                (paths, files_from, null, every_file),
                output,
                refused | {"--write": write, "--dry-run": dry_run, "--report": report},
                {"top_k": top_k, "min_score": min_score or 0.0},
                options,
                models=models,
                resume=resume,
                jobs=jobs,
                timeout=timeout,
                partition_size=partition_size,
                quiet=quiet,
                verbose=verbose,
            )
            return
        if partition_size:
            raise typer.BadParameter("--partition-size needs --engine ray")
        from audiotagger.extras import require_extra
        from audiotagger.output.files import open_journal, open_output
        from audiotagger.output.label_tracks import LabelTracks
        from audiotagger.output.metadata_writer import MetadataWriter
        from audiotagger.output.writers import WRITERS, Show, Writer

        if dry_run and not write:
            raise typer.BadParameter("--dry-run needs --write")
        chosen = output_format or _format_of(output)
        journal = output if chosen is Format.jsonl else None
        if journal and dry_run:
            raise typer.BadParameter("--dry-run writes no journal; give another --format")
        if segments and by_model and chosen in (Format.text, Format.csv):
            raise typer.BadParameter(f"--format {chosen} has either --segments or --by-model; use --format json")
        if resume and not journal:
            raise typer.BadParameter("--resume needs an --output that ends in .jsonl")
        if report:
            check_page(report, output)
        elif embed_audio:
            raise typer.BadParameter("--embed-audio needs --report")
        if retry_failed and not resume:
            raise typer.BadParameter("--retry-failed needs --resume")
        found = find_inputs(paths, files_from, null, every_file, print_skipped_path if verbose else None)
        files: Iterator[str | BinaryIO] = found
        if write:
            require_extra("metadata", "--write")  # before thousands of files are tagged
        # Names that are not valid text are written as the bytes they are, in JSON as escapes that read back the same.
        unencodable = "backslashreplace" if chosen in (Format.json, Format.jsonl) else "surrogateescape"
        if chosen is Format.audacity and not _is_folder(output):
            files = _only_one(files)
        with start_workers(models, timeout, verbose, **options) as workers, ExitStack() as stack:
            stack.enter_context(_note_if_interrupted(output))
            metadata = stack.enter_context(MetadataWriter(timeout))
            file, done = None, set[str]()
            writer: Writer | LabelTracks
            if chosen is Format.audacity and output and _is_folder(output):
                writer = LabelTracks(output, paths or ())
            else:
                if journal:
                    retry = PASSING if retry_failed else ()
                    file, done = stack.enter_context(open_journal(journal, unencodable, resume, retry))
                    files = (path for path in files if path not in done)
                    if done and not quiet:
                        print_note(f"{journal}: {len(done)} files already in it")
                else:
                    file = stack.enter_context(open_output(output, unencodable))
                writer = stack.enter_context(WRITERS[chosen](file, Show(by_model=by_model, segments=segments)))
            # A bar would erase the last line of an array, which has no end yet.
            unfinished = chosen is Format.json and file is not None and file.isatty()
            count = stack.enter_context(counter(file, quiet or unfinished))
            if total := input_counter(paths, files_from, null, every_file, done):
                count.expect(total)
            failed = False
            limits: dict[str, Any] = {"top_k": top_k, "min_score": min_score or 0.0, "jobs": jobs}
            page: TaggingPage | None = None
            results: Iterator[tuple[Tagging, Details | None]]
            if report:
                page = stack.enter_context(open_report(report, workers, threshold))
                earlier = _earlier(journal, done) if journal and done else None
                results = page.tag_files(workers, files, earlier, embed_audio=embed_audio, **limits)
            else:
                results = zip(workers.tag_files(files, **limits), itertools.repeat(None))
            for tagging, details in results:
                error: AudioTaggerError | None = tagging.error
                outcome = tagging
                if write and not error:
                    stored_from = STORED if min_score is None else min_score
                    failure = _store(metadata, tagging, stored_from, tuple(found.links), dry_run, dry_run or verbose)
                    if failure:
                        outcome = replace(tagging, error=failure)
                    error = failure
                try:
                    with count.hidden():
                        writer.write(outcome if chosen in (Format.json, Format.jsonl) else tagging)
                except OutputError as unwritten:
                    error = unwritten
                if page:
                    page.add(outcome, details)
                count()
                if tagging.warning and not quiet:
                    print_note(tagging.warning.message)
                if error:
                    failed = True
                    print_error(error)
        print_skipped(found, quiet)
        if failed:
            raise typer.Exit(1)


def _earlier(journal: Path, done: set[str]) -> Callable[[], Iterator["Tagging"]]:
    """Return a function that reads the results that a journal has by now, of the paths `done`."""
    from audiotagger.output.journal import read_results

    size = journal.stat().st_size
    return lambda: (tagging for tagging in read_results(journal, size) if tagging.path in done)


def _is_folder(output: Path | None) -> bool:
    """Return whether --output of --format audacity is a folder, which need not exist: a file's name has a suffix."""
    return output is not None and (output.is_dir() or not (output.suffix or output.exists()))


def _only_one(files: Iterator[str | BinaryIO]) -> Iterator[str | BinaryIO]:
    first_two = list(itertools.islice(files, 2))
    if len(first_two) > 1:
        raise typer.BadParameter("--format audacity writes a file per input; give a folder with --output DIR")
    return iter(first_two)


@contextmanager
def _note_if_interrupted(output: Path | None) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        if output:
            print_note(f"interrupted; results so far are in {output}")
        raise


def _store(
    metadata: "MetadataWriter",
    tagging: "Tagging",
    min_score: float,
    links: tuple[str, ...],
    dry_run: bool,
    verbose: bool,
) -> AudioError | None:
    """Write labels to the file's metadata; return the error if that fails. `links` are linked folders."""
    path = tagging.path
    if path == "-":
        return AudioError("not_written", "-: stdin has no metadata to write to; name a file")
    if path.startswith(links):  # to where the user may not have meant
        remedy = "it is in a linked folder; name the folder it links to"
        return AudioError("not_written", f"{path}: labels not stored: {remedy}")
    likely = [tag for tag in tagging.tags if tag.score >= min_score]
    try:
        value = metadata.write(path, likely if tagging.confident else (), dry_run=dry_run)
    except MetadataError as error:
        return AudioError("not_written", str(error))
    if verbose:
        print_note(f"{path}: {'would write' if dry_run else 'wrote'} {value or 'no labels'}")
    return None


def _format_of(output: Path | None) -> Format:
    if output:
        suffix = output.suffix.removeprefix(".").lower()
        return Format(suffix) if suffix in ("json", "jsonl", "csv") else Format.text
    return Format.table if sys.stdout.isatty() else Format.text
