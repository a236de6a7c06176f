"""`audiotagger models`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audiotagger.cli.console import errors_to_exit_status
from audiotagger.cli.options import ModelsOption

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


@app.callback()
def list_models(context: typer.Context, models: ModelsOption = None) -> None:
    """Show which models are installed."""
    if context.invoked_subcommand:
        context.obj = models
        return
    with errors_to_exit_status():
        from audiotagger.inference.tagger import Tagger

        for model in Tagger.load(models).models:
            score = f"validation MAP@3 {model.scores['map3']:.3f}" if model.scores else "trained on all clips"
            typer.echo(
                f"{model.name}\t{model.kind}\t{len(model.labels)} labels\t{model.sample_rate} Hz\t"
                f"version {model.version}\t{score}\tsha256 {model.sha256()}\t{model.path}"
            )


@app.command()
def verify(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Folder of models. [default: as of models]")
    ] = None,
) -> None:
    """Check that model files are whole, fit together, and say what they said when they were exported.

    Exit status: 0 they do, perhaps with warnings, 1 something is wrong, 2 wrong usage.
    """
    with errors_to_exit_status():
        from audiotagger.inference.model import model_files
        from audiotagger.inference.verification import Level, verify
        from audiotagger.output.writers import printable

        wrong = False
        for finding in verify(model_files(folder or context.obj)):
            typer.echo(printable(f"{finding.level}: {finding.text}"))
            wrong = wrong or finding.level is Level.error
        if wrong:
            raise typer.Exit(1)
