"""paperkit measure: what each model costs on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from paper_kit.cli.options import Device, DeviceName, Experiments, Runs, Threads
from paper_kit.cli.text import columns, complain, counted, say

if TYPE_CHECKING:
    from paper_kit.core.record import CostRecord, Latency

METERS = {"rss": "resident memory of the process", "cuda": "memory that torch allocated on the GPU"}
ENERGY = {"nvml": "NVML's counter of the GPU", "rapl": "RAPL's counter of the processor packages"}
UNKNOWN = "?"
FORMATS = ("fp32", "bf16", "fp16")  # in the order of the rows
Row = tuple[str, ...]


def measure(
    experiments: Experiments = None,
    device: Device = DeviceName.AUTO,
    threads: Threads = 0,
    runs: Runs = None,
) -> None:
    """Measure the cost of each finished base model on this machine.

    Size, latency of one image and of a batch (median and 95th percentile, FP32 and AMP, with TTA and
    without), time and memory of training, energy where there is a meter; each model in a fresh process.
    Leave the machine alone meanwhile: whether it was is recorded.
    """
    from paper_kit.bench.costs import base_runs, measure_each
    from paper_kit.bench.stopping import stopping
    from paper_kit.cli.workplace import workplace
    from paper_kit.core.errors import InputError

    place = workplace(experiments, runs)
    bases = base_runs(place.plans(), place.store)
    if not bases:
        raise InputError("No base model is trained yet; type `paperkit run-all` first.")
    resources = place.resources(None, device=device.value, threads=threads)
    before = {cost.measured_at for cost in place.store.costs()}
    with stopping() as stop:
        found = measure_each(bases, place.store, resources, stop, lambda label: say(f"Measuring {label}"))
        failed = [f"{label}: {reason}" for label, reason in found if reason]
    tell_costs([cost for cost in place.store.costs() if cost.measured_at not in before])
    if failed:
        complain(failed)
        raise typer.Exit(1)


def tell_costs(costs: list[CostRecord]) -> None:
    """Nothing; where the costs were measured and tables of them are on stdout, a warning on stderr."""
    if not costs:
        return
    one = costs[0]
    name = one.environment.get("device_name") or one.device
    where = f"On {name}, {counted(one.threads, 'thread')}, torch {one.torch}"
    typer.echo(f"{where}; memory: {METERS[one.memory_meter]}\n")
    typer.echo(columns(sizes(costs)) + "\n")
    typer.echo(columns(latencies(costs)) + "\n")
    typer.echo(columns(trainings(costs)))
    typer.echo(f"\nEnergy: {energy_of(one)}")
    for line in disturbed(costs):
        say(line)


def sizes(costs: list[CostRecord]) -> list[Row]:
    """Rows of what is counted."""
    rows: list[Row] = [("model", "parameters", "file", "MACs", "FLOPs")]
    for cost in costs:
        operations = (f"{cost.macs / 1e6:.1f} M", f"{cost.flops / 1e6:.1f} M")
        rows.append((cost.model.name, f"{cost.parameters:,}", f"{cost.file_mb:.1f} MB", *operations))
    return rows


def latencies(costs: list[CostRecord]) -> list[Row]:
    """Rows of the timings of predictions: median and 95th percentile in ms, a row a model and precision."""
    rows: list[Row] = [("prediction, ms p50/p95", "", "1", "1 with TTA", "64", "64 with TTA", "images/s")]
    for cost in costs:
        for precision in sorted({one.precision for one in cost.latencies}, key=FORMATS.index):
            found = [cost.latency(batch, precision, tta) for batch in (1, 64) for tta in (False, True)]
            many = cost.latency(64, precision, False)
            speed = f"{64e3 / many.p50_ms:,.0f}" if many else UNKNOWN
            rows.append((cost.model.name, precision.upper(), *map(both, found), speed))
    return rows


def both(one: Latency | None) -> str:
    """ "2.1/2.4"; "?" where it was not timed."""
    return f"{one.p50_ms:.2f}/{one.p95_ms:.2f}" if one else UNKNOWN


def trainings(costs: list[CostRecord]) -> list[Row]:
    """Rows of training, memory and energy, and whether the machine was alone."""
    heads = ("s/epoch", "step FP32", "step AMP", "MiB", "MiB predicting", "J/epoch", "J/1,000 images")
    rows: list[Row] = [("training", *heads, "alone")]
    for cost in costs:
        rows.append(
            (
                cost.model.name,
                f"{cost.epoch_seconds:.1f}" if cost.alone else "--",
                milliseconds(cost.step_fp32_ms),
                milliseconds(cost.step_amp_ms),
                f"{cost.peak_train_mb:,.0f}",
                f"{cost.peak_inference_mb:,.0f}",
                "--" if cost.energy_epoch_j is None else f"{cost.energy_epoch_j:,.0f}",
                "--" if cost.energy_inference_j is None else f"{cost.energy_inference_j:,.1f}",
                {True: "yes", False: "no", None: "not known"}[cost.alone],
            )
        )
    return rows


def milliseconds(value: float | None) -> str:
    """ "12.3 ms"; "?" where it was not timed."""
    return UNKNOWN if value is None else f"{value:.1f} ms"


def energy_of(cost: CostRecord) -> str:
    """By which meter, or that it was not measured and why."""
    if cost.energy_meter:
        return ENERGY[cost.energy_meter]
    return str(cost.environment.get("energy", "not measured"))


def disturbed(costs: list[CostRecord]) -> Iterator[str]:
    """What to say of costs that other processes were in the way of, or may have been."""
    shares = [cost.busy_share or 0.0 for cost in costs if cost.alone is False]
    gpus = [cost.gpu_neighbours or 0 for cost in costs if cost.alone is False]
    if shares:
        others = f"; other processes on the GPU: {max(gpus)}" if max(gpus) else ""
        yield (
            f"warning: the machine was not alone: other processes used up to {max(shares):.0%} of its CPU "
            f"time{others}. Times are too long; seconds per epoch and energy are not printed in the paper. "
            "Stop the others and type `paperkit measure` again."
        )
    if any(cost.alone is None for cost in costs):
        yield (
            "warning: this system does not say what other processes do, so seconds per epoch are not printed "
            "in the paper. Measure on Linux; on a GPU with `pip install 'paper-kit[energy]'`."
        )
