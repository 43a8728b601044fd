"""paperkit measure: what each model costs on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from paper_kit.cli.options import Device, DeviceName, Experiments, Threads
from paper_kit.cli.text import columns, complain, say

if TYPE_CHECKING:
    from paper_kit.core.record import CostRecord


def measure(experiments: Experiments = None, device: Device = DeviceName.AUTO, threads: Threads = 0) -> None:
    """Measure the cost of each finished base model on this machine.

    Parameters, file size, FLOPs and MACs, seconds per epoch, memory, latency, throughput, and how many
    training steps under AMP take the time of one in FP32, each model in a fresh process. Leave the machine
    alone meanwhile.
    """
    from paper_kit.bench.costs import base_runs, measure_alone
    from paper_kit.bench.stopping import stopping
    from paper_kit.cli.workplace import workplace
    from paper_kit.core.errors import InputError

    place = workplace(experiments)
    runs = base_runs(place.plans(), place.store)
    if not runs:
        raise InputError("No base model is trained yet; type `paperkit run-all` first.")
    resources = place.resources(None, device=device.value, threads=threads)
    failed = []
    with stopping() as stop:
        for label, run in runs:
            say(f"Measuring {label}")
            reason = measure_alone(run, place.store, resources, stop)
            failed += [f"{label}: {reason}"] if reason else []
            if stop():
                break
    tell_costs(place.store.costs()[-len(runs) :])
    if failed:
        complain(failed)
        raise typer.Exit(1)


def tell_costs(costs: list[CostRecord]) -> None:
    """Nothing; a row for each cost is on stdout."""
    times = ("s/epoch", "ms p50", "ms p95", "ms TTA", "images/s", "AMP")
    rows = [("model", "parameters", "MB", "MACs", *times, "on")]
    for cost in costs:
        rows.append(
            (
                cost.model.name,
                f"{cost.parameters:,}",
                f"{cost.file_mb:.1f}",
                f"{cost.macs / 1e6:.1f} M",
                f"{cost.epoch_seconds:.1f}",
                f"{cost.latency_p50_ms:.1f}",
                f"{cost.latency_p95_ms:.1f}",
                f"{cost.latency_tta_p50_ms:.1f}",
                f"{cost.throughput_64:.0f}",
                f"{cost.amp_speedup:.2f}×" if cost.amp_speedup else "",
                f"{cost.device}, {cost.threads} threads",
            )
        )
    typer.echo(columns(rows))
