"""paperkit import: what other people changed in their tools comes back to the templates."""

from __future__ import annotations

import typer

import_ = typer.Typer(
    help="What others changed in an exported paper, back to the study.", no_args_is_help=True
)


@import_.callback()
def _group() -> None:
    """What others changed in an exported paper, back to the study."""
