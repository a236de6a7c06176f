"""Kill commands at random moments, and check after each kill that nothing is lost.

    python benchmarks/kills.py output resume write --count 100
    python benchmarks/kills.py train export evaluate --count 24

SIGKILL, SIGTERM, SIGINT and SIGHUP in turns, to the command alone or to its whole process group as a terminal does.
After each: what was finished is on disk and valid, the user's audio is the same (packets and decoded samples), no
process of the command still runs, and it printed no traceback. Now and then a command may run to its end: it goes on
and completes with the result of a run that was never disturbed, and nothing half-written is left. It makes its own
clips. The exit status is 1 if anything was lost.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from victims import VICTIMS, Victim, run, start

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(
    victims: Annotated[list[str], typer.Argument(metavar="VICTIM", help=f"Of {', '.join(VICTIMS)}.")],
    count: Annotated[int, typer.Option(min=1, help="Kills of each.")] = 100,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 0,
) -> None:
    """Print the number of kills survived and of losses."""
    lost = 0
    for name in victims:
        with tempfile.TemporaryDirectory() as folder:
            lost += torment(VICTIMS[name](Path(folder)), name, count, random.Random(seed))
    if lost:
        raise typer.Exit(1)


def torment(victim: Victim, name: str, count: int, rng: random.Random) -> int:
    """Kill a command `count` times, print what is lost, and return how often something was."""
    began = time.monotonic()
    lost = [f"first run: {loss}" for loss in to_the_end(victim)]
    seconds = time.monotonic() - began
    kills = dict.fromkeys(SIGNALS, 0)
    completed = 1
    while (killed := sum(kills.values())) < count:
        number = SIGNALS[killed % len(SIGNALS)]
        status, errors = kill(victim, number, rng.uniform(0, seconds), to_group=rng.random() < 0.5)
        losses = [*errors, *victim.losses()]
        if status is None:
            kills[number] += 1
        else:  # it had ended by itself
            completed += 1
        if status == 0 or (status is None and sum(kills.values()) % victim.finish_after == 0):
            losses += to_the_end(victim)
            completed += 1
        lost += [f"after {number.name} {killed}: {loss}" for loss in losses]
    for loss in lost:
        typer.echo(f"LOST: {name}: {loss}")
    by_signal = ", ".join(f"{kills[number]} {number.name}" for number in SIGNALS)
    typer.echo(f"{name}: {sum(kills.values())} kills ({by_signal}), {completed} runs completed, {len(lost)} losses")
    return len(lost)


def to_the_end(victim: Victim) -> list[str]:
    """Run a command to its end, and return what is wrong."""
    done = run(victim.command(), victim.folder, check=False)
    if done.returncode:
        return [f"exit status {done.returncode}: {done.stderr}"]
    left = [str(path) for path in victim.folder.rglob("*.partial")]
    return [*(["half-written: " + ", ".join(left)] if left else []), *victim.finished()]


def kill(victim: Victim, number: int, seconds: float, to_group: bool) -> tuple[int | None, list[str]]:
    """Run a command and kill it after so many seconds.

    Returns its exit status if it had ended by itself, and what is wrong.
    """
    with (victim.folder / "stderr.txt").open("w+") as stderr:
        process = start(victim.command(), victim.folder, stdout=subprocess.DEVNULL, stderr=stderr)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        ended = process.poll()
        if ended is None:
            (os.killpg if to_group else os.kill)(process.pid, number)
        try:
            status = process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return None, ["it did not end"]
        stderr.seek(0)
        text = stderr.read()
    wrong = []
    if "Traceback" in text and "audiotagger" in text:
        wrong.append(f"a traceback: {text}")
    if status not in ((0,) if ended is not None else (0, -number, 128 + number)):
        wrong.append(f"exit status {status}: {text}")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and (left := group_exists(process.pid)):
        time.sleep(0.05)
    if left:
        wrong.append("processes still run")
        os.killpg(process.pid, signal.SIGKILL)
    return ended, wrong


def group_exists(group: int) -> bool:
    """Return whether a process group has any process."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    typer.run(main)
