"""What searches on validation images tried for a setting, and what that reached there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

PLACES = ("first", "second", "third", "fourth", "fifth")
DECAY = "optim.weight_decay"
Z95 = 1.959963984540054  # of a two-sided 95 % interval
Search = Mapping[str, Any]


def decay_searches(files: Sequence[Mapping[str, Any]]) -> dict[str, Search]:
    """Model -> its last search that tried values of the weight decay."""
    found = {}
    for file in files:
        tried = [each for each in file["searches"] if any(DECAY in one["params"] for one in each["trials"])]
        if tried:
            found[file["model"]] = tried[-1]
    return found


def searched(searches: Mapping[str, Search], steps: Sequence[str]) -> float:
    """A number of the topic `tuning`; KeyError for one that is not known here."""
    each = list(searches.values())
    values = sorted({trial["params"][DECAY] for search in each for trial in search["trials"]})
    if steps == ["noise"]:
        return max(half_interval(search) for search in each)
    if steps == ["trials"]:
        return float(sum(trial["state"] == "complete" for search in each for trial in search["trials"]))
    if len(steps) == 1 and steps[0].endswith("_weight_decay"):
        return float(values[PLACES.index(steps[0].partition("_")[0])])
    if len(steps) == 1:
        (shared,) = {search[steps[0]] for search in each}
        return float(shared)
    model, at = steps
    wanted = values[PLACES.index(at.removeprefix("at_").partition("_")[0])]
    (trial,) = (one for one in searches[model]["trials"] if one["params"][DECAY] == wanted)
    return float(trial["accuracy"])


def half_interval(search: Search) -> float:
    """Half the 95 % interval of the own settings' accuracy on so many validation images."""
    (own,) = (trial for trial in search["trials"] if trial["own"])
    return Z95 * math.sqrt(own["accuracy"] * (1 - own["accuracy"]) / search["validation_images"])
