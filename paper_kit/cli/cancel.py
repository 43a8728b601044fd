"""paperkit cancel: ends the jobs of runs in a cluster's queue."""

from __future__ import annotations

import typer

from paper_kit.cli.options import Experiments, Only
from paper_kit.cli.text import counted


def cancel(experiments: Experiments = None, only: Only = None) -> None:
    """Take the runs out of Slurm's queue; those at work keep their last checkpoint.

    `paperkit run-all` goes on from there, on the cluster or here.
    """
    from paper_kit.cli.workplace import split_keys, workplace
    from paper_kit.core.errors import InputError
    from paper_kit.core.plan import chosen_runs
    from paper_kit.core.slurm import ask_queue, in_queue
    from paper_kit.core.slurm import cancel as end

    place = workplace(experiments)
    queue = ask_queue()
    if queue is None:
        raise InputError("No Slurm queue answers here: squeue is missing or failed. Log in where it works.")
    wanted = {run.id for run in chosen_runs(place.plans(), split_keys(only))}
    jobs = [job.job for run_id, job in in_queue(place.store, queue).items() if run_id in wanted]
    end(jobs)
    typer.echo(f"{counted(len(jobs), 'job')} cancelled." if jobs else "None of these runs is in the queue.")
