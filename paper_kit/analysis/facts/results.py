"""What was measured: each model's metrics, classes and confusions, ablations, and the order of the models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._effects import put_effects
from paper_kit.analysis.facts._format import Kind
from paper_kit.analysis.facts._gains import put_gained_class
from paper_kit.analysis.facts._sheet import Sheet, measured_origin
from paper_kit.analysis.facts._tree import slugs
from paper_kit.analysis.predictions import Measured
from paper_kit.analysis.results import Results
from paper_kit.stats import metrics
from paper_kit.stats.metrics import Integers

METRICS: dict[str, tuple[Kind, int]] = {  # fact -> (kind, digits)
    "accuracy": ("percent", 1),
    "macro_f1": ("percent", 1),
    "balanced_accuracy": ("percent", 1),
    "ece": ("percent", 1),
    "brier": ("number", 3),
    "nll": ("number", 3),
}
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
    return sheet.facts


def _model(sheet: Sheet, results: Results, key: str) -> None:
    measured = results.measured(key)
    for metric, (kind_of, digits) in METRICS.items():
        origin = measured_origin(measured, metric)
        fact = Fact("", measured.mean(metric), kind_of, digits, origin=origin)
        sheet.put(f"{key}.{metric}", fact)
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
    _classes(sheet, f"{key}.", Confusion(counts, results.classes(), measured_origin(measured, "recall")))


def _tta(sheet: Sheet, results: Results, key: str, measured: Measured) -> None:
    """<key>.gain_tta: accuracy with the base's views less that of the plain image."""
    alone = measured
    if "identity" in results.spec(key).views:
        alone = results.measured_with(("identity",), key)
    single = Fact(f"results.{key}.accuracy_single_view", alone.mean("accuracy"), "percent", 1)
    sheet.put(
        f"{key}.accuracy_single_view",
        Fact("", single.value, "percent", origin=measured_origin(alone, "accuracy")),
    )
    sheet.put(f"{key}.gain_tta", sheet.facts[f"{key}.accuracy"] - sheet.facts[f"{key}.accuracy_single_view"])


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix (None while it is missing), the names of its classes, and where it is from."""

    counts: Integers | None
    classes: tuple[str, ...]
    origin: Origin

    def named(self, sheet: Sheet, key: str, place: int | None) -> None:
        """Nothing; the class at `place` is a name under `key`."""
        step = slugs(self.classes)[place] if place is not None else ""
        sheet.name(key, self.classes[place] if place is not None else None, step, self.origin)


def _classes(sheet: Sheet, prefix: str, confusion: Confusion) -> None:
    """Recall by class slug and index, the best and worst class, the two most confused pairs."""
    steps = slugs(confusion.classes)
    recalls = (
        metrics.recall(confusion.counts) if confusion.counts is not None else np.full(len(steps), np.nan)
    )
    known = {place: float(value) for place, value in enumerate(recalls) if np.isfinite(value)}
    for place, step in enumerate(steps):
        fact = sheet.add(f"{prefix}recall.{step}", known.get(place), "percent", 1, origin=confusion.origin)
        sheet.point(f"{prefix}recall.{place}", fact)
    for word, choose in (("best", max), ("worst", min)):
        chosen = choose(known, key=lambda n: known[n]) if known else None
        confusion.named(sheet, f"{prefix}{word}_class", chosen)
        value = known[chosen] if chosen is not None else None
        sheet.add(f"{prefix}{word}_class_recall", value, "percent", 1, origin=confusion.origin)
    _pairs(sheet, prefix, confusion)


def confused_pairs(counts_KK: Integers | None) -> list[tuple[int, int, float]]:
    """(label, prediction, rate) of each two classes, by the direction confused more often."""
    found: dict[frozenset[int], tuple[int, int, float]] = {}
    for cell in metrics.most_confused(counts_KK) if counts_KK is not None else ():
        if cell[2] > 0:
            found.setdefault(frozenset(cell[:2]), cell)
    return list(found.values())


def _pairs(sheet: Sheet, prefix: str, confusion: Confusion) -> None:
    pairs = confused_pairs(confusion.counts)
    for place, word in enumerate(("confused", "confused2")):
        label, prediction, rate = pairs[place] if place < len(pairs) else (None, None, None)
        form = f"{prefix}{word}_" if prefix else f"{word}."
        confusion.named(sheet, f"{form}true", label)
        confusion.named(sheet, f"{form}predicted", prediction)
        sheet.add(f"{form}rate", rate, "percent", 1, origin=confusion.origin)


def _order(sheet: Sheet, results: Results) -> None:
    """Best and worst model by accuracy, the ranking and the spread; missing until every model is measured."""
    accuracy = {model.key: sheet.facts[f"{model.key}.accuracy"] for model in results.models}
    exact = {key: float(fact.value) for key, fact in accuracy.items() if isinstance(fact.value, float)}
    whole = len(exact) == len(accuracy)
    ranking = sorted(exact, key=lambda key: -exact[key]) if whole else []
    labels = {model.key: model.label for model in results.models}
    origin = Origin(formula="models ordered by results.*.accuracy")
    items = tuple(Fact(f"names.{key}", labels[key], "text", origin=origin) for key in ranking)
    sheet.listed("ranking", items, origin)
    for word, place in (("best", 0), ("worst", -1)):
        chosen = ranking[place] if ranking else None
        sheet.name(f"{word}.model", labels[chosen] if chosen else None, chosen or "", origin)
        own = f"{chosen or results.models[0].key}."
        for key in [key.removeprefix(own) for key in sheet.facts if key.startswith(own)]:
            fact = sheet.facts[own + key]
            sheet.point(f"{word}.{key}", fact if chosen else missing(fact, f"results.{word}.{key}"))
    sheet.put("spread", abs(sheet.facts["best.accuracy"] - sheet.facts["worst.accuracy"]))


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
    _classes(sheet, "", Confusion(total, results.classes(), origin))
