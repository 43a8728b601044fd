"""paperkit estimate: time, memory and disk of a study, told before it starts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from paper_kit.cli.options import Data, Device, DeviceName, Experiments, Jobs, SkipBad, Threads
from paper_kit.cli.text import columns, counted, duration, say

if TYPE_CHECKING:
    from paper_kit.bench.estimate import Estimate, RunEstimate
    from paper_kit.bench.progress import Event

Json = Annotated[bool, typer.Option("--json", help="Print JSON: seconds, MiB and bytes.")]
MB = 1e6


def estimate(
    experiments: Experiments = None,
    jobs: Jobs = 0,
    threads: Threads = 0,
    device: Device = DeviceName.AUTO,
    skip_bad: SkipBad = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Tell the time, memory and disk that the experiments will take here.

    Each kind of run is tried for a few steps, side by side as `paperkit run-all` with the same --jobs and
    --threads would train them: about half a minute. What is done already is not counted.
    """
    from paper_kit.bench import estimate as bench
    from paper_kit.bench.progress import Note
    from paper_kit.cli.workplace import workplace

    def report(event: Event) -> None:
        if isinstance(event, Note):
            say(event.text)

    place = workplace(experiments)
    resources = place.resources(data, jobs=jobs, threads=threads, device=device.value, skip_bad=skip_bad)
    found = bench.estimate(place.plans(), place.store, resources, report)
    if as_json:
        typer.echo(json.dumps(as_table(found), indent=1, ensure_ascii=False))
        return
    tell(found)


def tell(found: Estimate) -> None:
    """Nothing; the estimate is on stdout, what does not fit on stderr."""
    if not found.runs and not found.cost_s and not found.audit_s:
        typer.echo(f"All {counted(found.done, 'run')} are done; nothing is left to be estimated.")
        return
    typer.echo(columns([("run", "in its worker", "disk"), *(row(run) for run in found.runs)]))
    typer.echo("")
    typer.echo(columns(summary(found)))
    for warning in found.warnings:
        say(f"warning: {warning}")


def row(run: RunEstimate) -> tuple[str, str, str]:
    """A run's line."""
    return run.label, duration(run.seconds), f"{run.bytes / MB:.1f} MB"


def summary(found: Estimate) -> list[tuple[str, str]]:
    """Time, memory and disk in all, and by model."""
    models = dict.fromkeys(run.model for run in found.runs)
    rows = [("time", f"about {duration(found.seconds)} until all is done")]
    at_once = f"{counted(found.jobs, 'worker')} with {counted(found.threads, 'thread')}"
    rows.append(
        ("  trainings", f"{duration(found.training_s)}: {counted(len(found.runs), 'run')}, {at_once}")
    )
    for model in models:
        own = [run.seconds for run in found.runs if run.model == model]
        rows.append((f"    {model}", f"{duration(sum(own))} of a worker's time, {counted(len(own), 'run')}"))
    rows.append(("  start", duration(found.start_s)))
    rows.append(("  costs", f"{duration(found.cost_s)}, each model alone on the machine"))
    rows.append(("  audits", duration(found.audit_s)))
    where = "of GPU memory a worker" if found.memory_meter == "cuda" else "a worker"
    together = f", {found.study_mib:,.0f} of {found.machine_mib:,.0f} MiB in all"
    rows.append(
        ("memory", f"{found.worker_mib:,.0f} MiB {where}{'' if found.memory_meter == 'cuda' else together}")
    )
    rows.append(
        (
            "disk",
            f"{found.kept_bytes / MB:,.0f} MB kept, and up to {found.checkpoint_bytes / MB:,.0f} MB of "
            f"checkpoints meanwhile; {found.free_bytes / MB:,.0f} MB are free",
        )
    )
    if found.done:
        rows.append(("done", f"{counted(found.done, 'run')}, not counted"))
    return rows


def as_table(found: Estimate) -> dict[str, object]:
    """All fields, with the sum of the seconds and the warnings."""
    from dataclasses import asdict

    return {"seconds": found.seconds, **asdict(found), "warnings": list(found.warnings)}
