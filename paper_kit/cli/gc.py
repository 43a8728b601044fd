"""paperkit gc: what lies in the folder of runs and no experiment refers to."""

from __future__ import annotations

from typing import Annotated

import typer

from paper_kit.cli.options import Runs
from paper_kit.cli.text import columns, counted

Move = Annotated[bool, typer.Option("--move", help="Move it to the folder trash/ among the runs.")]


def gc(move: Move = False, runs: Runs = None) -> None:
    """Show what no experiment of the study refers to, and move it to a trash folder if asked.

    All files of experiments/ count. Runs at work and sources in use are never touched; nothing is deleted.
    """
    from dataclasses import replace

    from paper_kit.cli.workplace import workplace
    from paper_kit.core.trash import to_trash, unused

    place = workplace(runs=runs)
    files = dict.fromkeys((*place.files, *sorted((place.root / "experiments").glob("*.toml"))))
    store = place.store
    found = unused(store, replace(place, files=tuple(files)).plans())
    if not found:
        typer.echo(f"{store.root}: nothing lies there that no experiment refers to.")
        return
    rows = [(str(one.path.relative_to(store.root)), f"{one.bytes / 1e6:.1f} MB", one.why) for one in found]
    typer.echo(columns(rows))
    if not move:
        size = f"{sum(one.bytes for one in found) / 1e6:.1f} MB"
        how = "`paperkit gc --move` moves them to a trash folder."
        typer.echo(f"\n{counted(len(found), 'thing')}, {size}. {how}")
        return
    trash, moved = to_trash(store, found)
    typer.echo(f"\n{len(moved)} of {len(found)} moved to {trash}. Delete that folder when you like.")
