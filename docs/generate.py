"""What the pages show of the program itself, for cog: `cog -r -I docs README.md docs/*.md` writes it anew."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cog  # exists while cog runs

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # this checkout, whatever is installed

import audiotagger  # noqa: E402


def output(command: str, *, options: str = "", status: int = 0) -> None:
    """Show a shell command and what it prints on stdout.

    `options` are given to the command but not shown: what it would choose by itself on a terminal. `status` is the
    exit status that it must have.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{command} {options}"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
        env={"COLUMNS": "80", "PATH": path, "PYTHONPATH": str(ROOT)},
    )
    if done.returncode != status:
        raise SystemExit(f"{command}: {done.stderr}")
    _fenced("console", f"$ {command}\n{done.stdout}")


def all_help() -> None:
    """Show the help text of every command under a heading of its name."""
    from typer.testing import CliRunner

    from audiotagger.cli import app

    for names in [(), *_commands()]:
        name = " ".join(["audiotagger", *names])
        cog.outl(f"## {name}\n")
        result = CliRunner().invoke(app, [*names, "--help"], terminal_width=78)  # as on 80 columns
        _fenced("console", f"$ {name} --help\n{result.output}")
        cog.outl()


def suffixes() -> None:
    """Show which suffixes mark an audio file in a folder."""
    from audiotagger.audio.discovery import AUDIO_SUFFIXES

    cog.outl(textwrap.fill(" ".join(f"`{suffix}`" for suffix in sorted(AUDIO_SUFFIXES)), 120))


def api() -> None:
    """Show the signature and docstring of every public name, and of the public methods of classes."""
    for name in audiotagger.__all__:
        described = getattr(audiotagger, name)
        cog.outl(f"### {name}\n")
        _fenced("text", "\n".join(_described(name, described)))
        cog.outl()


def scores(*, intervals: bool = False) -> None:
    """Show the scores of the models and their ensemble on the test clips."""
    cog.outl("| | MAP@3 | macro MAP@3 | top-1 | calibration error |\n|---|---|---|---|---|")
    models = _figures()["labels"]["models"]
    for name, model in models.items():
        cells = [f"{model[field]:.3f}" for field in ("map3", "macro_map3", "top1", "ece")]
        if name == "ensemble":
            if intervals:
                ends = model["intervals"]
                fields = ("map3", "macro_map3", "top1")
                cells[:3] = [
                    f"{cell} ({ends[f][0]:.3f} to {ends[f][1]:.3f})" for cell, f in zip(cells, fields, strict=False)
                ]
            cells = [f"**{cell}**" for cell in cells]
        cog.outl(f"| {'**ensemble**' if name == 'ensemble' else f'{name} model'} | {' | '.join(cells)} |")


def remarks() -> None:
    """Show what averaging gains, how many answers are confident, and the scores over all labels."""
    of_labels, of_all = _figures()["labels"], _figures()["all_labels"]
    lines = []
    for gain in of_labels["gains"]:
        low, high = gain["intervals"]["map3"]
        interval = f"95 % interval {low:+.3f} to {high:+.3f}"
        lines.append(f"The ensemble's MAP@3 is {gain['map3']:+.3f} against the {gain['model']} model's ({interval}).")
    for one in of_labels["complements"]:
        helper, model = one["helper"], one["model"]
        lines.append(
            f"The {helper} model is right on {one['rate']:.0%} of the clips that the {model} model gets wrong."
        )
    lines.append(f"{of_labels['confident']:.0%} of the clips get a confident answer.")
    for figures, outside in (
        (of_labels, f"outside the {of_labels['labels']} labels"),
        (of_all, "that the models do not know"),
    ):
        if other := figures["out_of_domain"]:
            lines.append(
                f"Of {other['clips']} clips of sounds {outside}, {other['confident']:.0%} get one of these labels with "
                "confidence; the probability of any of them separates the others from these clips with an AUROC of "
                f"{other['auroc']:.3f}."
            )
    best = of_all["models"]["ensemble"]
    lines.append(
        f"Over all {of_all['known_labels']} labels the ensemble has a MAP@3 of {best['map3']:.3f} on the same clips "
        f"(macro {best['macro_map3']:.3f}, top-1 {best['top1']:.3f})."
    )
    if further := of_all["further"]:
        best = further["models"]["ensemble"]
        lines.append(
            f"On {further['clips']} test clips of {len(best['labels'])} of the further labels it has a MAP@3 of "
            f"{best['map3']:.3f} (macro {best['macro_map3']:.3f}, top-1 {best['top1']:.3f})."
        )
    for line in lines:
        cog.outl(textwrap.fill(line, 120, initial_indent="- ", subsequent_indent="  "))


