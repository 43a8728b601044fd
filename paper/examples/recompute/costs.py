"""What was measured of costs, on the machine that the paper speaks of, and how long predictions took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MACHINE = ("device", "threads", "torch", "protocol")  # older records name no protocol: theirs is the first
SAME = ("model", "image_size", "channels", "precision", "views", "batch_size")
Costs = dict[str, Any]  # model -> its cost


def of_one_machine(costs: Sequence[Mapping[str, Any]], specs: Mapping[str, Mapping[str, Any]]) -> Costs:
    """The costs of the models on the machine that measured most of them, of several the last.

    A cost is a model's where it is of the same network, images, views and batch.
    """
    machines: dict[tuple[Any, ...], Costs] = {}
    for cost in sorted(costs, key=lambda each: each.get("measured_at", "")):
        for model in (name for name, spec in specs.items() if all(cost[each] == spec[each] for each in SAME)):
            key = tuple(cost.get(name, 1) for name in MACHINE)
            machines[key] = {**machines.pop(key, {}), model: cost}
    return max([*machines.values()][::-1], key=len, default={})


def timing(cost: Mapping[str, Any], steps: Sequence[str], field: str) -> float:
    """A time of the cost: `steps` are fp32.one.tta.p50_ms, fp32.step, or batch_p50 of its own precision."""
    if steps[-1] == "step":
        return float(cost["step_fp32_ms" if steps[0] == "fp32" else "step_amp_ms"])
    largest = max(one["batch"] for one in cost["latencies"])
    precision, batch, tta = cost["precision"], largest, False
    if len(steps) == 4:
        precision, batch, tta = steps[0], 1 if steps[1] == "one" else largest, steps[2] == "tta"
    found = {(one["precision"], one["batch"], one["tta"]): one for one in cost["latencies"]}
    return float(found[precision, batch, tta][field.rpartition(".")[2]])


def protocol(costs: Costs, name: str) -> float | str:
    """How all were measured: on what, with how many threads and calls, and what others used meanwhile."""
    first, everything = next(iter(costs.values())), [*costs.values()]
    timings = [one for cost in everything for one in cost.get("latencies", ())]
    if name == "machine":
        threads = f"{first['threads']} thread{'' if first['threads'] == 1 else 's'}"
        return f"{first['environment']['device_name']}, {threads}, torch {first['torch']}"
    told = {
        "device": lambda: first["environment"]["device_name"],
        "views": lambda: len(first["views"]),
        "batch": lambda: max((one["batch"] for one in timings), default=64),
        "calls": lambda: min(one["calls"] for one in timings),
        "busy_limit": lambda: 0.01,
        "busy_share": lambda: max(cost["busy_share"] for cost in everything),
        "libraries": lambda: sum(c["environment"]["memory_before_mib"] for c in everything) / len(everything),
    }
    found: float | str = told[name]() if name in told else first[name]
    return found
