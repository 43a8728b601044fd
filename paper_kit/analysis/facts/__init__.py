"""The contract of a topic of facts: a file in this folder with `facts(results) -> dict[str, Fact]`.

The file's name is the topic. Keys are dotted paths inside the topic ("emotion_vit.accuracy"); a template says
`\\VAR{results.emotion_vit.accuracy}`. A fact that cannot be known yet is still there, with the value None.
Files that start with "_" are support code: `_format` prints, `_tree` collects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from paper_kit.analysis.facts import _format, _terms
from paper_kit.analysis.facts._format import Kind
from paper_kit.analysis.facts._terms import Term
from paper_kit.analysis.predictions import RunReading
from paper_kit.core.errors import InputError

if TYPE_CHECKING:
    from paper_kit.analysis.results import Results

Value = float | int | str | None


@dataclass(frozen=True)
class Origin:
    """Where a value comes from: readings and runs, their seeds, fields of specs or records, and a formula."""

    readings: tuple[RunReading, ...] = ()
    runs: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    fields: tuple[str, ...] = ()
    formula: str = ""

    def joined(self, other: Origin, formula: str) -> Origin:
        """Both origins, each part once, under a new formula."""

        def both(name: str) -> tuple[Any, ...]:
            return tuple(dict.fromkeys((*getattr(self, name), *getattr(other, name))))

        return Origin(both("readings"), both("runs"), both("seeds"), both("fields"), formula)


@dataclass(frozen=True, eq=False)
class Fact:
    """One number or name that the paper may print.

    `value` is exact (a fraction for percent and points, a plain number otherwise) and None while it is
    missing; `digits` are decimals, or significant digits for a quantity; `unit` is printed after the number,
    where k, M and G also scale it; `spread` is printed after plus-minus; `items` are the parts of a list;
    `refers` is the step of a tree that a name stands for: `results[results.best.model]` finds the model.
    `terms` are what it averages image by image, `exact` says that it was counted and not sampled: a claim
    needs one of the two. `bounds` are an interval, printed in brackets; `best_of` says that it is a maximum
    over so many seeds, which every text of it tells; `chosen_of` from how many candidates it was picked by
    looking at them.
    """

    key: str
    value: Value
    kind: Kind = "number"
    digits: int = 1
    unit: str = ""
    spread: float | None = None
    items: tuple[Fact, ...] = ()
    origin: Origin = Origin()
    refers: str = ""
    terms: tuple[Term, ...] = ()
    exact: bool = False
    bounds: tuple[float, float] | None = None
    best_of: int = 0
    chosen_of: int = 1

    @property
    def missing(self) -> bool:
        """Whether the value is not known yet, or an item of the list is not."""
        return self.value is None or any(item.missing for item in self.items)

    @property
    def name(self) -> str:
        """The step that stands for this name: "emotion_vit" for names.emotion_vit."""
        return self.refers or self.key.rpartition(".")[2]

    @property
    def bare(self) -> str:
        """The number in unicode without its unit, as a table's cell prints it."""
        if self.value is None:
            return _format.MISSING
        if self.kind == "list":
            return _format.listed([item.text for item in self.items])
        printed = _format.bare(self.value, self.kind, self.digits, self.unit, self.spread, self.bounds)
        return printed + _format.best_of(self.best_of)

    @property
    def text(self) -> str:
        """The number with its unit, or the name, in unicode."""
        if self.missing:
            return self.bare
        if self.kind == "probability":
            return _format.probability(self.bare)
        unit = _format.unit(self.kind, self.unit)
        return replace(self, best_of=0).bare + unit + _format.best_of(self.best_of)

    @property
    def words(self) -> str:
        """A count to twelve as a word, anything else as `text`."""
        return _format.words(self.value, self.text) if self.kind == "count" else self.text

    @property
    def Words(self) -> str:
        """`words` with a capital first letter."""
        return self.words[:1].upper() + self.words[1:]

    @property
    def ordinal(self) -> str:
        """A count as first, second … twelfth, 13th."""
        return _format.ordinal(self.value, self.text)

    def plural(self, singular: str, plural: str = "") -> str:
        """The noun's form for this count: `singular` for one, else `plural` (by default with an s)."""
        if self.kind not in {"count", "setting"}:
            raise InputError(f"The fact {self.key or self.text!r} is no count, so no noun has a form for it.")
        return singular if self.value == 1 else plural or f"{singular}s"

    @property
    def printed_value(self) -> float | None:
        """The value as rounded for print, in the unit of `value`; None where it is missing or a name."""
        if not isinstance(self.value, float | int):
            return None
        return _format.rounded(self.value, self.kind, self.digits, self.unit)

    def __str__(self) -> str:
        return self.text

    def __iter__(self) -> Iterator[Fact]:
        if self.kind != "list":
            raise InputError(
                f"The fact {self.key!r} is one value, not a list: print it, or loop over study.models."
            )
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __neg__(self) -> Fact:
        return self._single("-", lambda value: -value)

    def __abs__(self) -> Fact:
        """The size without the sign: a difference in points then prints without one."""
        kind: Kind = "magnitude" if self.kind == "points" else self.kind
        return replace(self._single("abs", abs), kind=kind)

    def __add__(self, other: object) -> Fact:
        return self._with(other, "+", lambda a, b: a + b)

    def __sub__(self, other: object) -> Fact:
        return self._with(other, "-", lambda a, b: a - b)

    def __mul__(self, other: object) -> Fact:
        return self._with(other, "*", lambda a, b: a * b)

    def __truediv__(self, other: object) -> Fact:
        return self._with(other, "/", lambda a, b: a / b if b else float("nan"))

    def __radd__(self, other: object) -> Fact:
        return _plain(other)._with(self, "+", lambda a, b: a + b)

    def __rsub__(self, other: object) -> Fact:
        return _plain(other)._with(self, "-", lambda a, b: a - b)

    def __rmul__(self, other: object) -> Fact:
        return _plain(other)._with(self, "*", lambda a, b: a * b)

    def __rtruediv__(self, other: object) -> Fact:
        return _plain(other)._with(self, "/", lambda a, b: a / b if b else float("nan"))

    def _refuse_best_of(self) -> None:
        if self.best_of:
            raise InputError(
                f"The fact {self.key!r} is a maximum over {self.best_of} seeds: there is no arithmetic with "
                "it, which would lose the words that say so."
            )

    def _single(self, sign: str, function: Callable[[float], float]) -> Fact:
        self._refuse_best_of()
        value = function(self._number()) if self.value is not None else None
        origin = self.origin.joined(Origin(), f"{sign}({_formula(self)})")
        terms = _terms.scaled(self.terms, -1.0) if sign == "-" else ()
        return replace(self, key="", value=value, spread=None, bounds=None, origin=origin, terms=terms)

    def _with(self, other: object, sign: str, function: Callable[[float, float], float]) -> Fact:
        right = other if isinstance(other, Fact) else _plain(other)
        for side in (self, right):
            side._refuse_best_of()
        rounds = sign in "+-" and _format.adds_as_printed(self, right)
        kind, digits, unit = _format.result_kind(sign, self, right)
        value: float | None = None
        if self.value is not None and right.value is not None:
            left_value, right_value = self._number(), right._number()
            if rounds:  # a printed difference equals the difference of the printed numbers
                left_value, right_value = self.printed_value or 0.0, right.printed_value or 0.0
            value = function(left_value, right_value)
            value = None if value != value else value
        formula = f"{_formula(self)} {sign} {_formula(right)}" + (
            " (of the printed numbers)" if rounds else ""
        )
        return Fact(
            "",
            value,
            kind,
            digits,
            unit,
            origin=self.origin.joined(right.origin, formula),
            terms=_terms.combined(sign, self, right),
            exact=self.exact and right.exact,
            chosen_of=max(self.chosen_of, right.chosen_of),
        )

    def _number(self) -> float:
        if not isinstance(self.value, float | int):
            raise InputError(
                f"The fact {self.key!r} is a name ({self.text}): there is no arithmetic with it."
            )
        return self.value

    def _refuse(self, *_: object) -> NoReturn:
        raise InputError(
            f"The fact {self.key or self.origin.formula!r} cannot be compared or tested in a template: "
            "a printed comparison needs a test. Write \\BLOCK{claim a > b} … \\BLOCK{endclaim}."
        )

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __float__ = __int__ = _refuse

    def __hash__(self) -> int:
        return hash((self.key, self.text))


def _plain(value: object) -> Fact:
    if isinstance(value, bool) or not isinstance(value, float | int):
        raise InputError(f"A fact takes part in arithmetic with facts and numbers only, not with {value!r}.")
    kind: Kind = "count" if isinstance(value, int) else "number"
    return Fact("", value, kind, 1, origin=Origin(formula=f"{value!r}"), exact=True)


def _formula(fact: Fact) -> str:
    if fact.key:
        return fact.key
    return f"({fact.origin.formula})" if " " in fact.origin.formula else fact.origin.formula


class Topic(Protocol):
    """A topic of facts: keys are dotted paths inside it."""

    def __call__(self, results: Results) -> dict[str, Fact]: ...
