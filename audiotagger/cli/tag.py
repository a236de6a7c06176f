"""`audiotagger tag`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from audiotagger.cli.console import counter, errors_to_exit_status, print_error, print_note
from audiotagger.cli.options import (
    FilesFromOption,
    HopOption,
    JobsOption,
    ModelsOption,
    NullOption,
    PathsArgument,
    QuietOption,
    VerboseOption,
    WindowOption,
    inputs,
    load,
    tell_skipped,
)
from audiotagger.errors import AudioError, MetadataError

if TYPE_CHECKING:
    from audiotagger.inference.results import Tagging

STORED = 0.05
"""--write stores labels of at least this score, unless --min-score says otherwise."""


class Format(StrEnum):  # noqa: D101 (what typer takes as choices)
    text = "text"
    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    audacity = "audacity"


def tag(
    paths: PathsArgument = None,
    top_k: Annotated[int, typer.Option("--top-k", "-k", min=1, help="At most this many labels per file.")] = 3,
    min_score: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Leave out labels below this probability. [default: 0; with --write 0.05]"),
    ] = None,
    threshold: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Below this the best label is marked ? and has no segments.")
    ] = 0.5,
    output_format: Annotated[
        Format | None,
        typer.Option("--format", "-f", help="[default: table on a terminal, text in a pipe, or as --output is called]"),
    ] = None,
    segments: Annotated[bool, typer.Option("--segments", "-s", help="Show where which label is heard.")] = False,
    window: WindowOption = None,
    hop: HopOption = None,
    by_model: Annotated[bool, typer.Option("--by-model", help="Also show each net's own labels.")] = False,
    files_from: FilesFromOption = None,
    null: NullOption = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Put results there, not on stdout.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a jsonl --output: leave out the paths that it holds.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Also store the labels in the files' own metadata, if they are confident.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what --write would store.")] = False,
    models: ModelsOption = None,
    jobs: JobsOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Say what audio files hold: the labels with the highest mean probability of the nets.

    Results go to stdout in the order of the input, everything else to stderr. Exit status: 0 all files were tagged,
    1 at least one could not be, 2 wrong usage, 130 interrupted.
    """
    with errors_to_exit_status():
        from audiotagger.output.files import open_journal, open_output
        from audiotagger.output.writers import WRITERS, Show

        if dry_run and not write:
            raise typer.BadParameter("--dry-run says what --write would store")
        chosen = output_format or _format_of(output)
        journal = output if chosen is Format.jsonl else None
        if journal and dry_run:
            raise typer.BadParameter("--dry-run leaves no journal; give another --format")
        if segments and by_model and chosen in (Format.text, Format.csv):
            raise typer.BadParameter(
                f"--format {chosen} shows segments or what each net says; use --format json for both"
            )
        if resume and not journal:
            raise typer.BadParameter("--resume goes on with an --output in the format jsonl")
        found = inputs(paths, files_from, null)
        files: Iterator[str | BinaryIO] = found
        if write:
            from audiotagger.output.metadata import require_extra

            require_extra()  # before thousands of files are tagged
        tagger = load(models, verbose, window=window, hop=hop, threshold=threshold)
        # Names that are no valid text come out as the bytes they are, in JSON as the escapes that read back the same.
        unencodable = "backslashreplace" if chosen in (Format.json, Format.jsonl) else "surrogateescape"
        with ExitStack() as stack:
            stack.enter_context(_saying_what_is_left(output))
            if journal:
                file, done = stack.enter_context(open_journal(journal, unencodable, resume))
                files = (path for path in files if path not in done)
                if done and not quiet:
                    print_note(f"{journal}: holds {len(done)} results already")
            else:
                file = stack.enter_context(open_output(output, unencodable))
            count = stack.enter_context(counter(file, quiet))
            writer = stack.enter_context(WRITERS[chosen](file, Show(by_model=by_model, segments=segments)))
            failed = False
            results = tagger.tag_files(files, top_k=top_k, min_score=min_score or 0.0, jobs=jobs)
            for done_before, tagging in enumerate(results):
                if done_before and chosen is Format.audacity:
                    raise typer.BadParameter("a label track is of one file; use --format csv for more")
                error = tagging.error
                if write and not error:
                    likely = STORED if min_score is None else min_score
                    error = _store(tagging, likely, tuple(found.links), dry_run, dry_run or verbose)
                    if error and chosen in (Format.json, Format.jsonl):
                        tagging = replace(tagging, error=error)
                writer.write(tagging)
                count()
                if error:
                    failed = True
                    print_error(error)
        tell_skipped(found, quiet)
        if failed:
            raise typer.Exit(1)


@contextmanager
def _saying_what_is_left(output: Path | None) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        if output:
            print_note(f"interrupted; {output} holds what was done until then")
        raise


def _store(tagging: Tagging, min_score: float, links: tuple[str, ...], dry_run: bool, say: bool) -> AudioError | None:
    """Write labels into the file they are of; return why it is not possible. `links` are of folders."""
    from audiotagger.output.metadata import write_tags

    path = tagging.path
    if path == "-":
        return AudioError("not_written", "-: standard input is no file to write labels into; name one")
    if path.startswith(links):  # to where the user may not have meant
        return AudioError(
            "not_written", f"{path}: labels not stored: it is in a linked folder; name what that leads to"
        )
    likely = [tag for tag in tagging.tags if tag.score >= min_score]
    try:
        value = write_tags(path, likely if tagging.confident else (), dry_run=dry_run)
    except MetadataError as error:
        return AudioError("not_written", str(error))
    if say:
        print_note(f"{path}: {'would store' if dry_run else 'stored'} {value or 'no labels'}")
    return None


def _format_of(output: Path | None) -> Format:
    if output:
        suffix = output.suffix.removeprefix(".").lower()
        return Format(suffix) if suffix in ("json", "jsonl", "csv") else Format.text
    return Format.table if sys.stdout.isatty() else Format.text
