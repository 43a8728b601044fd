"""Every value that a template prints, as TeX; facts are numbered in the order of their first printing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from paper_kit.analysis.artifacts import Note
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.facts._format import ORDINALS, WORDS
from paper_kit.core.errors import InputError
from paper_kit.render.measured import FactText
from paper_kit.render.source_map import Place
from paper_kit.render.tex import Tex, escape, join

_DIGITS = re.compile(r"\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True)
class PrintedFact:
    """A fact as it stands in the paper: its number in \\pkfact, its text, and the lines that print it."""

    number: int
    fact: Fact
    text: str
    stale: bool = False
    places: tuple[Place, ...] = ()

    @property
    def name(self) -> str:
        """The fact's key, or its formula where arithmetic in a template made it."""
        return self.fact.key or self.fact.origin.formula

    def as_dict(self) -> dict[str, Any]:
        """The fact for facts.json."""
        return {
            "number": self.number,
            "key": self.fact.key,
            "text": self.text,
            "value": self.fact.value,
            "kind": self.fact.kind,
            "unit": self.fact.unit,
            "missing": self.fact.missing,
            "stale": self.stale,
            "origin": asdict(self.fact.origin),
            "places": [str(place) for place in self.places],
        }


def same_digits(facts: Iterable[PrintedFact]) -> None:
    """Nothing; InputError names both places where one quantity is printed with different digits."""
    first: dict[tuple[object, ...], PrintedFact] = {}
    problems: list[str] = []
    for printed in facts:
        number, fact = _number(printed.text), printed.fact
        if fact.missing or isinstance(fact.value, str) or not number:
            continue
        for quantity in (
            (fact.key or fact.origin, fact.value, fact.unit),
            (fact.origin, fact.value, fact.kind),
        ):
            known = first.setdefault(quantity, printed)
            if _number(known.text) != number:
                problems.append(
                    f"{_place(printed)}: {printed.name} is printed as {printed.text}, but as {known.text} in "
                    f"{_place(known)}; print one fact in both."
                )
                break
    if problems:
        raise InputError(problems)


def _number(text: str) -> str:
    """The first number of a printed text, without its sign; "3" for "three" and "third"."""
    word = text.lower().split("\N{NO-BREAK SPACE}")[0]
    for words in (WORDS, ORDINALS):
        if word in words:
            return str(words.index(word))
    found = _DIGITS.search(text)
    return found[0] if found else ""


def _place(printed: PrintedFact) -> str:
    return str(printed.places[0]) if printed.places else "a table"


def _identity(fact: Fact, text: str) -> tuple[object, ...]:
    return (fact.key, text) if fact.key else (fact.origin, text)


class Printer:
    """Turns values into TeX and keeps count of the facts among them."""

    def __init__(self, stale_runs: frozenset[str] = frozenset(), printed: Iterable[PrintedFact] = ()) -> None:
        """A printer for which the facts `printed` have their numbers already."""
        self._stale_runs = stale_runs
        self._printed = {_identity(each.fact, each.text): each for each in printed}

    @property
    def printed(self) -> tuple[PrintedFact, ...]:
        """The facts printed so far, by number."""
        return tuple(self._printed.values())

    def show(self, value: Any) -> Tex:
        """TeX of one value; InputError for what has no printed form, such as a list or None."""
        if isinstance(value, Fact):
            return self._fact(value, value.text)
        if isinstance(value, FactText):
            return self._fact(value.fact, str(value))
        if isinstance(value, Note):
            return join(self.show(part) for part in value.parts)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return escape(value)
        if value is None or isinstance(value, bool):
            raise InputError(f"A tag prints {value}, which is no text; test it with \\BLOCK{{if …}} instead.")
        if isinstance(value, list | tuple):
            raise InputError(
                'A tag prints a list; say how its items are joined, as in \\VAR{names|join(", ")}.'
            )
        return escape(str(value))

    def _fact(self, fact: Fact, text: str) -> Tex:
        key = _identity(fact, text)
        if key not in self._printed:
            runs = {*fact.origin.runs, *(reading.run for reading in fact.origin.readings)}
            stale = bool(runs & self._stale_runs)
            self._printed[key] = PrintedFact(len(self._printed) + 1, fact, text, stale)
        printed = self._printed[key]
        written = Tex(rf"\pkfact{{{printed.number}}}{{{escape(text)}}}")
        if fact.missing:
            return Tex(rf"\pkmissing{{{written}}}")
        return Tex(rf"\pkstale{{{written}}}") if printed.stale else written
