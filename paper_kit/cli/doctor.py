"""paperkit doctor: what is there, what is missing, what to type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from paper_kit.cli.options import Data
from paper_kit.cli.text import columns

if TYPE_CHECKING:
    from paper_kit.cli.checks import Check


def doctor(data: Data = None) -> None:
    """Look at Python, torch, TeX, fonts and data: what is there, what is missing, what to type.

    The exit code is 1 where something essential is missing.
    """
    from paper_kit.cli.checks import checks
    from paper_kit.cli.workplace import Workplace, workplace
    from paper_kit.core.config import study_root

    root = study_root()
    place = workplace() if (root / "paper" / "paper.toml").is_file() else Workplace(root, ())
    found = checks(place, tuple(data or ()))
    rows = [
        (
            check.topic,
            "ok" if check.found else "MISSING" if check.essential else "missing",
            check.name,
            check.found,
        )
        for check in found
    ]
    typer.echo(columns(rows))
    missing = [check for check in found if not check.found]
    if missing:
        typer.echo("\nTo get what is missing, type:")
        for cure, names in cures(missing).items():
            typer.echo(f"  {', '.join(names)}: {cure}")
    if any(check.essential for check in missing):
        raise typer.Exit(1)


def cures(missing: list[Check]) -> dict[str, list[str]]:
    """What to type -> the names of what it brings."""
    found: dict[str, list[str]] = {}
    for check in missing:
        found.setdefault(check.cure, []).append(check.name)
    return found
