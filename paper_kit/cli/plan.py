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
    rows, filled = [("run", "model", "dataset", "cells")], cells(plans)
    for run in runs:
        rows.append((run.id, run.model.name, run.dataset.name, filled[run.id]))
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


def cells(plans: tuple[Plan, ...]) -> dict[str, str]:
    """Run -> the cells it fills, such as "emotion_vit/base, emotion_vit/no_tta", or what starts from it."""
    filled: dict[str, dict[str, None]] = {}
    started: dict[str, dict[str, None]] = {}
    with_seeds = several(plans)
    for row in (row for planned in plans for row in planned.rows):
        run, end = row.reading.run, f"/{row.seed}" if with_seeds else ""
        filled.setdefault(run.id, {})[f"{row.model_key}/{row.ablation_key}{end}"] = None
        started.setdefault(run.transfer.run, {})[row.model_key] = None
    sources = {run_id: f"source of {', '.join(keys)}" for run_id, keys in started.items()}
    return sources | {run_id: ", ".join(keys) for run_id, keys in filled.items()}


def several(plans: tuple[Plan, ...]) -> bool:
    """Whether any experiment has more than one seed."""
    return any(len(planned.experiment.seeds) > 1 for planned in plans)
