"""Settings: every field of the base spec, of the study and of each model, and what follows from the plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._sheet import Sheet
from paper_kit.analysis.results import Results

PRINTED = {  # how the values of a field that is a choice are printed
    "precision": {"fp32": "FP32", "bf16": "BF16", "fp16": "FP16"},
    "select": {"accuracy": "accuracy", "macro_f1": "macro F1"},
    "optim.name": {"adamw": "AdamW", "sgd": "SGD"},
    "schedule.name": {"cosine": "cosine", "one_cycle": "one-cycle", "constant": "constant"},
}
IDENTITY = {"seed", "task"}  # of one run, not of the study


def facts(results: Results) -> dict[str, Fact]:
    """settings.<field> of the first model's base, and settings.<model key>.<field> of each model's."""
    sheet = Sheet("settings")
    for place, model in enumerate(results.models):
        spec = results.spec(model.key)
        for field, value in flat_fields(spec.full()):
            if place == 0:
                sheet.put(field, setting(field, value))
            sheet.put(f"{model.key}.{field}", setting(field, value))
    _plan(sheet, results)
    return sheet.facts


def flat_fields(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted field, value) of a spec, without the seed and the task."""
    for name, item in value.items():
        if isinstance(item, Mapping):
            yield from flat_fields(item, f"{prefix}{name}.")
        elif prefix or name not in IDENTITY:
            yield f"{prefix}{name}", item


def setting(field: str, value: Any) -> Fact:
    """The value of a field as a fact without a key."""
    origin = Origin(fields=(field,))
    if isinstance(value, list | tuple):
        items = tuple(setting(field, item) for item in value)
        return Fact("", "", "list", items=items, origin=origin)
    printed, kind, digits = _value(field, value)
    return Fact("", printed, kind, digits, origin=origin)


def _value(field: str, value: Any) -> tuple[Any, Any, int]:
    """(value, kind, digits) of a setting."""
    if field == "train_fraction":
        return value, "percent", 0 if round(value * 100, 6) % 1 == 0 else 1
    if isinstance(value, bool):
        return ("yes" if value else "no"), "text", 0
    if isinstance(value, int | float):
        return value, "setting", 0
    return PRINTED.get(field, {}).get(str(value), str(value)), "text", 0


def _plan(sheet: Sheet, results: Results) -> None:
    seeds = tuple(Fact(f"settings.seeds.{seed}", seed, "setting") for seed in results.main.seeds)
    sheet.listed("seeds", seeds, Origin(fields=("seeds",)))
    views = results.main.reading.views
    sheet.add("tta_views", len(views), "count", 0, origin=Origin(fields=("reading.views",)))
    named = tuple(Fact(f"settings.test_views.{view}", view.replace("_", " "), "text") for view in views)
    sheet.listed("test_views", named, Origin(fields=("reading.views",)))
    claims = results.claims
    sheet.add("alpha", claims.alpha, "setting", origin=Origin(fields=("paper.alpha",)))
    sheet.add("interval_level", 1 - claims.alpha, "percent", 0, origin=Origin(fields=("paper.alpha",)))
    margin = Origin(fields=("paper.equivalence_margin",))
    sheet.add("equivalence_margin", claims.margin, "magnitude", 1, origin=margin)
    sheet.add("average", results.main.reading.average, origin=Origin(fields=("reading.average",)))
