"""What searches on validation images tried for a setting, and what that reached there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from defaults import flat

PLACES = ("first", "second", "third", "fourth", "fifth")
DECAY = "optim.weight_decay"
FREE = (  # a trial's own, and the run of the source task
    "epochs", "train_fraction", "seed", "keep_weights", "augment.", "optim.lr", DECAY, "transfer.run",
)  # fmt: skip
Z95 = 1.959963984540054  # of a two-sided 95 % interval
Search = Mapping[str, Any]


def decay_searches(
    files: Sequence[Mapping[str, Any]], specs: Mapping[str, Mapping[str, Any]], fingerprint: str
) -> dict[str, Search]:
    """Model -> its last grid over the weight decay alone, or else the last search in which it varied.

    A search is of a model where it has its recipe, but for what searches vary, and saw the same images.
    """
    found: dict[str, Search] = {}
    for model, spec in specs.items():
        own = [
            search
            for file in files
            if _alike(flat(file["spec"]), flat(spec))
            for search in sorted(file["searches"], key=lambda each: str(each["ended_at"]))
            if search["fingerprint"] == fingerprint and DECAY in search["fields"] and _done(search)
        ]
        grids = [search for search in own if search["kind"] == "grid" and len(search["fields"]) == 1]
        if last := grids or [search for search in own if search["kind"] == "search"]:
            found[model] = last[-1]
    return found


def searched(searches: Mapping[str, Search], steps: Sequence[str]) -> float:
    """A number of the topic `tuning`; KeyError for one that is not known here."""
    each = list(searches.values())
    values = sorted({decay_in(trial) for search in each for trial in _done(search)})
    if steps == ["noise"]:
        return max(half_interval(search) for search in each)
    if steps == ["trials"]:
        return float(sum(len(_done(search)) for search in each))
    if len(steps) == 1 and steps[0].endswith("_weight_decay"):
        return float(values[PLACES.index(steps[0].partition("_")[0])])
    if len(steps) == 1:
        (shared,) = {search[steps[0]] for search in each}
        return float(shared)
    model, what = steps
    if what.startswith("at_"):
        wanted = values[PLACES.index(what.removeprefix("at_").partition("_")[0])]
        (trial,) = (one for one in _done(searches[model]) if decay_in(one) == wanted)
        return float(trial["accuracy"])
    return _of_search(searches[model], what)


def decay_in(trial: Mapping[str, Any]) -> float:
    """The weight decay that a trial was trained with."""
    return float(trial["settings"].get(DECAY, trial["params"][DECAY]))


def half_interval(search: Search) -> float:
    """Half the 95 % interval of the own settings' accuracy on so many validation images."""
    (own,) = (trial for trial in search["trials"] if trial["own"])
    return Z95 * math.sqrt(own["accuracy"] * (1 - own["accuracy"]) / search["validation_images"])


def _of_search(search: Search, what: str) -> float:
    """How many values were tried, or the value and the accuracy of the own settings or of the best."""
    if what == "values":
        return float(len({decay_in(trial) for trial in _done(search)}))
    word, _, of = what.partition("_")
    own = next(trial for trial in search["trials"] if trial["own"])
    trial = {"own": own, "best": max(_done(search), key=lambda one: one["accuracy"])}[word]
    return {"value": decay_in(trial), "accuracy": float(trial["accuracy"])}[of]


def _done(search: Search) -> list[Mapping[str, Any]]:
    return [one for one in search["trials"] if one["state"] == "complete" and one["accuracy"] is not None]


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two specifications are one recipe, in what both of them tell: older ones tell less."""
    shared = [name for name in one.keys() & other.keys() if not name.startswith(FREE)]
    return all(one[name] == other[name] for name in shared)
