"""`audiotagger models`."""

import json
from typing import Annotated

import typer

from audiotagger.cli.console import errors_to_exit_status
from audiotagger.cli.options import ListFormat, ListFormatOption, ModelsOption

app = typer.Typer(
    help="List and verify models.", invoke_without_command=True, rich_markup_mode=None, add_completion=False
)


@app.callback()
def models(context: typer.Context) -> None:  # noqa: D103 (the help above would be replaced)
    if context.invoked_subcommand is None:
        list_models()


@app.command("list")
def list_models(
    models: ModelsOption = None,
    output_format: ListFormatOption = ListFormat.table,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Also show the SHA-256 of each file.")] = False,
) -> None:
    """List the models that the other commands use."""
    with errors_to_exit_status():
        from audiotagger.evaluation.metrics import MEASURES, leading
        from audiotagger.inference.tagger import Tagger
        from audiotagger.output.tables import make_table

        found = Tagger.load(models).models
        if output_format is ListFormat.json:
            shown = ("name", "kind", "version", "sample_rate", "window_samples", "data_id", "quantized", "scores")
            described = [
                {
                    **{field: getattr(model, field) for field in shown},
                    "path": str(model.path),
                    "sha256": model.sha256(),
                    "labels": model.labels,
                }
                for model in found
            ]
            typer.echo(json.dumps(described, indent=2))
            return
        fields = leading(len(found[0].labels))
        titles = ["model", "kind", ">labels", ">rate", ">window", "version", *(f">{MEASURES[x]}" for x in fields)]
        rows = [
            [
                model.name,
                model.kind + " int8" * model.quantized,
                str(len(model.labels)),
                f"{model.sample_rate} Hz",
                f"{model.window_samples / model.sample_rate:g} s",
                model.version,
                *(f"{model.scores[name]:.3f}" if name in model.scores else "-" for name in fields),
            ]
            for model in found
        ]
        typer.echo(make_table(titles, rows))
        typer.echo("\nScores are of the validation split; - if there was none.")
        for model in found:
            typer.echo(f"{model.sha256()}  {model.path}" if verbose else model.path)


@app.command()
def verify(models: ModelsOption = None) -> None:
    """Verify that model files are intact and compatible.

    They must also reproduce the reference output that was stored when they were exported.

    Exit status: 0 they are, perhaps with warnings; 1 they are not; 2 wrong usage.
    """
    with errors_to_exit_status():
        from audiotagger.inference.model import model_files
        from audiotagger.inference.verification import Level, verify
        from audiotagger.output.writers import printable

        failed = False
        for finding in verify(model_files(models)):
            typer.echo(printable(f"{finding.level}: {finding.text}"))
            failed = failed or finding.level is Level.error
        if failed:
            raise typer.Exit(1)
