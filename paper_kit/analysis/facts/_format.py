"""How a fact is printed: the one place for digits, signs, units, words and lists. Unicode, never TeX."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, Protocol

Kind = Literal[
    "percent", "points", "magnitude", "count", "number", "quantity", "setting", "probability", "text", "list"
]
Bounds = tuple[float, float]

MISSING = "[pending]"
MINUS, NBSP, PLUS_MINUS = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}", "\N{PLUS-MINUS SIGN}"
SCALE = {"k": 1e-3, "M": 1e-6, "G": 1e-9}
WORDS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
ORDINALS = (
    "zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth",
)  # fmt: skip


SMALLEST_P = (
    0.001  # a smaller p-value prints as less than this: APA Publication Manual, 7th ed., section 6.36
)


def bare(
    value: float | int | str,
    kind: Kind,
    digits: int,
    unit_name: str,
    spread: float | None,
    bounds: Bounds | None = None,
) -> str:
    """The value without its unit, with `spread` after plus-minus or `bounds` in brackets where given."""
    if isinstance(value, str):
        return value
    if kind == "setting":
        return _plain(value)
    if kind == "probability":
        return f"<{NBSP}{SMALLEST_P}" if value < SMALLEST_P else f"{value:.3f}"
    scale, plus = _scale(kind, unit_name), kind == "points"
    decimals = _decimals(value * scale, kind, digits)
    printed = signed(value * scale, decimals, plus=plus)
    if bounds is not None:
        low, high = (signed(bound * scale, decimals, plus=plus) for bound in bounds)
        return f"{printed}{NBSP}[{low},{NBSP}{high}]"
    if spread is None:
        return printed
    return f"{printed}{NBSP}{PLUS_MINUS}{NBSP}{signed(spread * scale, decimals)}"


def probability(text: str) -> str:
    """A p-value with its sign before it: p = 0.013, p < 0.001."""
    return f"p{NBSP}{text}" if text.startswith("<") else f"p{NBSP}={NBSP}{text}"


def signed(value: float, decimals: int, *, plus: bool = False) -> str:
    """A rounded number with thousands separators and a true minus sign; zero has no sign."""
    text = f"{abs(value):,.{decimals}f}"
    if not any(digit in text for digit in "123456789"):
        return text
    return (MINUS if value < 0 else "+" if plus else "") + text


def unit(kind: Kind, name: str) -> str:
    """The unit with the space before it; empty where there is none."""
    if kind == "percent":
        return f"{NBSP}%"
    if kind in {"points", "magnitude"}:
        return f"{NBSP}points"
    return f"{NBSP}{name}" if name else ""


def rounded(value: float, kind: Kind, digits: int, unit_name: str) -> float:
    """The value as print rounds it, in its own unit."""
    if kind == "setting":
        return value
    scale = _scale(kind, unit_name)
    return float(f"{value * scale:.{_decimals(value * scale, kind, digits)}f}") / scale


def best_of(runs: int) -> str:
    """What is said after a maximum over runs that differ in their seed only."""
    return f"{NBSP}(best of {WORDS[runs] if runs < len(WORDS) else runs})" if runs else ""


def words(value: object, text: str) -> str:
    """A whole number to twelve as a word, else `text`."""
    return WORDS[value] if isinstance(value, int) and 0 <= value < len(WORDS) else text


def ordinal(value: object, text: str) -> str:
    """A whole number as an ordinal: a word to twelfth, then 13th, 21st."""
    if not isinstance(value, int) or value < 0:
        return text
    if value < len(ORDINALS):
        return ORDINALS[value]
    ending = "th" if value % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    return f"{value:,}{ending}"


def listed(items: Sequence[str]) -> str:
    """a, b and c."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


class Printed(Protocol):
    """What the kind of a result depends on."""

    @property
    def kind(self) -> Kind: ...
    @property
    def digits(self) -> int: ...
    @property
    def unit(self) -> str: ...


def result_kind(sign: str, left: Printed, right: Printed) -> tuple[Kind, int, str]:
    """(kind, digits, unit) of `left sign right`."""
    same = left.kind == right.kind and left.unit == right.unit
    if sign == "-" and left.kind == right.kind == "percent":
        return "points", max(left.digits, right.digits), ""
    if sign in "+-" and {left.kind, right.kind} == {"percent", "points"}:
        return "percent", max(left.digits, right.digits), ""
    if sign in "+-" and same:
        return left.kind, max(left.digits, right.digits), left.unit
    if sign == "*" and left.kind == right.kind == "count":
        return "count", 0, ""
    if sign in "*/" and right.kind in {"count", "number"} and not right.unit and left.kind != "count":
        return left.kind, left.digits, left.unit
    return "number", 1, ""


def adds_as_printed(left: Printed, right: Printed) -> bool:
    """Whether a sum or difference of the two is that of the printed numbers, so that it adds up."""
    both = {left.kind, right.kind}
    return both <= {"percent", "points"} or (both == {"number"} and left.unit == right.unit)


def prefix(values: Sequence[float]) -> str:
    """The unit k, M or G in which all of some large counts read well; empty for small ones.

    The unit is that of the smallest: 0.1 G or more are G, 0.1 M or more are M.
    """
    smallest = min((value for value in values if value > 0), default=0.0)
    return next((name for name in ("G", "M", "k") if smallest * SCALE[name] >= 0.0995), "")


def _scale(kind: Kind, unit_name: str) -> float:
    if kind in {"percent", "points", "magnitude"}:
        return 100.0
    return SCALE.get(unit_name, 1.0)


def _decimals(scaled: float, kind: Kind, digits: int) -> int:
    """Decimals of the printed number; `digits` are significant digits for a quantity."""
    if kind == "count":
        return 0
    if kind != "quantity":
        return digits
    if not scaled or not math.isfinite(scaled):
        return 0
    before = math.floor(math.log10(abs(float(f"{scaled:.{digits - 1}e}")))) + 1
    return max(0, digits - before)


def _plain(value: float) -> str:
    """A setting as a person writes it: 0.0003, 64, 0.05."""
    text = format(Decimal(repr(value)).normalize(), "f")
    return text.replace("-", MINUS)
