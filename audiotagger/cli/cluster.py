"""`audiotagger tag --engine ray`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import typer

from audiotagger.cli.console import counter, print_note
from audiotagger.cli.options import find_inputs, print_skipped, print_skipped_path, start_workers


@dataclass
class Skipped:
    """A function that counts files that are left out, and prints them if asked to."""

    verbose: bool
    skipped: int = 0

    def __call__(self, path: str) -> None:
        self.skipped += 1
        if self.verbose:
            print_skipped_path(path)


def tag_on_ray(
    inputs: tuple[list[str] | None, str | None, bool, bool],
    output: Path | None,
    refused: Mapping[str, object],
    tag_options: Mapping[str, Any],
    options: Mapping[str, Any],
    *,
    models: Path | None,
    resume: bool,
    jobs: int | None,
    timeout: float,
    partition_size: int | None,
    quiet: bool,
    verbose: bool,
) -> None:
    """Tag files on a Ray cluster.

    Parameters
    ----------
    inputs
        Arguments of `find_inputs`.
    output
        Folder or URI.
    refused
        Values of options that only one machine has.
    tag_options, options
        Of `Tagger.tag` and `Tagger.load`.
    models, resume, jobs, timeout, partition_size, quiet, verbose
        Of the command.
    """
    from audiotagger.extras import require_extra

    if given := [name for name, value in refused.items() if value]:
        raise typer.BadParameter(f"{given[0]} is not available with --engine ray")
    if output is None:
        raise typer.BadParameter("--engine ray needs --output, a folder or a URI such as s3://bucket/folder")
    require_extra("ray", "--engine ray")
    from audiotagger.engines.ray import tag_files

    with start_workers(models, timeout, verbose, **options):
        pass  # models and options are valid
    skipped = Skipped(verbose)
    # Path has taken one of the two slashes of a URI.
    folder = re.sub(r"^([a-z][a-z0-9+.-]+):/(?!/)", r"\1://", str(output))
    job = tag_files(
        _find(*inputs, skipped),
        folder,
        models=models,
        resume=resume,
        jobs=jobs,
        timeout=timeout,
        partition_size=partition_size,
        **tag_options,
        **options,
    )
    if (finished := job.partitions.count - len(job.pending)) and not quiet:
        print_note(f"{folder}: {finished} of {job.partitions.count} partitions already in it")
    done, failed = 0, False
    with counter(quiet=quiet) as count:
        count(0, job.files)
        for report in job:
            done += report.files
            count(done, job.files)
            for line in (*report.errors, *(() if quiet else report.warnings)):
                print_note(line)
            if report.failure:
                print_note(f"{folder}/{report.name}: {report.failure}; add --resume to try it again")
            failed = failed or bool(report.errors or report.failure)
    print_skipped(skipped, quiet)
    if failed:
        raise typer.Exit(1)


def _find(
    paths: list[str] | None, files_from: str | None, null: bool, every_file: bool, skip: Skipped
) -> Iterator[str]:
    """Yield the paths and URIs of the audio files that the command names."""
    from audiotagger.engines.storage import find_objects, is_uri, read_list

    if "-" in (paths or ()):
        raise typer.BadParameter("--engine ray cannot read audio from stdin; give files")
    uris = [path for path in paths or () if is_uri(path)]
    local = [path for path in paths or () if not is_uri(path)]
    for uri in uris:
        yield from find_objects(uri, every_file, skip)
    is_table = files_from is not None and files_from.endswith((".csv", ".parquet"))
    if files_from and is_table:
        yield from read_list(files_from)
        files_from = None
    if local or files_from or not (uris or is_table):
        yield from cast("Iterator[str]", find_inputs(local, files_from, null, every_file, skip))
