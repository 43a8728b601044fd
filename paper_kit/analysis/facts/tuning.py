"""What a search on validation images tried for each model's weight decay, and what that reached there."""

from __future__ import annotations

from collections.abc import Iterable

from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._sheet import Sheet
from paper_kit.analysis.results import Results
from paper_kit.analysis.searches import decay_in, decay_of


def facts(results: Results) -> dict[str, Fact]:
    """tuning.trials, .epochs, .train_fraction, .validation_images, .noise of the searches for a weight decay.

    tuning.<model key>.values, .own_accuracy, .best_accuracy, .best_value: of that model's search.
    """
    sheet = Sheet("tuning")
    found = {model.key: decay_of(results, model.key) for model in results.models}
    known = [each for each in found.values() if each is not None]
    trials = sum(each.search.finished for each in known) or None
    sheet.add("trials", trials, "count", 0, origin=Origin(fields=("tuning.trials",)), exact=True)
    for key, kind in (("epochs", "count"), ("train_fraction", "percent"), ("validation_images", "count")):
        value = _shared(getattr(each.search, key) for each in known)
        sheet.add(key, value, "percent" if kind == "percent" else "count", 0, origin=_origin(key))
    bound = max((each.search.noise for each in known), default=None)
    sheet.add("noise", bound, "magnitude", 1, origin=_origin("noise"))
    for model, one in found.items():
        values = {decay_in(row) for row in one.done} if one else set()
        sheet.add(f"{model}.values", len(values) or None, "count", 0, origin=_origin("trials.*.params"))
        best, own = (one.search.best, one.search.own) if one else (None, None)
        for name, row in (("own", own), ("best", best)):
            decay = decay_in(row) if row else None
            sheet.add(f"{model}.{name}_value", decay, "setting", origin=_origin("trials.*.params"))
            reached = row.accuracy if row else None
            sheet.add(f"{model}.{name}_accuracy", reached, "percent", 1, origin=_origin("trials.*.accuracy"))
    return sheet.facts


def _shared(values: Iterable[int | float]) -> int | float | None:
    """The value that all have; None where they differ or there is none."""
    found = set(values)
    return found.pop() if len(found) == 1 else None


def _origin(field: str) -> Origin:
    return Origin(fields=(f"tuning.{field}",))
