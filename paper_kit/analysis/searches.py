"""The searches on validation images that a study's settings rest on: those of its models, data and recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paper_kit.analysis.results import Results
from paper_kit.core.tuning import SearchRecord, TrialRow, TuningRecord

WEIGHT_DECAY = "optim.weight_decay"
VARIED = {"lr", "weight_decay"}  # fields of `optim` that a search sets; it sets those of `augment` too
FREE = {"epochs", "train_fraction", "seed", "keep_weights", "augment"}  # what a trial may have of its own


def decay_in(row: TrialRow) -> float:
    """The weight decay that a trial was trained with."""
    return row.settings.get(WEIGHT_DECAY, row.params[WEIGHT_DECAY])


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


def decay_search(results: Results, model: str, kind: str) -> Found | None:
    """The last search of this kind, "grid" or "search", in which the model's weight decay varied."""
    found = [
        each
        for each in searches_of(results, model)
        if each.search.kind == kind and _varies(each.search) and each.done
    ]
    return found[-1] if found else None


def decay_of(results: Results, model: str) -> Found | None:
    """The grid over a model's weight decay, else the search that varied it; None where there is neither."""
    return decay_search(results, model, "grid") or decay_search(results, model, "search")


def decays_searched(results: Results) -> bool:
    """Whether the weight decay of every model was searched."""
    return all(decay_of(results, model.key) is not None for model in results.models)


def decays_beyond_noise(results: Results) -> bool:
    """Whether every model has its first weight decay, or the best one, which gained more than noise."""
    return all(_beyond_noise(results, model.key) for model in results.models)


def _beyond_noise(results: Results, model: str) -> bool:
    found = decay_of(results, model)
    own, best = (found.search.own, found.search.best) if found else (None, None)
    if found is None or own is None or best is None:
        return False
    used = results.spec(model).optim.weight_decay
    if used == decay_in(own):
        return True
    gain = (best.accuracy or 0.0) - (own.accuracy or 0.0)
    return used == decay_in(best) and gain > found.search.noise


def _varies(search: SearchRecord) -> bool:
    """Whether the weight decay was varied: in a grid alone, so that its values can be compared."""
    return WEIGHT_DECAY in search.fields and (search.kind == "search" or len(search.fields) == 1)


def _recipe(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What a search leaves as it is."""
    kept = {name: value for name, value in spec.items() if name not in FREE}
    kept["optim"] = {name: value for name, value in spec["optim"].items() if name not in VARIED}
    return kept
