"""What removing a technique changes: each ablation of each model against its base."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._sheet import Sheet, measured_origin, measured_terms
from paper_kit.analysis.facts._terms import merged, scaled
from paper_kit.analysis.predictions import Measured
from paper_kit.analysis.results import Results
from paper_kit.core.plan import BASE


def put_effects(sheet: Sheet, results: Results) -> None:
    """Nothing; <model>.without.<ablation>.…, average.<ablation>.change, largest_effect, smallest_effect."""
    changes: dict[tuple[str, str], Fact] = {}
    for ablation in results.ablations:
        for model in results.models:
            key = f"{model.key}.without.{ablation.key}"
            without = results.measured(model.key, ablation.key)
            accuracy = accuracy_fact(without)
            sheet.put(f"{key}.accuracy", accuracy)
            base = sheet.facts[f"{model.key}.accuracy"]
            change = sheet.put(f"{key}.change", sheet.facts[f"{key}.accuracy"] - base)
            deviation = paired_deviation(results, model.key, ablation.key)
            sheet.add(f"{key}.change_sd", deviation, "magnitude", 1, origin=change.origin)
            if applies(results, model.key, ablation.key):
                changes[model.key, ablation.key] = change
        of_models = [fact for (_, name), fact in changes.items() if name == ablation.key]
        _average(sheet, f"average.{ablation.key}.change", of_models)
    _extremes(sheet, results, changes)


def applies(results: Results, model: str, ablation: str, experiment: str = "") -> bool:
    """Whether the ablation changes anything for this model: its reading is not the base's own."""
    cells = zip(
        results.cells(model, ablation, experiment), results.cells(model, BASE, experiment), strict=True
    )
    return any(cell.reading != base.reading for cell, base in cells)


def accuracy_fact(measured: Measured, *, spread: bool = False) -> Fact:
    """Mean accuracy over the seeds; with `spread` also its deviation, where there are several seeds."""
    origin = measured_origin(measured, "accuracy")
    deviation = measured.deviation("accuracy") if spread else None
    terms = measured_terms(measured, metric="accuracy")
    return Fact("", measured.mean("accuracy"), "percent", 1, spread=deviation, origin=origin, terms=terms)


def change_fact(results: Results, model: str, ablation: str, experiment: str = "") -> Fact:
    """Ablated less base accuracy in points, with the deviation of the differences of several seeds."""
    without, base = results.measured(model, ablation, experiment), results.measured(model, BASE, experiment)
    change = accuracy_fact(without) - accuracy_fact(base)
    return replace(change, spread=paired_deviation(results, model, ablation, experiment))


def paired_deviation(results: Results, model: str, ablation: str, experiment: str = "") -> float | None:
    """Standard deviation over seeds of ablated less base accuracy, as a fraction; None for one seed."""
    without, base = results.measured(model, ablation, experiment), results.measured(model, BASE, experiment)
    if not (without.complete and base.complete) or len(base.seeds) < 2:
        return None
    return float(np.std(without.values("accuracy") - base.values("accuracy"), ddof=1))


def _average(sheet: Sheet, key: str, changes: list[Fact]) -> None:
    """Nothing; the mean of the printed changes over the models that the ablation changes."""
    values = [change.value for change in changes]
    known = [float(value) for value in values if isinstance(value, float)]
    mean = float(np.mean(known)) if known and len(known) == len(values) else None
    joined = Origin()
    for change in changes:
        joined = joined.joined(change.origin, "")
    names = ", ".join(change.key for change in changes)
    terms = merged(term for change in changes for term in scaled(change.terms, 1 / len(changes)))
    sheet.add(key, mean, "points", 1, origin=replace(joined, formula=f"mean of {names}"), terms=terms)


def _extremes(sheet: Sheet, results: Results, changes: dict[tuple[str, str], Fact]) -> None:
    """Nothing; largest_effect and smallest_effect by size, missing until every cell is measured."""
    models = {model.key: model.label for model in results.models}
    ablations = {ablation.key: ablation.label for ablation in results.ablations}
    exact = {place: exact_change(results, *place) for place in changes}
    sizes = {place: abs(value) for place, value in exact.items() if value is not None}
    whole = bool(sizes) and len(sizes) == len(changes)
    for word, choose in (("largest", max), ("smallest", min)):
        origin = Origin(formula=f"{word} size of results.*.without.*.change")
        place = choose(sizes, key=lambda each: sizes[each]) if whole else None
        model, ablation = place or ("", "")
        sheet.name(f"{word}_effect.model", models.get(model), model, origin, len(changes))
        sheet.name(f"{word}_effect.ablation", ablations.get(ablation), ablation, origin, len(changes))
        known = changes[place] if place else Fact(f"results.{word}_effect.change", None, "points")
        sheet.point(f"{word}_effect.change", replace(known, chosen_of=max(1, len(changes))))


def exact_change(results: Results, model: str, ablation: str, experiment: str = "") -> float | None:
    """Ablated less base accuracy as a fraction, not rounded; None where one is missing."""
    without, base = (
        results.measured(model, ablation, experiment).mean("accuracy"),
        results.measured(model, BASE, experiment).mean("accuracy"),
    )
    return without - base if without is not None and base is not None else None
