"""Run the service until a signal stops it."""

from __future__ import annotations

import ipaddress
import logging
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from audiotagger.errors import ServiceError


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; with port 0 at one that is free.

    Raises
    ------
    ServiceError
        Nothing can listen there.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server(address[:2], family=family)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ServiceError(f"cannot listen at {host}, port {port} ({reason}); try another --host or --port") from None
    # Connections inherit it. asyncio sets it only on a socket that was given its protocol; without it, an answer waits
    # 40 ms for the client to acknowledge its headers.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def address_of(listening: socket.socket) -> tuple[str, bool]:
    """Return the URL of a listening socket, and whether only this machine can reach it."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}", ipaddress.ip_address(host).is_loopback


def run(app: Starlette, listening: socket.socket, stop_now: Callable[[], object]) -> None:
    """Serve until SIGTERM or SIGINT, and answer all requests that have been accepted by then.

    Parameters
    ----------
    app
        The service.
    listening
        Closed at the end.
    stop_now
        Called at the second SIGINT: it should make what is running return.

    Raises
    ------
    KeyboardInterrupt
        Or what else the handlers of these signals raise, at the end.
    """
    ends = {signal.SIGTERM, signal.SIGINT}

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ends)
            await super().startup(sockets)

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            super().handle_exit(sig, frame)
            if self.force_exit:
                logging.getLogger("uvicorn.error").disabled = True  # requests are cut off: no news
                stop_now()

    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # a broken form is the client's matter
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="error",
        access_log=False,
        lifespan="off",
        ws="none",
        http="h11",
        loop="asyncio",
        server_header=False,
    )
    # Until the server handles them: an exception before it runs would leave a coroutine that was never awaited.
    former = signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    try:
        Server(config).run([listening])
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
