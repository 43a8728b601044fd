"""What the measured rates say: ratios, geometric means, and whether the targets are met."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

Rates = Mapping[str, Mapping[tuple[str, str], float]]  # case -> (contender, configuration) -> images/s
OURS, BARE = ("ours", "documented"), ("bare", "documented")
SLOW_SHARE = 0.9  # a peer that reaches less of the bare step leaves something to gain
TARGETS = {"cpu": (1.5, 1.0, 1.3), "cuda": (3.0, 1.0, 1.3)}  # issue: documented, best flags, slow cases


class Line(NamedTuple):
    """One finding: what, the value, over how many cases, the target."""

    what: str
    value: float
    count: int
    target: float

    @property
    def verdict(self) -> str:
        """met, missed, or that there was no such case."""
        if math.isnan(self.value):
            return "no such case"
        return "met" if self.value >= self.target else "MISSED"


def geometric_mean(values: Iterable[float]) -> float:
    """Of positive values; not a number where there is none."""
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def over_best_documented(rates: Rates, peers: Sequence[str]) -> list[float]:
    """Ours over the fastest peer as its documentation starts it, of each case."""
    return [case[OURS] / max(case[peer, "documented"] for peer in peers) for case in rates.values()]


def over_best_flags(rates: Rates, peer: str) -> list[float]:
    """Ours over a peer with its best flags, of each case."""
    return [case[OURS] / case[peer, "best"] for case in rates.values()]


def over_slow(rates: Rates, peer: str) -> list[float]:
    """The same of the cases in which this peer reaches less than 0.9 of the bare step."""
    slow = {name: case for name, case in rates.items() if case[peer, "best"] < SLOW_SHARE * case[BARE]}
    return over_best_flags(slow, peer)


def findings(rates: Rates, peers: Sequence[str], device: str = "cpu") -> list[Line]:
    """Every target's line."""
    documented, best, slow = TARGETS[device]
    first = over_best_documented(rates, peers)
    lines = [
        Line("ours / best peer as documented, geometric mean", geometric_mean(first), len(first), documented)
    ]
    for peer in peers:
        found = over_best_flags(rates, peer)
        lines.append(Line(f"ours / {peer} with its best flags, smallest", min(found), len(found), best))
    for peer in peers:
        gained = over_slow(rates, peer)
        what = f"ours / {peer} with its best flags where it is below 0.9 of bare, geometric mean"
        lines.append(Line(what, geometric_mean(gained), len(gained), slow))
    every = [value for peer in peers for value in over_slow(rates, peer)]
    what = "the same over all peers"
    lines.append(Line(what, geometric_mean(every), len(every), slow))
    return lines