def labels() -> None:
    """Show every label with its training clips, their sources, and its scores."""
    figures = _figures()
    of_all = figures["all_labels"]
    models = figures["labels"]["models"]
    further = of_all["further"]["models"] if of_all["further"] else {name: {"labels": {}} for name in models}
    cog.outl(
        "| label | training clips | sources | test clips | MAP@3: "
        + " | ".join(models)
        + " | recall | most confused with |"
    )
    cog.outl("|---" * (6 + len(models)) + "|")
    for label, training in figures["training"].items():
        row = [label, str(training["clips"]), str(training["sources"])]
        group = models if label in models["ensemble"]["labels"] else further
        if label in group["ensemble"]["labels"]:
            best = group["ensemble"]["labels"][label]
            row += [str(best["clips"]), *(f"{group[name]['labels'][label]['map3']:.3f}" for name in models)]
            confused = f"{best['confused_with']} ({best['confused_clips']})" if best["confused_with"] else ""
            row += [f"{best['recall']:.2f}", confused]
        else:
            row += ["0", *([""] * (2 + len(models)))]
        cog.outl(f"| {' | '.join(row)} |")


def _figures() -> dict[str, Any]:
    figures: dict[str, Any] = json.loads((ROOT / "docs" / "scores.json").read_text(encoding="utf-8"))
    return figures


def _fenced(language: str, text: str) -> None:
    lines = "\n".join(line.rstrip() for line in text.rstrip().splitlines())
    cog.outl(f"```{language}\n{lines}\n```")


def _commands() -> Iterator[tuple[str, ...]]:
    """Return the names of every command, groups before what is in them."""
    import typer

    from audiotagger.cli import app

    def walk(group: Any, names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for name, command in getattr(group, "commands", {}).items():
            yield (*names, name)
            yield from walk(command, (*names, name))

    yield from walk(typer.main.get_command(app), ())


def _described(name: str, described: Any) -> Iterator[str]:
    yield f"{'class ' if inspect.isclass(described) else ''}{name}{_signature(described)}"
    for line in (inspect.getdoc(described) or "").splitlines():
        yield f"    {line}" if line else ""
    if not inspect.isclass(described):
        return
    for method, value in vars(described).items():
        if method.startswith("_") or not (callable(value) or isinstance(value, classmethod | property)):
            continue
        function = value.fget if isinstance(value, property) else getattr(described, method)
        yield ""
        signature = "" if isinstance(value, property) else _signature(function)
        yield from (f"    {line}" if line else "" for line in f"{method}{signature}".splitlines())
        for line in (inspect.getdoc(value) or "").splitlines():
            yield f"        {line}" if line else ""


def _signature(function: Any) -> str:
    """Return the parameters and the return type; one parameter per line if they do not fit into one line."""
    if getattr(function, "__init__", None) is Exception.__init__:
        return ""
    signature = inspect.signature(function)
    parameters = [name for name in signature.parameters.values() if name.name != "self"]
    short = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(signature.replace(parameters=parameters)))
    short = re.sub(r"<function (\w+) at 0x\w+>", r"\1", short)  # a default that is a function
    if len(short) <= 80:
        return short
    head, arrow, returned = short.rpartition(" -> ")
    arguments = re.sub(r", (?=\*|\w+:)", ",\n    ", (head or returned)[1:-1])
    return f"(\n    {arguments},\n){arrow}{returned if head else ''}"
