"""`audiotagger watch`."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from audiotagger.cli.console import Terminated, counter, errors_to_exit_status, print_error, print_note
from audiotagger.cli.options import (
    ByModelOption,
    HopOption,
    JobsOption,
    LabelsOption,
    ModelsOption,
    QuietOption,
    SegmentsOption,
    ThresholdOption,
    TimeoutOption,
    TopKOption,
    VerboseOption,
    WindowOption,
    read_labels,
    start_workers,
)
from audiotagger.errors import PASSING


def watch(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Folder to watch, with all folders in it.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Append results to this .jsonl file; files already in it are skipped.",
        ),
    ],
    settle: Annotated[
        float,
        typer.Option(
            min=0.1, max=86_400, metavar="SECONDS", help="A file is finished if it has not changed for this long."
        ),
    ] = 2,
    top_k: TopKOption = 3,
    min_score: Annotated[
        float, typer.Option(min=0.0, max=1.0, metavar="SCORE", help="Omit labels with a lower score.")
    ] = 0.0,
    threshold: ThresholdOption = 0.5,
    labels: LabelsOption = None,
    segments: SegmentsOption = False,
    window: WindowOption = None,
    hop: HopOption = None,
    by_model: ByModelOption = False,
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed", help="Retry files that failed for a reason that may have passed, such as a time-out."
        ),
    ] = False,
    models: ModelsOption = None,
    jobs: JobsOption = None,
    timeout: TimeoutOption = 3600,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Tag the files of a folder, and new ones as they arrive.

    A new file is tagged as soon as it is completely written.

    Results are those of `audiotagger tag --format jsonl`. Started again with the same output, it also tags the files
    that have appeared meanwhile.

    It runs until it is stopped. Exit status: 0 ended by SIGTERM, 1 DIR has been removed, 2 wrong usage,
    130 interrupted.
    """
    with errors_to_exit_status(), suppress(Terminated):
        from audiotagger.extras import require_extra
        from audiotagger.output.files import open_journal
        from audiotagger.output.writers import JsonLinesWriter, Show

        require_extra("watch", "watching a folder")
        from audiotagger.audio.arrivals import Arrivals

        try:
            os.scandir(folder).close()
        except OSError as error:
            raise typer.BadParameter(f"{folder}: {error.strerror}; give a folder that may be read") from None
        if output.suffix.lower() != ".jsonl":
            raise typer.BadParameter(f"{output}: --output must end in .jsonl")
        options: dict[str, Any] = {"window": window, "hop": hop, "threshold": threshold, "labels": read_labels(labels)}
        retry = PASSING if retry_failed else ()
        with (
            start_workers(models, timeout, verbose, **options) as workers,
            open_journal(output, "backslashreplace", resume=True, retry=retry) as (file, done),
            JsonLinesWriter(file, Show(by_model=by_model, segments=segments)) as writer,
            Arrivals(folder, settle, done) as arrivals,
        ):
            if not quiet:
                known = f"; {output}: files already in it: {len(done)}" if done else ""
                print_note(f"watching {folder}{known}")
            with counter(file, quiet) as count:
                for tagging in workers.tag_files(arrivals, top_k=top_k, min_score=min_score, jobs=jobs):
                    if tagging.error and tagging.error.kind == "not_found":  # removed before it was tagged
                        continue
                    with count.hidden():
                        writer.write(tagging)
                    count()
                    if tagging.warning and not quiet:
                        print_note(tagging.warning.message)
                    if tagging.error:
                        print_error(tagging.error)
