"""The command line. Each command imports what it needs when it runs, so that --help is quick.

For the same reason modules of commands do without `from __future__ import annotations`: Typer would have to compile the
annotations of all commands each time.
"""

import sys
from typing import Annotated

import typer

from audiotagger import __version__
from audiotagger.cli import data, embed, evaluate, export, listen, models, report, runs, serve, show, tag, train, watch
from audiotagger.cli.console import errors_to_exit_status, print_note
from audiotagger.cli.options import Command

app = typer.Typer(
    name="audiotagger",
    help="Tag audio files with sound labels.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


for command in (
    tag.tag,
    show.show,
    report.report,
    embed.embed,
    watch.watch,
    listen.listen,
    serve.serve,
    train.train,
    runs.runs,
    export.export,
    evaluate.evaluate,
):
    app.command(cls=Command)(command)
app.add_typer(models.app, name="models")
app.add_typer(data.app, name="data")


def _version(requested: bool) -> None:
    if not requested:
        return
    typer.echo(f"audiotagger {__version__}")
    with errors_to_exit_status():
        from audiotagger.inference.tagger import Tagger

        for model in Tagger.load().models:
            typer.echo(f"{model.name} {model.version}")
    raise typer.Exit()


@app.callback()
def main(  # noqa: D103 (its docstring would be shown as help)
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the versions of program and models."),
    ] = False,
) -> None:
    if sys.stdout is None or sys.stderr is None:  # closed by the caller: results or errors would be lost
        if sys.stderr:
            print_note("stdout is closed; redirect it to a file or to /dev/null")
        raise typer.Exit(2)
