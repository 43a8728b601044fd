"""What a fact averages image by image, and how sums of facts carry it along."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from paper_kit.analysis.predictions import RunReading


@dataclass(frozen=True)
class Term:
    """A score of each test image that a fact averages, with its weight in a sum: what a claim is tested on.

    `metric` is "accuracy", "recall" (of the class `label`), "confusion" (of `label` taken for `predicted`) or
    "macro_f1"; the readings are those of one cell, one a seed.
    """

    weight: float
    readings: tuple[RunReading, ...]
    seeds: tuple[int, ...]
    metric: str
    label: int | None = None
    predicted: int | None = None

    @property
    def score(self) -> tuple[object, ...]:
        """Everything but the weight: what two terms must share to be added up."""
        return (self.readings, self.metric, self.label, self.predicted)


class Summed(Protocol):
    """What the terms of a sum depend on."""

    @property
    def terms(self) -> tuple[Term, ...]: ...
    @property
    def value(self) -> float | int | str | None: ...


def scaled(terms: Iterable[Term], factor: float) -> tuple[Term, ...]:
    """The terms with their weights multiplied."""
    return tuple(replace(term, weight=term.weight * factor) for term in terms)


def merged(terms: Iterable[Term]) -> tuple[Term, ...]:
    """Terms of the same score as one; those whose weights cancel are left out."""
    found: dict[tuple[object, ...], Term] = {}
    for term in terms:
        known = found.get(term.score)
        found[term.score] = replace(term, weight=term.weight + known.weight) if known else term
    return tuple(term for term in found.values() if abs(term.weight) > 1e-12)


def combined(sign: str, left: Summed, right: Summed) -> tuple[Term, ...]:
    """The terms of `left sign right`; none where the result is no weighted sum of scores."""
    if sign in "+-" and left.terms and right.terms:
        return merged((*left.terms, *scaled(right.terms, 1.0 if sign == "+" else -1.0)))
    if sign in "*/" and left.terms and not right.terms and isinstance(right.value, float | int):
        factor = right.value if sign == "*" else (1 / right.value if right.value else 0.0)
        return scaled(left.terms, float(factor))
    return ()
