"""`audiotagger tag`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from audiotagger.cli.console import errors_to_exit_status
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
    read_labels,
)
from audiotagger.cli.report import EmbedAudioOption
from audiotagger.cli.tag_batch import tag_batch
from audiotagger.cli.tag_options import Format, TagOptions, format_of


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
        inputs = (paths, files_from, null, every_file)
        tagger_options = {"window": window, "hop": hop, "threshold": threshold, "labels": read_labels(labels)}
        if engine is Engine.ray:
            from audiotagger.cli.cluster import tag_on_ray

            refused = {"--format": output_format, "--by-model": by_model, "--retry-failed": retry_failed}
            tag_on_ray(
                inputs,
                output,
                refused | {"--write": write, "--dry-run": dry_run, "--report": report, "--embed-audio": embed_audio},
                {"top_k": top_k, "min_score": min_score or 0.0},
                tagger_options,
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
        tag_batch(
            TagOptions(
                inputs=inputs,
                tagger_options=tagger_options,
                models=models,
                top_k=top_k,
                min_score=min_score,
                output_format=output_format or format_of(output),
                segments=segments,
                by_model=by_model,
                output=output,
                resume=resume,
                retry_failed=retry_failed,
                report=report,
                embed_audio=embed_audio,
                write=write,
                dry_run=dry_run,
                jobs=jobs,
                timeout=timeout,
                quiet=quiet,
                verbose=verbose,
            )
        )
