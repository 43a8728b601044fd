"""Printed numbers, and the intervals of what may stand behind them after rounding."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction


@dataclass(frozen=True)
class Interval:
    """All values from `low` to `high`, both included, exact."""

    low: Fraction
    high: Fraction

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Interval) -> Interval:
        return Interval(self.low - other.high, self.high - other.low)

    def times(self, factor: Fraction | int) -> Interval:
        """The interval times a number that is not negative."""
        return Interval(self.low * factor, self.high * factor)

    def meets(self, other: Interval) -> bool:
        """Whether some value lies in both."""
        return self.low <= other.high and other.low <= self.high

    def whole(self, step: Fraction) -> Interval | None:
        """From the least to the greatest whole multiple of `step` inside; None where there is none."""
        low, high = math.ceil(self.low / step) * step, math.floor(self.high / step) * step
        return Interval(low, high) if low <= high else None

    @property
    def negative(self) -> Interval:
        """The interval with the other sign."""
        return Interval(-self.high, -self.low)

    @property
    def text(self) -> str:
        """ "70.125 to 70.31", or one number where both ends print the same."""
        low, high = (f"{float(end):.3f}".rstrip("0").rstrip(".") for end in (self.low, self.high))
        return low if low == high else f"{low} to {high}"


def exactly(value: int | Fraction) -> Interval:
    """The interval of one value."""
    return Interval(Fraction(value), Fraction(value))


def behind(printed: Decimal) -> Interval:
    """All values that round to the printed number: half of its last digit to each side.

    How many digits there are is how it was typed: 72.40 has two. Ends count as inside, since sources differ
    in how they round a half.
    """
    exponent = printed.as_tuple().exponent
    half = Fraction(10) ** int(exponent) / 2
    return Interval(Fraction(printed) - half, Fraction(printed) + half)


def share(printed: Decimal) -> Interval:
    """`behind` of a percentage that lies between 0 and 100."""
    found = behind(printed)
    return Interval(max(found.low, Fraction(0)), min(found.high, Fraction(100)))


def added(intervals: Iterable[Interval]) -> Interval:
    """The sum of intervals."""
    return sum(intervals, start=exactly(0))


def mean(intervals: Iterable[Interval]) -> Interval:
    """The mean of one or more intervals."""
    every = tuple(intervals)
    return added(every).times(Fraction(1, len(every)))


def harmonic(left: Interval, right: Interval) -> Interval:
    """2ab / (a + b), which rises with both: F1 of precision and recall."""

    def value(a: Fraction, b: Fraction) -> Fraction:
        return 2 * a * b / (a + b) if a + b else Fraction(0)

    return Interval(value(left.low, right.low), value(left.high, right.high))
