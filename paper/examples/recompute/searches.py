"""What searches on validation images tried for a setting, and what that reached there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from defaults import flat

PLACES = ("first", "second", "third", "fourth", "fifth", "sixth")
NAMES = {"lr": "learning rate", "weight_decay": "weight decay"}  # step of a key -> in words
FREE = (  # a trial's own, and the run of the source task
    "epochs", "train_fraction", "seed", "keep_weights", "augment.", "optim.lr", "optim.weight_decay",
    "transfer.run",
)  # fmt: skip
Z95 = 1.959963984540054  # of a two-sided 95 % interval
Search = Mapping[str, Any]


def searches_of(
    files: Sequence[Mapping[str, Any]], specs: Mapping[str, Mapping[str, Any]], fingerprint: str, field: str
) -> dict[str, Search]:
    """Model -> its last grid over a field alone, or else the last search in which the field varied.

    A search is of a model where it has its recipe, but for what searches vary, and saw the same images.
    """
    found: dict[str, Search] = {}
    for model, spec in specs.items():
        every = [search for file in files if _alike(file["spec"], spec) for search in file["searches"]]
        own = [
            search
            for search in sorted(every, key=lambda each: str(each["ended_at"]))
            if search["fingerprint"] == fingerprint and field in search["fields"] and _done(search)
        ]
        grids = [search for search in own if search["kind"] == "grid" and len(search["fields"]) == 1]
        if last := grids or [search for search in own if search["kind"] == "search"]:
            found[model] = last[-1]
    return found


def searched(searches: Mapping[str, Search], step: str, what: Sequence[str]) -> float | str:
    """A number of tuning.<step>, or the setting's name; KeyError for one that is not known here."""
    each, field, last = list(searches.values()), f"optim.{step}", what[-1]
    if not each:
        raise KeyError(f"a search for the {NAMES[step]}")
    values = sorted({value_in(trial, field) for search in each for trial in _done(search)})
    if len(what) == 1 and last.partition("_")[0] in PLACES:
        return values[PLACES.index(last.partition("_")[0])]
    if len(what) == 1:
        return _of_all(each, step, last)
    search = searches[what[0]]
    if not last.startswith("at_"):
        return _of_search(search, field, last)
    wanted = values[PLACES.index(last.split("_")[1])]
    (trial,) = (one for one in _done(search) if value_in(one, field) == wanted)
    return float(trial["accuracy"])


def value_in(trial: Mapping[str, Any], field: str) -> float:
    """The value of a field that a trial was trained with."""
    return float(trial["settings"].get(field, trial["params"][field]))


def half_interval(search: Search) -> float:
    """Half the 95 % interval of the own settings' accuracy on so many validation images."""
    accuracy = _own(search)["accuracy"]
    return Z95 * math.sqrt(accuracy * (1 - accuracy) / search["validation_images"])


def _of_all(searches: Sequence[Search], step: str, what: str) -> float | str:
    """The setting in words, how many trainings there were, how far chance moves them, or what all share."""
    if what == "name":
        return NAMES[step]
    if what == "noise":
        return max(map(half_interval, searches))
    if what == "trials":
        return float(sum(one["state"] != "failed" for search in searches for one in search["trials"]))
    shared = {float(search[what]) for search in searches}
    if len(shared) > 1:
        raise KeyError(f"{what} of {len(shared)} values")
    return shared.pop()


def _of_search(search: Search, field: str, what: str) -> float:
    """How many values were tried, or the value and the accuracy of the own settings or of the best."""
    if what == "values":
        return float(len({value_in(trial, field) for trial in _done(search)}))
    word, _, of = what.partition("_")
    best = max(_done(search), key=lambda one: (one["value"], one["own"], -one["number"]))
    trial = {"own": _own(search), "best": best}[word]
    return {"value": value_in(trial, field), "accuracy": float(trial["accuracy"])}[of]


def _own(search: Search) -> Mapping[str, Any]:
    own: Mapping[str, Any]
    (own,) = (trial for trial in search["trials"] if trial["own"])
    return own


def _done(search: Search) -> list[Mapping[str, Any]]:
    return [one for one in search["trials"] if one["state"] == "complete" and one["accuracy"] is not None]


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two specifications are one recipe, in what both of them tell: older ones tell less."""
    left, right = flat(one), flat(other)
    shared = [name for name in left.keys() & right.keys() if not name.startswith(FREE)]
    return all(left[name] == right[name] for name in shared)
