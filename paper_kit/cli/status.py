"""paperkit status: what is done, what is missing, what is stale and why."""

from __future__ import annotations

from collections import Counter

import typer

from paper_kit.cli.options import Data, Experiments, Only, Runs
from paper_kit.cli.text import columns


def status(experiments: Experiments = None, only: Only = None, data: Data = None, runs: Runs = None) -> None:
    """Show the state of each run, what happened to it, and what to type.

    A record is stale where the engine, the code of its model or dataset, or its images have changed since.
    """
    from functools import partial

    from paper_kit.cli.workplace import fingerprint_of, split_keys, workplace
    from paper_kit.core.slurm import joined
    from paper_kit.core.status import advice, statuses

    place = workplace(experiments, runs)
    known = partial(fingerprint_of, place.resources(data))
    found = joined(statuses(place.plans(), place.store, known, split_keys(only)), place.store)
    rows = [("run", "state", "what", "")]
    for one in found:
        rows.append((one.run.id, one.word, one.label, "; ".join(one.stale) or one.note))
    typer.echo(columns(rows))
    counts = Counter(row[1] for row in rows[1:])
    typer.echo("\n" + ", ".join(f"{number} {state}" for state, number in counts.items()))
    for unknown in dict.fromkeys(word for one in found for word in one.unknown):
        typer.echo(f"unknown: {unknown}; it is not at hand, or not decoded since")
    for line in advice(found):
        typer.echo(line)
