"""What a confusion matrix says of single classes: recalls, the best and the worst, what is confused most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._sheet import Sheet, measured_terms
from paper_kit.analysis.facts._tree import slugs
from paper_kit.analysis.predictions import Measured
from paper_kit.stats import metrics
from paper_kit.stats.metrics import Integers


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix (None while it is missing), the names of its classes, its origin and its cells."""

    counts: Integers | None
    classes: tuple[str, ...]
    origin: Origin
    cells: tuple[Measured, ...]

    @property
    def steps(self) -> tuple[str, ...]:
        """A step of a key for each class."""
        return slugs(self.classes)

    def named(self, sheet: Sheet, key: str, place: int | None) -> None:
        """Nothing; the class at `place` is a name under `key`."""
        step = self.steps[place] if place is not None else ""
        sheet.name(key, self.classes[place] if place is not None else None, step, self.origin)


def put_classes(sheet: Sheet, prefix: str, confusion: Confusion) -> None:
    """Nothing; recall by class slug and index, the best and worst class, the two most confused pairs."""
    recalls = metrics.recall(confusion.counts) if confusion.counts is not None else ()
    known = {place: float(value) for place, value in enumerate(recalls) if np.isfinite(value)}
    for place, step in enumerate(confusion.steps):
        terms = measured_terms(*confusion.cells, metric="recall", label=place)
        fact = sheet.add(
            f"{prefix}recall.{step}", known.get(place), "percent", 1, origin=confusion.origin, terms=terms
        )
        sheet.point(f"{prefix}recall.{place}", fact)
    _extremes(sheet, prefix, confusion, known)
    _pairs(sheet, prefix, confusion)


def _extremes(sheet: Sheet, prefix: str, confusion: Confusion, known: dict[int, float]) -> None:
    """Nothing; best_class and worst_class with their recall, and the recalls of the others as a list."""
    for word, choose in (("best", max), ("worst", min)):
        chosen = choose(known, key=lambda place: known[place]) if known else None
        confusion.named(sheet, f"{prefix}{word}_class", chosen)
        sheet.add(
            f"{prefix}{word}_class_recall",
            known[chosen] if chosen is not None else None,
            "percent",
            1,
            origin=confusion.origin,
            terms=measured_terms(*confusion.cells, metric="recall", label=chosen),
            chosen_of=max(1, len(known)),
        )
        others = tuple(sheet.facts[f"{prefix}recall.{place}"] for place in known if place != chosen)
        sheet.listed(f"{prefix}{word}_class_others", others, confusion.origin)


def confused_pairs(counts_KK: Integers | None) -> list[tuple[int, int, float]]:
    """(label, prediction, rate) of each two classes, by the direction confused more often."""
    found: dict[frozenset[int], tuple[int, int, float]] = {}
    for cell in metrics.most_confused(counts_KK) if counts_KK is not None else ():
        if cell[2] > 0:
            found.setdefault(frozenset(cell[:2]), cell)
    return list(found.values())


def _pairs(sheet: Sheet, prefix: str, confusion: Confusion) -> None:
    """Nothing; the two pairs that are confused most often: the label, the prediction, the rate."""
    pairs = confused_pairs(confusion.counts)
    for place, word in enumerate(("confused", "confused2")):
        label, prediction, rate = pairs[place] if place < len(pairs) else (None, None, None)
        form = f"{prefix}{word}_" if prefix else f"{word}."
        confusion.named(sheet, f"{form}true", label)
        confusion.named(sheet, f"{form}predicted", prediction)
        terms = measured_terms(*confusion.cells, metric="confusion", label=label, predicted=prediction)
        cells = len(confusion.classes) * (len(confusion.classes) - 1)  # each class taken for each other one
        sheet.add(
            f"{form}rate", rate, "percent", 1, origin=confusion.origin, terms=terms, chosen_of=max(1, cells)
        )
    _other_cells(sheet, prefix, confusion)


def _other_cells(sheet: Sheet, prefix: str, confusion: Confusion) -> None:
    """Nothing; the rates of all errors but the most frequent one, as a list."""
    errors = metrics.most_confused(confusion.counts) if confusion.counts is not None else []
    items = tuple(
        Fact(
            f"results.{prefix}confusion.{label}.{prediction}",
            rate,
            "percent",
            origin=confusion.origin,
            terms=measured_terms(*confusion.cells, metric="confusion", label=label, predicted=prediction),
        )
        for label, prediction, rate in errors[1:]
    )
    sheet.listed(f"{prefix}confused_others" if prefix else "confused.others", items, confusion.origin)
