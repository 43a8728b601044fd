"""What was measured: each model's metrics, classes and confusions, ablations, and the order of the models."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np

from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._calibration import put_calibration
from paper_kit.analysis.facts._classes import Confusion, put_classes
from paper_kit.analysis.facts._effects import put_effects
from paper_kit.analysis.facts._format import Kind
from paper_kit.analysis.facts._gains import put_gained_class
from paper_kit.analysis.facts._sheet import Sheet, measured_origin, measured_terms
from paper_kit.analysis.predictions import Measured
from paper_kit.analysis.results import Results
from paper_kit.stats.effects import resolvable_difference
from paper_kit.stats.metrics import Integers

METRICS: dict[str, tuple[Kind, int]] = {  # fact -> (kind, digits)
    "accuracy": ("percent", 1),
    "macro_f1": ("percent", 1),
    "balanced_accuracy": ("percent", 1),
    "ece": ("percent", 1),
    "brier": ("number", 3),
    "nll": ("number", 3),
}
TESTED = ("accuracy", "macro_f1", "balanced_accuracy", "brier", "nll")  # metrics that are means over images
POWER = 0.8  # of the test that `resolvable` speaks of; the convention of Cohen 1988, section 2.4
SPREADS = ("accuracy", "macro_f1")  # metrics whose deviation over seeds is a fact of its own


def facts(results: Results) -> dict[str, Fact]:
    """results.<model key>.…, results.best, .worst, .ranking, .spread, effects, and pooled classes."""
    sheet = Sheet("results")
    for model in results.models:
        _model(sheet, results, model.key)
    put_effects(sheet, results)
    _order(sheet, results)
    _pooled(sheet, results)
    put_gained_class(sheet, results)
    _resolvable(sheet, results)
    return sheet.facts


def _resolvable(sheet: Sheet, results: Results) -> None:
    """results.resolvable: the smallest difference of two base networks that the test images can resolve."""
    measured = [results.measured(model.key) for model in results.models]
    origin = Origin(
        readings=tuple(reading for one in measured for reading in one.readings[:1]),
        formula="smallest difference that one McNemar test finds with that power, from the share of images "
        "on which two base networks of one seed disagree in being right",
    )
    right = [one.predictions[0].right_N for one in measured if one.complete]
    pairs = list(combinations(right, 2)) if len(right) == len(measured) else []
    smallest = None
    if pairs and all(len(first) == len(second) for first, second in pairs):
        disagree = float(np.mean([np.mean(first != second) for first, second in pairs]))
        found = resolvable_difference(len(pairs[0][0]), disagree, 1 - results.claims.alpha, POWER)
        smallest = found if np.isfinite(found) else None
    sheet.add("resolvable", smallest, "magnitude", 1, origin=origin)
    sheet.add("power", POWER, "percent", 0, origin=Origin(fields=("power of results.resolvable",)))


def _model(sheet: Sheet, results: Results, key: str) -> None:
    measured = results.measured(key)
    for metric, (kind_of, digits) in METRICS.items():
        origin = measured_origin(measured, metric)
        terms = measured_terms(measured, metric=metric) if metric in TESTED else ()
        sheet.add(f"{key}.{metric}", measured.mean(metric), kind_of, digits, origin=origin, terms=terms)
    _best_seed(sheet, key, measured)
    put_calibration(sheet, results, key, measured)
    for metric in SPREADS:
        origin = measured_origin(measured, f"standard deviation of {metric}")
        sheet.add(f"{key}.{metric}_sd", measured.deviation(metric), "magnitude", 1, origin=origin)
    records = results.records(key)
    epoch = float(np.mean([record.selected_epoch for record in records])) if measured.complete else None
    whole = int(epoch) if epoch is not None and epoch == int(epoch) else epoch
    origin = measured_origin(measured, "selected epoch")
    kind: Kind = "number" if isinstance(whole, float) else "count"
    sheet.add(f"{key}.selected_epoch", whole, kind, 1, origin=origin)
    _tta(sheet, results, key, measured)
    counts = measured.counts_KK if measured.complete else None
    origin = measured_origin(measured, "recall")
    put_classes(sheet, f"{key}.", Confusion(counts, results.classes(), origin, (measured,)))


def _best_seed(sheet: Sheet, key: str, measured: Measured) -> None:
    """<key>.accuracy_best_seed: the maximum over the seeds, which says so wherever it is printed."""
    best = float(measured.values("accuracy").max()) if measured.complete else None
    origin = replace(measured_origin(measured, "accuracy"), formula="maximum over seeds of accuracy")
    several = len(measured.seeds) if len(measured.seeds) > 1 else 0
    sheet.add(f"{key}.accuracy_best_seed", best, "percent", 1, origin=origin, best_of=several)


def _tta(sheet: Sheet, results: Results, key: str, measured: Measured) -> None:
    """<key>.gain_tta: accuracy with the base's views less that of the plain image."""
    alone = measured
    if "identity" in results.spec(key).views:
        alone = results.measured_with(("identity",), key)
    sheet.add(
        f"{key}.accuracy_single_view",
        alone.mean("accuracy"),
        "percent",
        origin=measured_origin(alone, "accuracy"),
        terms=measured_terms(alone, metric="accuracy"),
    )
    sheet.put(f"{key}.gain_tta", sheet.facts[f"{key}.accuracy"] - sheet.facts[f"{key}.accuracy_single_view"])


