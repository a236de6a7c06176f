"""`audiotagger embed`."""

from pathlib import Path
from typing import Annotated

import typer

from audiotagger.cli.console import counter, errors_to_exit_status, print_error, print_note
from audiotagger.cli.options import (
    AllOption,
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
    print_skipped_path,
    start_workers,
    workers_to_start,
)
from audiotagger.errors import AudioTaggerError, AudioWarning


def embed(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Output file, .npz or .parquet.")],
    paths: PathsArgument = None,
    files_from: FilesFromOption = None,
    null: NullOption = False,
    every_file: AllOption = False,
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
        from audiotagger.extras import require_extra
        from audiotagger.output.embeddings import EMBEDDING_WRITERS
        from audiotagger.output.files import replacing_output

        if output.suffix not in EMBEDDING_WRITERS:
            raise typer.BadParameter(f"{output}: --output must end in {' or '.join(EMBEDDING_WRITERS)}")
        if output.suffix == ".parquet":
            require_extra("parquet", "Parquet output")
        files = find_inputs(paths, files_from, null, every_file, print_skipped_path if verbose else None)
        started = workers_to_start(paths, files_from, null, every_file, jobs)
        failed = False

        def warn(warning: AudioWarning) -> None:
            if not quiet:
                print_note(warning.message)

        with (
            start_workers(models, timeout, verbose, started, window=window, hop=hop) as workers,
            replacing_output(output) as partial,
            counter(quiet=quiet) as count,
        ):
            if total := input_counter(paths, files_from, null, every_file):
                count.expect(total)
            embeddings = {}
            for path, embedding in workers.embed_files(files, jobs=jobs, warn=warn):
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
