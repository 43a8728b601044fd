"""paperkit plan: which trainings the experiments come to, before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from paper_kit.cli.options import Experiments, Only
from paper_kit.cli.text import columns, counted

if TYPE_CHECKING:
    from paper_kit.core.plan import Plan


def plan(experiments: Experiments = None, only: Only = None) -> None:
    """Show the trainings that the experiments come to.

    Cells that come to the same training are trained once, source runs first. Nothing is trained now.
    """
    from paper_kit.cli.workplace import split_keys, workplace
    from paper_kit.core.plan import chosen_runs, idle_ablations

    place = workplace(experiments)
    plans = place.plans()
    for planned, file in zip(plans, place.files, strict=True):
        describe(planned, str(file))
    runs = chosen_runs(plans, split_keys(only))
    rows = [("run", "model", "dataset", "cells")]
    for run in runs:
        rows.append((run.id, run.model.name, run.dataset.name, cells(plans, run.id)))
    typer.echo(columns(rows))
    readings = sum(len(planned.rows) for planned in plans)
    typer.echo(f"\n{counted(len(runs), 'training')} for {counted(readings, 'cell')} of the tables.")
    for idle in idle_ablations(plans):
        typer.echo(f"{idle}: its cell is no result of its own.")


def describe(planned: Plan, file: str) -> None:
    """Nothing; question, expected result and cost of the experiment are on stdout."""
    experiment = planned.experiment
    facts = [("question", experiment.question), ("expected", experiment.expected), ("cost", experiment.cost)]
    facts.append(("seeds", ", ".join(map(str, experiment.seeds))))
    typer.echo(file)
    typer.echo(columns([fact for fact in facts if fact[1]], indent="  ") + "\n")


def cells(plans: tuple[Plan, ...], run_id: str) -> str:
    """The cells that a run fills, such as "emotion_vit/base, emotion_vit/no_tta", or what starts from it."""
    rows = [row for planned in plans for row in planned.rows]
    filled = [
        f"{row.model_key}/{row.ablation_key}" + (f"/{row.seed}" if several(plans) else "")
        for row in rows
        if row.reading.run.id == run_id
    ]
    if filled:
        return ", ".join(dict.fromkeys(filled))
    keys = dict.fromkeys(row.model_key for row in rows if row.reading.run.transfer.run == run_id)
    return f"source of {', '.join(keys)}"


def several(plans: tuple[Plan, ...]) -> bool:
    """Whether any experiment has more than one seed."""
    return any(len(planned.experiment.seeds) > 1 for planned in plans)
