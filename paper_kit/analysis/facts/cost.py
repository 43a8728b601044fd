"""What each model costs on the machine that measured it, and what the trainings took."""

from __future__ import annotations

from dataclasses import replace

from paper_kit.analysis.facts import Fact, Origin
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
}
AMP_SPEEDUP = "amp_speedup"
COUNTED = ("saved_fp32", "saved_amp")  # the same on every machine


def facts(results: Results) -> dict[str, Fact]:
    """cost.<model key>.…, cost.device, .threads, .total_training_hours, .cheapest.…, .costliest.…."""
    sheet, costs = Sheet("cost"), results.costs
    for size in ("parameters", "macs", "flops"):
        put_sizes(sheet, results, size)
    for model in results.models:
        for key, (field, digits, unit) in MEASURED.items():
            value = getattr(costs[model.key], field) if model.key in costs else None
            runs = (f"costs/{costs[model.key].key}",) if model.key in costs else ()
            origin = Origin(runs=runs, fields=(f"cost.{field}",))
            exact = key in COUNTED
            sheet.add(f"{model.key}.{key}", value, "quantity", digits, unit, origin=origin, exact=exact)
        _speedup(sheet, model.key, costs.get(model.key))
    any_cost = next(iter(costs.values()), None)
    sheet.add("device", device_name(results), origin=Origin(fields=("cost.device",)))
    sheet.add(
        "threads", any_cost.threads if any_cost else None, "count", 0, origin=Origin(fields=("cost.threads",))
    )
    _extremes(sheet, results)
    _training_time(sheet, results)
    return sheet.facts


def device_name(results: Results) -> str | None:
    """What the maker calls the processor or GPU that measured the costs; None before."""
    any_cost = next(iter(results.costs.values()), None)
    return str(any_cost.environment.get("device_name") or any_cost.device) if any_cost else None


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
        for name in ("parameters", "macs", "flops", *MEASURED, AMP_SPEEDUP):
            same = sheet.facts[f"{key or results.models[0].key}.{name}"]
            value = same.value if key else None
            sheet.put(f"{word}.{name}", replace(same, value=value))


def _training_time(sheet: Sheet, results: Results) -> None:
    runs = results.plan().runs
    done = [run for run in runs if results.done(run)]
    seconds = sum(results.record(run.id).seconds for run in done) if len(done) == len(runs) else None
    origin = Origin(
        runs=tuple(run.id for run in runs), fields=("record.seconds",), formula="sum over all runs"
    )
    hours = seconds is None or seconds >= 2 * 3600
    value = None if seconds is None else seconds / (3600 if hours else 60)
    sheet.add("total_training_hours", value, "quantity", 2, "hours" if hours else "minutes", origin=origin)
