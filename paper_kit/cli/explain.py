"""paperkit explain: saliency maps and galleries of finished runs, without training."""

from __future__ import annotations

from typing import Annotated

import typer

from paper_kit.cli.options import Data, Device, DeviceName, Experiments, Only, Runs
from paper_kit.cli.text import complain, counted, say

Ablations = Annotated[bool, typer.Option("--ablations", help="The runs of ablations too.")]


def explain(
    experiments: Experiments = None,
    runs: Runs = None,
    only: Only = None,
    ablations: Ablations = False,
    data: Data = None,
    device: Device = DeviceName.AUTO,
) -> None:
    """Add what finished base runs lack for the figures saliency and augmentation.

    Grad-CAM or attention rollout of fixed test images and of drawn faces, from the kept weights, and a
    gallery of each run's transforms on drawn faces. Nothing is trained, and what is there stays. Ends with
    code 1 where something could not be made.
    """
    from paper_kit.cli.workplace import split_keys, workplace
    from paper_kit.core.plan import chosen_runs, run_labels

    place = workplace(experiments, runs)
    plans, store = place.plans(), place.store
    resources = place.resources(data, device=device.value)
    labels, chosen = run_labels(plans), {run.id for run in chosen_runs(plans, split_keys(only))}
    from paper_kit.bench.explain import explain as explained
    from paper_kit.bench.explain import runs_to_explain

    wanted = tuple(run for run in runs_to_explain(plans, ablations=ablations) if run.id in chosen)
    say(f"Looking at {counted(len(wanted), 'run')}")
    problems = []
    for found in explained(wanted, store, resources):
        made = f"wrote {' and '.join(found.written)}" if found.written else "nothing to add"
        if found.written or not found.problems:
            typer.echo(f"{found.run}  {labels[found.run]}: {made}")
        problems += [f"{labels[found.run]}: {problem}" for problem in found.problems]
    if problems:
        complain(problems)
        raise typer.Exit(1)
