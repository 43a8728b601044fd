"""The latency table: how long predictions and a training step take in FP32 and under AMP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from paper_kit.analysis.artifacts import Cell, Column, Line, Note, Table
from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts import cost as cost_topic
from paper_kit.analysis.results import Results
from paper_kit.analysis.tables._cost_notes import alone_notes
from paper_kit.analysis.tables._parts import number, waiting
from paper_kit.core.record import CostRecord

FORMATS = ("fp32", "bf16", "fp16")  # in the order of the rows
FIELDS = ("p50_ms", "p95_ms")
Machine = Mapping[str, CostRecord]  # model key -> cost, all of one machine


def make(results: Results) -> Table:
    """A row a model and precision, columns of milliseconds; each machine has its own rows, below its name."""
    machines = [costs for costs in results.machines if any(cost.latencies for cost in costs.values())]
    tta = any(one.tta for costs in machines for cost in costs.values() for one in cost.latencies)
    heads = ("p50", "p95", "TTA p50", "TTA p95") if tta else ("p50", "p95")
    timings = [Column(head, unit="ms") for _ in range(2) for head in heads]
    columns = (Column("Model", "l"), Column("Precision", "l"), *timings, Column("Step", unit="ms"))
    if not machines:
        pending = (Note("Not measured: paperkit measure."),)
        return Table("latency", columns, (waiting(columns),), notes=pending)
    rows: list[Line] = []
    rules = set()
    for place, costs in enumerate(machines):
        if len(machines) > 1:
            rules |= {len(rows), len(rows) + 1}
            rows.append((Cell(_heading(costs), span=len(columns)),))
        rows += _rows(results, costs, f"machine_{place + 1}." if place else "", tta)
    groups = (("", 2), ("One image", len(heads)), ("Batch", len(heads)), ("Training", 1))
    return Table("latency", columns, tuple(rows), frozenset(rules), tuple(_notes(machines)), groups)


def _rows(results: Results, costs: Machine, prefix: str, tta: bool) -> Iterator[Line]:
    """The rows of one machine; the label of a model stands in its first."""
    for model in results.models:
        cost = costs.get(model.key)
        formats = sorted({one.precision for one in cost.latencies}, key=FORMATS.index) if cost else []
        for precision in formats:
            label = Cell(model.label if precision == formats[0] else "")
            key = f"cost.{model.key}.{prefix}{precision}"
            step = _step(cost, key, precision)
            yield (label, precision.upper(), *_timings(cost, key, precision, tta), step)


def _timings(cost: CostRecord | None, key: str, precision: str, tta: bool) -> Iterator[Fact | Cell]:
    """The cells of a row; a dash where a model that is seen in one view was not timed with more."""
    batches = {"one": 1, "batch": cost_topic.largest_batch(cost)} if cost else {}
    for (name, batch), views, field in product(batches.items(), (False, True) if tta else (False,), FIELDS):
        steps = f"{key}.{name}.{'tta' if views else 'plain'}.{field}"
        fact = cost_topic.latency_fact(cost, batch, precision, views, field, steps)
        yield Cell(None) if fact.missing else fact


def _step(cost: CostRecord | None, key: str, precision: str) -> Fact | Cell:
    """The median time of a training step, which was timed in turn with one in the other precision."""
    field = "step_fp32_ms" if precision == "fp32" else "step_amp_ms"
    value = getattr(cost, field)
    if value is None or cost is None:
        return Cell(None)
    origin = Origin(runs=(f"costs/{cost.key}",), fields=(f"cost.{field}",))
    return Fact(f"{key}.step", value, "quantity", 2, "ms", origin=origin)


def _heading(machine: Machine) -> Fact:
    """ "AMD EPYC, 2 threads, torch 2.9.0"."""
    cost = next(iter(machine.values()))
    threads = f"{cost.threads} {'thread' if cost.threads == 1 else 'threads'}"
    origin = Origin(runs=(f"costs/{cost.key}",), fields=("cost.device", "cost.threads", "cost.torch"))
    value = f"{cost_topic.device_name(cost)}, {threads}, torch {cost.torch}"
    return Fact("cost.machine", value, "text", origin=origin)


def _notes(machines: Sequence[Machine]) -> Iterator[Note]:
    """What was repeated how often, and for each machine whether it did anything else."""
    costs = [cost for machine in machines for cost in machine.values()]
    fewest = min(one.calls for cost in costs for one in cost.latencies)
    calls = number("cost.calls", fewest, "count", "cost.latencies.calls")
    warm_up = number("cost.warm_up", costs[0].warm_up, "count", "cost.warm_up")
    batch = number("cost.batch", cost_topic.largest_batch(costs[0]), "count", "cost.latencies.batch")
    views = number("cost.views", len(costs[0].views), "count", "cost.views")
    seen = ("; TTA averages ", views, " views") if len(costs[0].views) > 1 else ()
    yield Note(
        "Median (p50) and high percentile (p95) of at least ", calls, " calls, after ", warm_up,
        " that are not counted; of a training step the median. A batch has ", batch, " images", *seen, ".",
    )  # fmt: skip
    for machine in machines:
        where = (_heading(machine), ": ") if len(machines) > 1 else ()
        yield from (Note(*where, *note.parts) for note in alone_notes(tuple(machine.values())))
