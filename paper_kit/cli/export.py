"""paperkit export: the paper for other people's tools. A command is added by its line in COMMANDS."""

from __future__ import annotations

from collections.abc import Callable

import typer

COMMANDS: tuple[tuple[str, Callable[..., None], str], ...] = ()  # name, function, example

export = typer.Typer(help="The paper for other people's tools.", no_args_is_help=True)


@export.callback()
def _group() -> None:
    """The paper for other people's tools."""


for name, command, example in COMMANDS:
    export.command(name, epilog=f"Example: {example}")(command)
