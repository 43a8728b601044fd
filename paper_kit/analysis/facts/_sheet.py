"""The facts of one topic while they are written down: each key once, each fact under its full key."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from paper_kit.analysis.facts import Fact, Origin, Value
from paper_kit.analysis.facts._format import Kind
from paper_kit.analysis.facts._terms import Term
from paper_kit.analysis.predictions import Measured
from paper_kit.core.errors import InputError


class Sheet:
    """Relative key -> Fact of a topic."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.facts: dict[str, Fact] = {}
        self._groups: set[str] = set()

    def put(self, key: str, fact: Fact) -> Fact:
        """The fact under this key, now its own; InputError as for `point`."""
        return self.point(key, replace(fact, key=f"{self.topic}.{key}"))

    def point(self, key: str, fact: Fact) -> Fact:
        """The fact, found under this key too; InputError where the key is taken, such as `best`."""
        steps = key.split(".")
        above = {".".join(steps[:depth]) for depth in range(1, len(steps))}
        if key in self.facts or key in self._groups or above & self.facts.keys():
            raise InputError(
                f"The fact {self.topic}.{key} would stand for two things: the key of a model, an ablation "
                "or a dataset is a word that facts use. Give it another key in the experiment file."
            )
        self._groups |= above
        self.facts[key] = fact
        return fact

    def add(
        self, key: str, value: Value, kind: Kind = "text", digits: int = 1, unit: str = "", **more: Any
    ) -> Fact:
        """A new fact under this key; `more` are its other fields, such as `origin`."""
        return self.put(key, Fact("", value, kind, digits, unit, **more))

    def name(self, key: str, text: str | None, refers: str, origin: Origin, chosen_of: int = 1) -> Fact:
        """A name under this key that stands for the step `refers` of other trees, picked from so many."""
        return self.put(key, Fact("", text, "text", origin=origin, refers=refers, chosen_of=chosen_of))

    def listed(self, key: str, items: tuple[Fact, ...], origin: Origin) -> Fact:
        """A list under this key."""
        return self.put(key, Fact("", "" if items else None, "list", items=items, origin=origin))


def measured_origin(measured: Measured, formula: str) -> Origin:
    """The origin of a number that a cell's seeds measured."""
    several = len(measured.seeds) > 1
    return Origin(
        readings=measured.readings,
        runs=tuple(dict.fromkeys(reading.run for reading in measured.readings)),
        seeds=measured.seeds,
        formula=f"mean over seeds of {formula}" if several else formula,
    )


def measured_terms(
    *cells: Measured, metric: str, label: int | None = None, predicted: int | None = None
) -> tuple[Term, ...]:
    """The score of each test image, averaged over the cells."""
    weight = 1 / max(1, len(cells))
    return tuple(Term(weight, cell.readings, cell.seeds, metric, label, predicted) for cell in cells)