def _order(sheet: Sheet, results: Results) -> None:
    """Best and worst model by accuracy, the ranking and the spread; missing until every model is measured."""
    accuracy = {model.key: sheet.facts[f"{model.key}.accuracy"] for model in results.models}
    exact = {key: float(fact.value) for key, fact in accuracy.items() if isinstance(fact.value, float)}
    whole = len(exact) == len(accuracy)
    ranking = sorted(exact, key=lambda key: -exact[key]) if whole else []
    labels = {model.key: model.label for model in results.models}
    origin = Origin(formula="models ordered by results.*.accuracy")
    items = tuple(
        Fact(f"names.{key}", labels[key], "text", origin=origin, chosen_of=len(ranking)) for key in ranking
    )
    sheet.listed("ranking", items, origin)
    for word, place in (("best", 0), ("worst", -1)):
        chosen = ranking[place] if ranking else None
        label = labels[chosen] if chosen else None
        sheet.name(f"{word}.model", label, chosen or "", origin, len(accuracy))
        own = f"{chosen or results.models[0].key}."
        for key in [key.removeprefix(own) for key in sheet.facts if key.startswith(own)]:
            fact = replace(sheet.facts[own + key], chosen_of=len(accuracy))
            sheet.point(f"{word}.{key}", fact if chosen else missing(fact, f"results.{word}.{key}"))
        others = tuple(accuracy[key] for key in ranking if key != chosen)
        sheet.listed(f"{word}.others", others, origin)
    _baseline(sheet, results)
    sheet.put("spread", abs(sheet.facts["best.accuracy"] - sheet.facts["worst.accuracy"]))


def _baseline(sheet: Sheet, results: Results) -> None:
    """baseline.…: the model that the experiment file names first, and the best model's gain over it."""
    first = results.models[0]
    origin = Origin(fields=("model.0.label",))
    sheet.name("baseline.model", first.label, first.key, origin)
    for key in [key.removeprefix(f"{first.key}.") for key in sheet.facts if key.startswith(f"{first.key}.")]:
        sheet.point(f"baseline.{key}", sheet.facts[f"{first.key}.{key}"])
    sheet.put("best.gain_over_baseline", sheet.facts["best.accuracy"] - sheet.facts["baseline.accuracy"])


def missing(fact: Fact, key: str) -> Fact:
    """The fact without its value, under another key."""
    return Fact(key, None, fact.kind, fact.digits, fact.unit, origin=fact.origin)


def _pooled(sheet: Sheet, results: Results) -> None:
    """Recall and confusions over all models' base runs together."""
    measured = [results.measured(model.key) for model in results.models]
    counts = [one.counts_KK for one in measured if one.complete and one.counts_KK is not None]
    readings = tuple(reading for one in measured for reading in one.readings)
    origin = Origin(readings=readings, formula="confusion matrices of all models' base runs, added up")
    total: Integers | None = np.sum(counts, axis=0) if len(counts) == len(measured) else None
    put_classes(sheet, "", Confusion(total, results.classes(), origin, tuple(measured)))
