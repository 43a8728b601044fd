"""Which class depends most on which technique: recall with and without it, over all models."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from paper_kit.analysis.facts import Origin
from paper_kit.analysis.facts._effects import applies
from paper_kit.analysis.facts._sheet import Sheet, measured_terms
from paper_kit.analysis.facts._terms import Term, merged, scaled
from paper_kit.analysis.facts._tree import slugs
from paper_kit.analysis.predictions import Measured, RunReading
from paper_kit.analysis.results import Results
from paper_kit.stats import metrics


def put_gained_class(sheet: Sheet, results: Results) -> None:
    """Nothing; results.gained.{class,ablation,change}: the lowest change of a pooled recall."""
    changes: list[tuple[float, int, str, tuple[Term, ...]]] = []
    readings: list[RunReading] = []
    for ablation in results.ablations:
        models = [model.key for model in results.models if applies(results, model.key, ablation.key)]
        base = [results.measured(key) for key in models]
        without = [results.measured(key, ablation.key) for key in models]
        if not models or not all(cell.complete for cell in (*base, *without)):
            continue
        readings += [reading for cell in (*base, *without) for reading in cell.readings]
        differences = pooled_recall(without) - pooled_recall(base)
        changes += [
            (float(value), place, ablation.key, change_terms(without, base, place))
            for place, value in enumerate(differences)
            if np.isfinite(value)
        ]
    change, place, key, terms = min(changes, key=lambda each: each[:3]) if changes else (None, None, "", ())
    formula = "lowest difference of recall, without less with a technique, over classes and ablations"
    origin = Origin(readings=tuple(dict.fromkeys(readings)), formula=formula)
    classes = results.classes()
    labels = {ablation.key: ablation.label for ablation in results.ablations}
    name = (classes[place], slugs(classes)[place]) if place is not None else (None, "")
    sheet.name("gained.class", name[0], name[1], origin)
    sheet.name("gained.ablation", labels.get(key), key, origin)
    sheet.add(
        "gained.change", change, "points", 1, origin=origin, terms=terms, chosen_of=max(1, len(changes))
    )


def change_terms(without: list[Measured], base: list[Measured], place: int) -> tuple[Term, ...]:
    """What the change of one class's recall averages: cells without the technique less those with it."""
    removed = measured_terms(*without, metric="recall", label=place)
    return merged((*removed, *scaled(measured_terms(*base, metric="recall", label=place), -1.0)))


def pooled_recall(cells: list[Measured]) -> NDArray[np.float64]:
    """Recall of each class (K,), the confusion matrices of the cells added up."""
    counts = np.sum([cell.counts_KK for cell in cells if cell.counts_KK is not None], axis=0)
    return np.asarray(metrics.recall(counts), dtype=np.float64)
