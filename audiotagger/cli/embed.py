"""`audiotagger embed`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audiotagger.cli.console import counter, errors_to_exit_status, print_error
from audiotagger.cli.options import (
    FilesFromOption,
    HopOption,
    JobsOption,
    ModelsOption,
    NullOption,
    PathsArgument,
    QuietOption,
    TimeoutOption,
    VerboseOption,
    WindowOption,
    find_inputs,
    input_counter,
    print_skipped,
    start_workers,
)
from audiotagger.errors import AudioTaggerError


def embed(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Output file, .npz or .parquet.")],
    paths: PathsArgument = None,
    files_from: FilesFromOption = None,
    null: NullOption = False,
    window: WindowOption = None,
    hop: HopOption = None,
    models: ModelsOption = None,
    jobs: JobsOption = None,
    timeout: TimeoutOption = 3600,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Compute an embedding vector per file, for search and clustering.

    Exit status: 0 all files were processed, 1 at least one failed, 2 wrong usage, 130 interrupted.
    """
    with errors_to_exit_status():
        from audiotagger.output.embeddings import EMBEDDING_WRITERS, require_pyarrow
        from audiotagger.output.files import replacing

        if output.suffix not in EMBEDDING_WRITERS:
            raise typer.BadParameter(f"{output}: --output must end in {' or '.join(EMBEDDING_WRITERS)}")
        if output.suffix == ".parquet":
            require_pyarrow()
        files = find_inputs(paths, files_from, null)
        failed = False
        with (
            start_workers(models, timeout, verbose, window=window, hop=hop) as workers,
            replacing(output) as partial,
            counter(quiet=quiet) as count,
        ):
            if total := input_counter(paths, files_from, null):
                count.expect(total)
            embeddings = {}
            for path, embedding in workers.embed_files(files, jobs=jobs):
                count()
                if isinstance(embedding, AudioTaggerError):
                    failed = True
                    print_error(embedding)
                else:
                    embeddings[path] = embedding
            EMBEDDING_WRITERS[output.suffix](partial, embeddings)
        print_skipped(files, quiet)
        if failed:
            raise typer.Exit(1)
