"""Options of `audiotagger tag` on this machine, and which of them go together."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from audiotagger.cli.report import check_page


class Format(StrEnum):
    """Choices of --format."""

    text = "text"
    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    audacity = "audacity"


def format_of(output: Path | None) -> Format:
    """Return the format of --output, or of stdout, if --format is not given."""
    if output:
        suffix = output.suffix.removeprefix(".").lower()
        return Format(suffix) if suffix in ("json", "jsonl", "csv") else Format.text
    return Format.table if sys.stdout.isatty() else Format.text


@dataclass(frozen=True, kw_only=True)
class TagOptions:
    """Values of the options, by their names but for those described here."""

    inputs: tuple[list[str] | None, str | None, bool, bool]
    """Arguments of `find_inputs`."""
    tagger_options: Mapping[str, Any]
    """Of `Tagger.load`."""
    models: Path | None
    top_k: int
    min_score: float | None
    output_format: Format
    segments: bool
    by_model: bool
    output: Path | None
    resume: bool
    retry_failed: bool
    report: Path | None
    embed_audio: bool
    write: bool
    dry_run: bool
    jobs: int | None
    timeout: float
    quiet: bool
    verbose: bool

    @property
    def journal(self) -> Path | None:
        """The output, if it is one that can be resumed."""
        return self.output if self.output_format is Format.jsonl else None

    @property
    def label_tracks(self) -> Path | None:
        """The output, if it is a folder of label tracks, which need not exist: a file's name has a suffix."""
        output = self.output if self.output_format is Format.audacity else None
        return output if output and (output.is_dir() or not (output.suffix or output.exists())) else None

    def check(self) -> None:
        """Raise BadParameter if options do not go together."""
        if self.dry_run and not self.write:
            raise typer.BadParameter("--dry-run needs --write")
        if self.journal and self.dry_run:
            raise typer.BadParameter("--dry-run writes no journal; give another --format")
        if self.segments and self.by_model and self.output_format in (Format.text, Format.csv):
            raise typer.BadParameter(
                f"--format {self.output_format} has either --segments or --by-model; use --format json"
            )
        if self.by_model and self.output_format is Format.audacity:
            raise typer.BadParameter("--format audacity has no --by-model; use --format json")
        if self.resume and not self.journal:
            raise typer.BadParameter("--resume needs an --output that ends in .jsonl")
        if self.report:
            check_page(self.report, self.output)
        elif self.embed_audio:
            raise typer.BadParameter("--embed-audio needs --report")
        if self.retry_failed and not self.resume:
            raise typer.BadParameter("--retry-failed needs --resume")
