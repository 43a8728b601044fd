"""The efficiency table: size, operations, time and memory of each model on one machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from paper_kit.analysis.artifacts import Column, Line, Note, Table
from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts import cost as cost_topic
from paper_kit.analysis.results import Results
from paper_kit.analysis.tables._parts import number
from paper_kit.core.errors import InputError, did_you_mean

HEADERS = {
    "parameters": "Parameters",
    "macs": "MACs",
    "flops": "FLOPs",
    "file_mb": "File",
    "epoch_seconds": "Epoch",
    "peak_train_mb": "Memory, training",
    "peak_inference_mb": "Memory, inference",
    "latency_p50": "Latency p50",
    "latency_p95": "Latency p95",
    "latency_tta_p50": "TTA latency p50",
    "latency_tta_p95": "TTA latency p95",
    "throughput": "Throughput",
    cost_topic.AMP_SPEEDUP: "Step in FP32, of AMP",
}
THROUGHPUT_BATCH = 64  # of CostRecord.throughput_64
SHOWN = tuple(name for name in HEADERS if name not in {"latency_tta_p95", cost_topic.AMP_SPEEDUP})


def make(results: Results, *, columns: tuple[str, ...] = ()) -> Table:
    """A row a model, a column a cost; `columns` chooses and orders them."""
    chosen = tuple(columns) or SHOWN
    unknown = [name for name in chosen if name not in HEADERS]
    if unknown:
        raise InputError(
            [f"table efficiency: no column {name!r}.{did_you_mean(name, HEADERS)}" for name in unknown]
        )
    facts = cost_topic.facts(results)
    first = results.models[0].key
    heads = [Column(HEADERS[name], unit=facts[f"{first}.{name}"].unit) for name in chosen]
    rows: tuple[Line, ...] = tuple(
        (m.label, *(facts[f"{m.key}.{name}"] for name in chosen)) for m in results.models
    )
    return Table("efficiency", (Column("Model", "l"), *heads), rows, notes=_notes(results))


def _notes(results: Results) -> tuple[Note, ...]:
    """Device, threads, and what was timed."""
    costs, facts = results.costs, cost_topic.facts(results)
    if not costs:
        return (Note("Not measured yet: paperkit measure."),)
    one = next(iter(costs.values()))
    count = number("cost.views", len(one.views), "count", "cost.views")
    views = ("; TTA averages ", count, " views") if len(one.views) > 1 else ()
    where = Note(
        "Measured on ", facts["device"], " with ", facts["threads"], " ", facts["threads"].plural("thread")
    )
    meter = {"rss": "resident memory of the process", "cuda": "memory allocated on the GPU"}[one.memory_meter]
    held: tuple[str | Fact, ...] = ()
    before = [mib for cost in costs.values() if (mib := cost.environment.get("memory_before_mib"))]
    if one.memory_meter == "rss" and before:
        mean = float(np.mean(before))
        libraries = number("cost.libraries", mean, "number", "cost.memory", digits=0, unit="MiB")
        held = (", of which about ", libraries, " are the libraries without any model")
    torch = Fact("cost.torch", one.torch, "text", origin=Origin(fields=("cost.torch",)))
    batch = number("cost.batch_size", one.batch_size, "count", "cost.batch_size")
    many = number("cost.throughput_batch", THROUGHPUT_BATCH, "count", "cost.throughput_64")
    return (
        Note(
            *where.parts, f", {one.precision.upper()}, torch ", torch,
            ". Operations and latency are for a single image", *views,
            ". Throughput at batch ", many, ", training at batch ", batch, f"; memory is {meter}", *held, ".",
        ),
        *_amp(results, facts),
    )  # fmt: skip


def _amp(results: Results, facts: Mapping[str, Fact]) -> Iterator[Note]:
    """What a training step takes in FP32 for one under AMP, where that is measured for every model."""
    speeds = [(model.label, facts[f"{model.key}.{cost_topic.AMP_SPEEDUP}"]) for model in results.models]
    if any(speed.missing for _, speed in speeds):
        return
    amp = next(iter(results.costs.values())).step_amp_format or ""
    told = [part for label, speed in speeds for part in (", ", speed, f" ({label})")]
    yield Note("A training step in FP32 takes ", *told[1:], f" as long as one under AMP ({amp.upper()}).")
