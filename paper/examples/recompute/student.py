"""Student's distribution from scratch: its tail by the incomplete beta function, and what inverts it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import exp, lgamma, log, log1p

TINY = 1e-300  # in place of a zero below a fraction
STEPS = 500  # of the continued fraction, which needs far fewer
CLOSE = 1e-15


def upper_tail(t: float, freedom: float) -> float:
    """The share of Student's distribution above t: half of the incomplete beta function (t not below 0)."""
    if t <= 0:
        return 0.5 if t == 0 else 1 - upper_tail(-t, freedom)
    share = freedom / (freedom + t * t)
    rest = t * t / (freedom + t * t)  # not 1 - share, which would lose the digits of a small t
    return _beta(share, rest, freedom / 2, 0.5) / 2


@lru_cache(maxsize=10_000)
def critical(freedom: float, level: float) -> float:
    """Where the two tails outside hold 1 - level together."""
    return _falling(lambda t: 2 * upper_tail(t, freedom), 1 - level, 0.0, 1e6)


def freedom_of(value: float, level: float, fewest: float, most: float) -> float:
    """The degrees between these at which `value` is the critical value."""
    return _falling(lambda freedom: 2 * upper_tail(value, freedom), 1 - level, fewest, most)


def _falling(function: Callable[[float], float], wanted: float, low: float, high: float) -> float:
    """Where a falling function reaches the wanted value, by bisection; an end where it does not."""
    while high - low > 1e-13 * max(1.0, low):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if function(middle) > wanted else (low, middle)
    return (low + high) / 2


def _beta(x: float, rest: float, a: float, b: float) -> float:
    """The regularised incomplete beta function of x = 1 - rest, by its continued fraction."""
    if rest <= 0:
        return 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * _log(x, rest) + b * _log(rest, x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(rest, b, a) / b


def _log(x: float, rest: float) -> float:
    """The logarithm of x = 1 - rest, from whichever is the smaller."""
    return log1p(-rest) if rest < x else log(x)


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function, by the method of Lentz (1976)."""
    c, d = 1.0, 1 / _safe(1 - (a + b) * x / (a + 1))
    found = d
    for step in range(1, STEPS):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        for term in (even, odd):
            d, c = 1 / _safe(1 + term * d), _safe(1 + term / c)
            found *= d * c
        if abs(d * c - 1) < CLOSE:
            break
    return found


def _safe(value: float) -> float:
    return value if abs(value) > TINY else TINY
