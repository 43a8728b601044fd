"""The efficiency table: size, operations, time, memory and energy of each model on one machine."""

from __future__ import annotations

from itertools import groupby

from paper_kit.analysis.artifacts import Cell, Column, Line, Note, Table
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.facts import cost as cost_topic
from paper_kit.analysis.results import Results
from paper_kit.analysis.tables._cost_notes import alone_notes, energy_note, joined, memory_note
from paper_kit.analysis.tables._parts import number
from paper_kit.core.errors import InputError, did_you_mean
from paper_kit.core.experiment import ModelEntry

HEADERS = {  # column -> (header of its group, its own)
    "parameters": ("Network", "Params"),
    "file_mb": ("Network", "File"),
    "macs": ("Network", "MACs"),
    "flops": ("Network", "FLOPs"),
    "epoch_seconds": ("Training", "Epoch"),
    "peak_train_mb": ("Training", "Memory"),
    "energy_epoch": ("Training", "Energy"),
    "peak_inference_mb": ("Prediction", "Memory"),
    "energy_inference": ("Prediction", "Energy"),
    "latency_p50": ("One image", "p50"),
    "latency_p95": ("One image", "p95"),
    "latency_tta_p50": ("One image", "TTA p50"),
    "latency_tta_p95": ("One image", "TTA p95"),
    "batch_p50": ("Batch", "p50"),
    "batch_p95": ("Batch", "p95"),
    "throughput": ("Batch", "Images/s"),
    cost_topic.AMP_SPEEDUP: ("Training", "Step in FP32, of AMP"),
}
SHOWN = (
    "parameters", "file_mb", "macs", "flops", "epoch_seconds", "peak_train_mb", "energy_epoch",
    "peak_inference_mb", "energy_inference", "latency_p50", "latency_p95", "latency_tta_p50", "throughput",
)  # fmt: skip
WHERE_MEASURED = ("energy_epoch", "energy_inference")  # else no column by default


def make(results: Results, *, columns: tuple[str, ...] = ()) -> Table:
    """A row a model, a column a cost; `columns` chooses and orders them.

    All rows are of one machine: `results.costs`. The table latency has the others, each by itself.
    """
    unknown = [name for name in columns if name not in HEADERS]
    if unknown:
        raise InputError(
            [f"table efficiency: no column {name!r}.{did_you_mean(name, HEADERS)}" for name in unknown]
        )
    facts = cost_topic.facts(results)
    keys = [model.key for model in results.models]
    chosen = tuple(columns) or tuple(
        name
        for name in SHOWN
        if name not in WHERE_MEASURED or any(not facts[f"{key}.{name}"].missing for key in keys)
    )
    heads = [_head(HEADERS[name][1], facts[f"{keys[0]}.{name}"].unit) for name in chosen]
    spans = [(group, len(list(each))) for group, each in groupby(HEADERS[name][0] for name in chosen)]
    rows: tuple[Line, ...] = tuple(
        (m.label, *(_cell(results, m, facts[f"{m.key}.{name}"]) for name in chosen)) for m in results.models
    )
    return Table(
        "efficiency",
        (Column("Model", "l"), *heads),
        rows,
        notes=_notes(results),
        groups=(("", 1), *spans),
    )


def _head(header: str, unit: str) -> Column:
    """A column whose header has the unit, in parentheses where it is not the header itself."""
    says_it = header.lower() == unit
    return Column(header, unit="" if says_it else unit, unit_elsewhere=says_it)


def _cell(results: Results, model: ModelEntry, fact: Fact) -> Fact | Cell:
    """The fact, or a dash where the model was measured and this was not, or not alone."""
    return Cell(None) if fact.missing and model.key in results.costs else fact


def _notes(results: Results) -> tuple[Note, ...]:
    """Device, threads, what was timed, by which meters, and whether the machine was alone."""
    costs, facts = tuple(results.costs.values()), cost_topic.facts(results)
    if not costs:
        return (Note("Not measured yet: paperkit measure."),)
    one, energy = costs[0], (energy_note(costs),) if costs[0].protocol > 1 else ()
    count = number("cost.views", len(one.views), "count", "cost.views")
    views = ("; TTA averages ", count, " views") if len(one.views) > 1 else ()
    batch = number("cost.batch_size", one.batch_size, "count", "cost.batch_size")
    trained = (", in training ", batch) if one.batch_size != cost_topic.largest_batch(one) else ()
    return (
        Note(
            "On ", facts["device"], " with ", facts["threads"], " ", facts["threads"].plural("thread"),
            f", {one.precision.upper()}, torch ", facts["torch"],
            ". Operations are those of one image; a batch has ", facts["batch"], " images", *trained,
            *views, ".",
        ),
        joined(memory_note(costs), *alone_notes(costs), *energy),
    )  # fmt: skip
