"""paperkit list: the plug-ins, and the arguments of each."""

from __future__ import annotations

from typing import Annotated

import typer

from paper_kit.cli.text import columns

Kind = Annotated[
    str,
    typer.Argument(
        help="model, dataset, figure, table, facts or executor; all if left out.", show_default=False
    ),
]


def list_plugins(kind: Kind = "") -> None:
    """Show the plug-ins; of one kind, with their arguments and defaults.

    The study's own plugins/KIND/*.py are among them.
    """
    from paper_kit.core.part import KINDS, available, summary

    if kind:
        describe(kind)
        return
    for one in KINDS:
        typer.echo(f"{one}")
        typer.echo(columns([(name, summary(one, name)) for name in available(one)], indent="  "))
    typer.echo("\n`paperkit list model` and the like show the arguments.")


def describe(kind: str) -> None:
    """Nothing; each plug-in of the kind is on stdout with its arguments."""
    from paper_kit.core.part import available, options, summary

    for name in available(kind):
        typer.echo(f"{name}: {summary(kind, name)}")
        rows = [
            (argument, option.type, "required" if option.required else repr(option.default))
            for argument, option in options(kind, name).items()
        ]
        if rows:
            typer.echo(columns(rows, indent="  "))
