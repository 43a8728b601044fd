"""What searches on validation images tried for each model's settings, and what that reached there."""

from __future__ import annotations

from collections.abc import Iterable

from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._sheet import Sheet
from paper_kit.analysis.results import Results
from paper_kit.analysis.searches import FIELDS, search_of, step_of, value_in


def facts(results: Results) -> dict[str, Fact]:
    """tuning.lr.… and tuning.weight_decay.…: .name, .trials, .epochs, .train_fraction, .noise, ….

    tuning.lr.<model key>.values, .own_accuracy, .best_accuracy, .best_value …: of that model's search.
    """
    sheet = Sheet("tuning")
    for field in FIELDS:
        _of_field(sheet, results, field)
    return sheet.facts


def _of_field(sheet: Sheet, results: Results, field: str) -> None:
    step = step_of(field)
    found = {model.key: search_of(results, model.key, field) for model in results.models}
    known = [each for each in found.values() if each is not None]
    name = FIELDS[field] if known else None
    sheet.add(f"{step}.name", name, origin=Origin(fields=("tuning.fields",)))
    trials = sum(each.search.finished for each in known) or None
    sheet.add(f"{step}.trials", trials, "count", 0, origin=Origin(fields=("tuning.trials",)), exact=True)
    for key in ("epochs", "train_fraction", "validation_images"):
        value = _shared(getattr(each.search, key) for each in known)
        sheet.add(
            f"{step}.{key}", value, "percent" if key == "train_fraction" else "count", 0, origin=_origin(key)
        )
    bound = max((each.search.noise for each in known), default=None)
    sheet.add(f"{step}.noise", bound, "magnitude", 1, origin=_origin("noise"))
    for model, one in found.items():
        values = {value_in(row, field) for row in one.done} if one else set()
        place = f"{step}.{model}"
        sheet.add(f"{place}.values", len(values) or None, "count", 0, origin=_origin("trials.*.params"))
        best, own = (one.search.best, one.search.own) if one else (None, None)
        for word, row in (("own", own), ("best", best)):
            tried = value_in(row, field) if row else None
            sheet.add(f"{place}.{word}_value", tried, "setting", origin=_origin("trials.*.params"))
            reached = row.accuracy if row else None
            sheet.add(f"{place}.{word}_accuracy", reached, "percent", 1, origin=_origin("trials.*.accuracy"))


def _shared(values: Iterable[int | float]) -> int | float | None:
    """The value that all have; None where they differ or there is none."""
    found = set(values)
    return found.pop() if len(found) == 1 else None


def _origin(field: str) -> Origin:
    return Origin(fields=(f"tuning.{field}",))
