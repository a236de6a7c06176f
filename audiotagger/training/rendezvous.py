"""Workers of one run find each other before any of them begins.

TensorFlow waits for workers that never come without heeding an interrupt, and does not compare what they are about to
do. So they meet here first, at the address that the chief will use afterwards.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from audiotagger.errors import RunError

_LONGEST = 1 << 20  # bytes of a message


def meet(
    addresses: Sequence[str], index: int, plan: Mapping[str, Any], seconds: float, waiting: Callable[[str], None]
) -> None:
    """Return as soon as all workers are here and have the same `plan`, which JSON can hold.

    addresses: "host:port" of each worker, the chief first; `index` is this one. The chief calls `waiting` with what it
    waits for. Raises RunError, on every worker, if one has another plan or is not here `seconds` after the chief.
    """
    if index:
        answer = _ask(addresses[0], {"index": index, "plan": plan}, seconds)
        if answer is None:
            raise RunError(f"worker 0 ({addresses[0]}) has gone; it says why")
        refused = str(answer["refused"])
    else:
        refused = _gather(addresses, json.loads(json.dumps(plan)), seconds, waiting)
    if refused:
        raise RunError(refused)


def _gather(addresses: Sequence[str], plan: Mapping[str, Any], seconds: float, waiting: Callable[[str], None]) -> str:
    """Wait for the other workers, tell them what is wrong with their plans, and return it; "" if all are the same."""
    names = {index: f"worker {index} ({address})" for index, address in enumerate(addresses)}
    until = time.monotonic() + seconds
    guests: dict[int, tuple[socket.socket, str]] = {}
    try:
        with ExitStack() as connections:
            server = connections.enter_context(socket.create_server(("", _host_and_port(addresses[0])[1])))
            while missing := ", ".join(name for index, name in names.items() if index and index not in guests):
                waiting(missing)
                server.settimeout(max(until - time.monotonic(), 0.001))
                try:
                    guest = connections.enter_context(server.accept()[0])
                except TimeoutError:
                    raise RunError(f"{missing} did not come; start all workers, and look at TF_CONFIG") from None
                message = _receive(guest, 5) or {}
                index, theirs = message.get("index"), message.get("plan")
                if not (isinstance(index, int) and index in names and isinstance(theirs, dict)):
                    continue  # some other program
                guests = {i: known for i, known in guests.items() if not _has_gone(known[0])}
                other = ", ".join(name for name in plan if theirs.get(name) != plan[name])
                guests[index] = guest, f"{names[index]} has another {other} than worker 0" if other else ""
            refused = next((reason for _, reason in guests.values() if reason), "")
            for guest, _ in guests.values():
                guest.sendall(json.dumps({"refused": refused}).encode() + b"\n")
                guest.recv(1)  # the guest closes first, or this address would not be free at once
    except OSError as error:
        raise RunError(f"{names[0]}: {error.strerror or error}; look at TF_CONFIG") from None
    return refused


def _ask(chief: str, message: Mapping[str, Any], seconds: float) -> dict[str, Any] | None:
    """Send a message to the chief, once it is there, and return its answer; None if it goes before."""
    until = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection(_host_and_port(chief), timeout=5) as connection:
                connection.sendall(json.dumps(message).encode() + b"\n")
                return _receive(connection, seconds)
        except OSError as error:
            if time.monotonic() > until:
                raise RunError(
                    f"worker 0 ({chief}): {error.strerror or error}; start all workers, and look at TF_CONFIG"
                ) from None
            time.sleep(0.5)


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def _receive(connection: socket.socket, seconds: float) -> dict[str, Any] | None:
    """The message of the other side; None if it goes, says something else or nothing for so long."""
    connection.settimeout(seconds)
    try:
        with connection.makefile("rb") as file:
            message = json.loads(file.readline(_LONGEST))
    except (OSError, ValueError):
        return None
    return message if isinstance(message, dict) else None


def _has_gone(connection: socket.socket) -> bool:
    """Whether the other side, which has nothing to say, has closed the connection."""
    connection.setblocking(False)
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(30)
