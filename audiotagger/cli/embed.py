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
    VerboseOption,
    WindowOption,
    inputs,
    load,
    tell_skipped,
)
from audiotagger.errors import AudioTaggerError


def embed(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="What to write: .npz or .parquet.")],
    paths: PathsArgument = None,
    files_from: FilesFromOption = None,
    null: NullOption = False,
    window: WindowOption = None,
    hop: HopOption = None,
    models: ModelsOption = None,
    jobs: JobsOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write what the nets hear in each file before they name it: a vector per file, to search and to cluster.

    Exit status: as of tag.
    """
    with errors_to_exit_status():
        from audiotagger.output.embeddings import WRITERS, require_pyarrow
        from audiotagger.output.files import replacing_output

        if output.suffix not in WRITERS:
            raise typer.BadParameter(f"{output}: embeddings are written as {' or '.join(WRITERS)}")
        if output.suffix == ".parquet":
            require_pyarrow()
        files = inputs(paths, files_from, null)
        tagger = load(models, verbose, window=window, hop=hop)
        failed = False
        with replacing_output(output) as partial, counter(None, quiet) as count:
            embeddings = {}
            for path, embedding in tagger.embed_files(files, jobs=jobs):
                count()
                if isinstance(embedding, AudioTaggerError):
                    failed = True
                    print_error(embedding)
                else:
                    embeddings[path] = embedding
            WRITERS[output.suffix](partial, embeddings)
        tell_skipped(files, quiet)
        if failed:
            raise typer.Exit(1)
