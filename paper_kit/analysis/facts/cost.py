"""What each model costs on the machine that measured it, and what the trainings took."""

from __future__ import annotations

from dataclasses import replace

from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._format import Kind
from paper_kit.analysis.facts._sheet import Sheet
from paper_kit.analysis.facts.model import put_sizes
from paper_kit.analysis.results import Results
from paper_kit.core.record import CostRecord

MEASURED = {  # fact -> (field of CostRecord, significant digits, unit)
    "file_mb": ("file_mb", 2, "MB"),
    "epoch_seconds": ("epoch_seconds", 2, "s"),
    "latency_p50": ("latency_p50_ms", 2, "ms"),
    "latency_p95": ("latency_p95_ms", 2, "ms"),
    "latency_tta_p50": ("latency_tta_p50_ms", 2, "ms"),
    "latency_tta_p95": ("latency_tta_p95_ms", 2, "ms"),
    "throughput": ("throughput_64", 3, "images/s"),
    "peak_train_mb": ("peak_train_mb", 3, "MiB"),
    "peak_inference_mb": ("peak_inference_mb", 3, "MiB"),
    "saved_fp32": ("saved_fp32_mib", 3, "MiB"),
    "saved_amp": ("saved_amp_mib", 3, "MiB"),
    "step_fp32": ("step_fp32_ms", 3, "ms"),
    "step_amp": ("step_amp_ms", 3, "ms"),
    "energy_epoch": ("energy_epoch_j", 2, "J"),
    "energy_inference": ("energy_inference_j", 2, "J"),
}
BATCHES = {"batch_p50": "p50_ms", "batch_p95": "p95_ms"}  # fact -> field of the Latency of a whole batch
AMP_SPEEDUP = "amp_speedup"
UNDISTURBED = ("epoch_seconds", "energy_epoch", "energy_inference")  # nothing where others computed meanwhile
COUNTED = ("saved_fp32", "saved_amp")  # the same on every machine
THROUGHPUT_BATCH = 64  # of CostRecord.throughput_64


def facts(results: Results) -> dict[str, Fact]:
    """cost.<model key>.…, cost.device, .threads, .total_training_hours, .cheapest.…, .costliest.….

    Seconds of an epoch and energy have no value where the machine was not alone, or where that is not known.
    """
    sheet, costs = Sheet("cost"), results.costs
    for size in ("parameters", "macs", "flops"):
        put_sizes(sheet, results, size)
    for model in results.models:
        for key, (field, digits, unit) in MEASURED.items():
            value = measured(costs.get(model.key), key)
            runs = (f"costs/{costs[model.key].key}",) if model.key in costs else ()
            origin = Origin(runs=runs, fields=(f"cost.{field}",))
            exact = key in COUNTED
            sheet.add(f"{model.key}.{key}", value, "quantity", digits, unit, origin=origin, exact=exact)
        _speedup(sheet, model.key, costs.get(model.key))
        for key, field in BATCHES.items():
            sheet.put(f"{model.key}.{key}", batch_fact(costs.get(model.key), field))
    _protocol(sheet, tuple(costs.values()))
    _extremes(sheet, results)
    _training_time(sheet, results)
    return sheet.facts


def measured(cost: CostRecord | None, key: str) -> float | None:
    """What a record says of a fact of MEASURED; None where it says nothing that may be printed."""
    if cost is None or (key in UNDISTURBED and not cost.alone):
        return None
    value: float | None = getattr(cost, MEASURED[key][0])
    return value


def latency_fact(
    cost: CostRecord | None, batch: int, precision: str, tta: bool, field: str, key: str = ""
) -> Fact:
    """p50_ms or p95_ms of such predictions; without a value where they were not timed."""
    one = cost.latency(batch, precision, tta) if cost else None
    views = "with TTA" if tta else "without TTA"
    images = "one image" if batch == 1 else "a batch"
    timing = f"{field.removesuffix('_ms')} of {images}, {precision.upper()}, {views}"
    origin = Origin(
        runs=(f"costs/{cost.key}",) if cost else (), fields=(f"cost.latencies.{field}",), formula=timing
    )
    return Fact(key, getattr(one, field) if one else None, "quantity", 2, "ms", origin=origin)


