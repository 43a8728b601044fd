"""The searches on validation images that a study's settings rest on: those of its models, data and recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paper_kit.analysis.results import Results
from paper_kit.core.tuning import SearchRecord, TrialRow, TuningRecord

FIELDS = {"optim.lr": "learning rate", "optim.weight_decay": "weight decay"}  # with their names in print
VARIED = {field.removeprefix("optim.") for field in FIELDS}  # a search sets those of `augment` too
FREE = {"epochs", "train_fraction", "seed", "keep_weights", "augment"}  # what a trial may have of its own


def step_of(field: str) -> str:
    """What a field is called in the keys of facts."""
    return field.rpartition(".")[2]


def value_in(row: TrialRow, field: str) -> float:
    """The value of a field that a trial was trained with."""
    return row.settings.get(field, row.params[field])


@dataclass(frozen=True)
class Found:
    """A search and the record that holds it."""

    record: TuningRecord
    search: SearchRecord

    @property
    def done(self) -> tuple[TrialRow, ...]:
        """Its trials with an accuracy on validation, in their order."""
        return tuple(
            row for row in self.search.trials if row.state == "complete" and row.accuracy is not None
        )


def searches_of(results: Results, model: str) -> tuple[Found, ...]:
    """The searches for a model of the main study, oldest first: of the same recipe but for what they vary.

    Where the study's images are known, those of the search were the same.
    """
    spec = results.spec(model)
    record = results.any_record()
    seen = str(record.data.get("fingerprint", "")) if record else ""
    found = [
        Found(tuning, search)
        for tuning in results.store.tunings()
        if _recipe(tuning.spec) == _recipe(spec.full())
        for search in tuning.searches
        if not seen or search.fingerprint == seen
    ]
    return tuple(sorted(found, key=lambda each: each.search.ended_at))


def last_search(results: Results, model: str, field: str, kind: str) -> Found | None:
    """The last search of this kind, "grid" or "search", in which the model's field varied."""
    found = [
        each
        for each in searches_of(results, model)
        if each.search.kind == kind and _varies(each.search, field) and each.done
    ]
    return found[-1] if found else None


def search_of(results: Results, model: str, field: str) -> Found | None:
    """The grid over a model's field, else the search that varied it; None where there is neither."""
    return last_search(results, model, field, "grid") or last_search(results, model, field, "search")


def searched(results: Results) -> tuple[str, ...]:
    """The fields that were searched for every model, in the order of `FIELDS`."""
    return tuple(
        field
        for field in FIELDS
        if all(search_of(results, model.key, field) is not None for model in results.models)
    )


def beyond_noise(results: Results, field: str) -> bool:
    """Whether every model has its first value of a field, or the best one, which gained more than noise."""
    return all(_beyond_noise(results, model.key, field) for model in results.models)


def _beyond_noise(results: Results, model: str, field: str) -> bool:
    found = search_of(results, model, field)
    own, best = (found.search.own, found.search.best) if found else (None, None)
    if found is None or own is None or best is None:
        return False
    used = in_use(results, model, field)
    if used == value_in(own, field):
        return True
    gain = (best.accuracy or 0.0) - (own.accuracy or 0.0)
    return used == value_in(best, field) and gain > found.search.noise


def in_use(results: Results, model: str, field: str) -> float:
    """The value of a field in the recipe of a model."""
    value: float = getattr(results.spec(model).optim, field.removeprefix("optim."))
    return value


def _varies(search: SearchRecord, field: str) -> bool:
    """Whether a field was varied: in a grid alone, so that its values can be compared."""
    return field in search.fields and (search.kind == "search" or len(search.fields) == 1)


def _recipe(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What a search leaves as it is."""
    kept = {name: value for name, value in spec.items() if name not in FREE}
    kept["optim"] = {name: value for name, value in spec["optim"].items() if name not in VARIED}
    return kept
