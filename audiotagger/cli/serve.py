"""`audiotagger serve`."""

from contextlib import suppress
from typing import Annotated

import typer

from audiotagger.cli.console import Terminated, errors_to_exit_status, print_note
from audiotagger.cli.options import (
    HopOption,
    JobsOption,
    ModelsOption,
    QuietOption,
    ThresholdOption,
    TimeoutOption,
    VerboseOption,
    WindowOption,
    start_workers,
)


def serve(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen at; 0.0.0.0 for all of this machine.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", "-p", min=0, max=65_535, metavar="N", help="Port to listen at; 0 for a free one.")
    ] = 8000,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="AUDIOTAGGER_TOKEN",
            metavar="TEXT",
            help="Only take requests with this bearer token; others on this machine may see it if given as an option.",
        ),
    ] = None,
    queue: Annotated[
        int, typer.Option(min=0, metavar="N", help="Number of requests that may wait; more are refused (429).")
    ] = 16,
    max_size: Annotated[
        float,
        typer.Option(
            min=0.001, max=1_000_000, metavar="MIB", help="Maximum size of a file; a larger one is refused (413)."
        ),
    ] = 512,
    threshold: ThresholdOption = 0.5,
    window: WindowOption = None,
    hop: HopOption = None,
    models: ModelsOption = None,
    jobs: JobsOption = None,
    timeout: TimeoutOption = 600,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Tag audio over HTTP.

    POST /tag answers with the JSON of `audiotagger tag`.

    The address that is printed shows a page to try it; /openapi.json describes it, /health and /metrics show how it
    is doing.

    SIGTERM and Ctrl-C stop it as soon as all requests that were accepted are answered. Exit status: 0 ended by SIGTERM,
    1 nothing can listen there, 2 wrong usage, 130 interrupted.
    """
    with errors_to_exit_status(), suppress(Terminated):
        from audiotagger.extras import require_extra

        require_extra("serve", "the service")
        from audiotagger.inference.parallel import available_cores
        from audiotagger.service.app import Limits, create_app
        from audiotagger.service.server import address_of, listen, run

        limits = Limits(jobs or available_cores(), queue, round(max_size * (1 << 20)), timeout, token or None)
        with (
            start_workers(models, timeout, verbose, window=window, hop=hop, threshold=threshold) as workers,
            listen(host, port) as listening,
        ):
            url, is_local = address_of(listening)
            if not quiet:
                print_note(f"listening at {url}")
            if not is_local and not limits.token:
                print_note(f"anyone who reaches {url} can use it; --token restricts it")
            run(create_app(workers, limits), listening, workers.close)