def batch_fact(cost: CostRecord | None, field: str) -> Fact:
    """p50_ms or p95_ms of the largest batch that was timed, in the run's precision and without TTA."""
    if cost is None:
        return latency_fact(None, 0, "fp32", False, field)
    return latency_fact(cost, largest_batch(cost), cost.precision, False, field)


def largest_batch(cost: CostRecord) -> int:
    """Images of the largest batch that was timed."""
    return max((one.batch for one in cost.latencies), default=THROUGHPUT_BATCH)


def device_name(cost: CostRecord | None) -> str | None:
    """What the maker calls the processor or GPU that a cost was measured on; None before."""
    return str(cost.environment.get("device_name") or cost.device) if cost else None


def _protocol(sheet: Sheet, costs: tuple[CostRecord, ...]) -> None:
    """Where and how the costs were measured: .device .threads .torch .batch .warm_up .calls .busy_share."""
    one = next(iter(costs), None)
    several = tuple(f"costs/{cost.key}" for cost in costs)

    def add(key: str, value: float | str | None, kind: Kind, field: str, formula: str = "") -> None:
        origin = Origin(runs=several if formula else (), fields=(f"cost.{field}",), formula=formula)
        sheet.add(key, value, kind, 0, origin=origin)

    add("device", device_name(one), "text", "device")
    add("threads", one.threads if one else None, "count", "threads")
    add("torch", one.torch if one else None, "text", "torch")
    add("batch", largest_batch(one) if one else None, "count", "latencies.batch")
    add("warm_up", one.warm_up if one else None, "count", "warm_up")
    calls = [each.calls for cost in costs for each in cost.latencies]
    add("calls", min(calls, default=None), "count", "latencies.calls", "fewest of all timings")
    shares = [cost.busy_share for cost in costs if cost.busy_share is not None]
    add("busy_share", max(shares, default=None), "percent", "busy_share", "largest of all models")


def _speedup(sheet: Sheet, key: str, cost: CostRecord | None) -> None:
    """<key>.amp_speedup: how many training steps under AMP take the time of one in FP32, "1.4 times"."""
    fields = ("cost.step_fp32_ms", "cost.step_amp_ms")
    runs = (f"costs/{cost.key}",) if cost else ()
    origin = Origin(runs=runs, fields=fields, formula=f"{fields[0]} / {fields[1]}")
    value = cost.amp_speedup if cost else None
    sheet.add(f"{key}.{AMP_SPEEDUP}", value, "quantity", 2, "times", origin=origin)


def _extremes(sheet: Sheet, results: Results) -> None:
    """The models with the fewest and the most MACs, with all their costs; missing until all are measured."""
    labels = {model.key: model.label for model in results.models}
    macs = {key: sheet.facts[f"{key}.macs"].value for key in labels}
    known = {key: float(value) for key, value in macs.items() if isinstance(value, float)}
    for word, choose in (("cheapest", min), ("costliest", max)):
        key = choose(known, key=lambda each: known[each]) if len(known) == len(labels) else None
        origin = Origin(fields=("cost.macs",), formula=f"{choose.__name__} of cost.*.macs")
        sheet.name(f"{word}.model", labels[key] if key else None, key or "", origin)
        for name in ("parameters", "macs", "flops", *MEASURED, *BATCHES, AMP_SPEEDUP):
            same = sheet.facts[f"{key or results.models[0].key}.{name}"]
            value = same.value if key else None
            sheet.put(f"{word}.{name}", replace(same, value=value))


def _training_time(sheet: Sheet, results: Results) -> None:
    value, unit, origin = training_time(results)
    sheet.add("total_training_hours", value, "quantity", 2, unit, origin=origin)


def training_time(results: Results, experiment: str = "") -> tuple[float | None, str, Origin]:
    """The seconds of all trainings of an experiment added up, in hours or minutes, with that unit's name.

    None until all have finished.
    """
    runs = results.plan(experiment).runs
    done = [run for run in runs if results.done(run)]
    seconds = sum(results.record(run.id).seconds for run in done) if len(done) == len(runs) else None
    origin = Origin(
        runs=tuple(run.id for run in runs), fields=("record.seconds",), formula="sum over all runs"
    )
    hours = seconds is None or seconds >= 2 * 3600
    value = None if seconds is None else seconds / (3600 if hours else 60)
    return value, "hours" if hours else "minutes", origin
