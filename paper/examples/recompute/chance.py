"""Tests and intervals from scratch: exact binomial sums, and Monte Carlo with its own error."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from math import erfc, exp, lgamma, log, pi, sqrt
from typing import TypeVar

import numpy as np

Name = TypeVar("Name", bound=Hashable)
DRAWS = 400_000
SMALLEST = 1e-12  # scores that vary less are equal but for the arithmetic
POWER = 0.8  # with which a test set is to find the difference that the paper calls resolvable
ERRORS = 4.0  # standard errors of a Monte Carlo within which it agrees


@dataclass(frozen=True)
class Simulated:
    """A share by Monte Carlo, with its standard error."""

    value: float
    error: float


def mcnemar_midp(first_N: np.ndarray, second_N: np.ndarray) -> float:
    """Two-sided mid-p of McNemar's test: a sum of binomial probabilities (Fagerland et al. 2013)."""
    only_first = int(((first_N > 0) & (second_N == 0)).sum())
    only_second = int(((second_N > 0) & (first_N == 0)).sum())
    total, fewer = only_first + only_second, min(only_first, only_second)
    if not total:
        return 1.0
    if only_first == only_second:
        return 1 - _binomial(fewer, total) / 2
    return 2 * sum(_binomial(each, total) for each in range(fewer)) + _binomial(fewer, total)


def _binomial(successes: int, total: int) -> float:
    """The probability of so many successes in fair tosses."""
    return exp(lgamma(total + 1) - lgamma(successes + 1) - lgamma(total - successes + 1) - total * log(2))


def two_sided(scores_N: np.ndarray, images: int = 0) -> float:
    """Two-sided p of Student's test that the mean is zero, of scores that vary on so many images (0: all).

    Of scores that are all equal, the chance that these images all miss a share as large as the mean.
    """
    images, mean, error = (
        images or len(scores_N),
        abs(float(scores_N.mean())),
        standard_error(scores_N, images),
    )
    if error < SMALLEST:
        return (1 - min(1.0, mean)) ** images if mean > SMALLEST else 1.0
    return 2 * upper_tail(mean / error, images - 1)


def equivalence(scores_N: np.ndarray, margin: float, images: int = 0) -> float:
    """The larger p of two one-sided tests that the mean lies within the margin (Schuirmann 1987).

    Of scores that are all equal, the chance that all images miss a share as large as the room to the margin.
    """
    images, error = images or len(scores_N), standard_error(scores_N, images)
    room = margin - abs(float(scores_N.mean()))
    if error < SMALLEST:
        return (1 - min(1.0, room)) ** images if room > 0 else 1.0
    tail = upper_tail(abs(room) / error, images - 1)
    return tail if room > 0 else 1 - tail


def interval(scores_N: np.ndarray, level: float, images: int = 0) -> tuple[float, float]:
    """Student's interval of the mean; of equal scores, what the images would miss as rarely as 1 - level."""
    images, mean, error = images or len(scores_N), float(scores_N.mean()), standard_error(scores_N, images)
    low, high = 0.0, 1000.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if 2 * upper_tail(middle, images - 1) > 1 - level else (low, middle)
    half = low * error if error >= SMALLEST else 1 - (1 - level) ** (1 / images)
    return mean - half, mean + half


def upper_tail(t: float, freedom: int) -> float:
    """The share of Student's distribution above t, by Simpson's rule over 60 units; beyond is nothing."""
    at = np.linspace(t, t + 60, 60_001)
    height = np.exp(
        lgamma((freedom + 1) / 2)
        - lgamma(freedom / 2)
        - log(freedom * pi) / 2
        - (freedom + 1) / 2 * np.log1p(at**2 / freedom)
    )
    return float((height[0] + height[-1] + 4 * height[1:-1:2].sum() + 2 * height[2:-1:2].sum()) * 0.001 / 3)


def standard_error(scores_N: np.ndarray, images: int = 0) -> float:
    """Of the mean of scores that vary on so many images (0: all): their variance is over images - 1."""
    images = images or len(scores_N)
    return float(scores_N.std()) / sqrt(len(scores_N)) * sqrt(images / (images - 1))


def sign_flips(scores_N: np.ndarray, seed: int = 0, draws: int = DRAWS) -> Simulated:
    """Two-sided p of a mean of zero: how often random signs give a larger mean; as large counts half.

    Scores of one size are flipped together: the sum of n signs is twice a binomial less n.
    """
    rng = np.random.default_rng(seed)
    sizes, counts = np.unique(np.abs(scores_N).round(12), return_counts=True)
    sums = np.zeros(draws)
    for size, count in zip(sizes, counts, strict=True):
        sums += size * (2.0 * rng.binomial(count, 0.5, draws) - count)
    seen = abs(float(scores_N.sum()))
    share = float((np.abs(sums) > seen - 1e-6).mean() + (np.abs(sums) > seen + 1e-6).mean()) / 2
    return Simulated(share, sqrt(max(share * (1 - share), 1 / draws) / draws))


def bootstrap(scores_N: np.ndarray, level: float, seed: int = 0, draws: int = 40_000) -> tuple[float, float]:
    """The percentile interval of the mean over images drawn anew; equal scores are drawn together."""
    rng = np.random.default_rng(seed)
    values, counts = np.unique(scores_N.round(12), return_counts=True)
    means = rng.multinomial(len(scores_N), counts / len(scores_N), draws) @ values / len(scores_N)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def power(difference: float, discordant: float, images: int, level: float, seed: int = 0) -> Simulated:
    """How often McNemar's test finds a difference: test sets are drawn, each tested by the normal tail."""
    rng = np.random.default_rng(seed)
    draws = DRAWS // 4
    differing = rng.binomial(images, discordant, draws)
    only_first = rng.binomial(differing, (discordant + difference) / (2 * discordant))
    z = np.abs(2 * only_first - differing) / np.sqrt(np.maximum(differing, 1))
    critical = _critical(level)
    share = float((z > critical).mean())
    return Simulated(share, sqrt(share * (1 - share) / draws))


def _critical(level: float) -> float:
    """Where the normal tails outside hold 1 - level, by bisection."""
    low, high = 0.0, 10.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if erfc(middle / sqrt(2)) > 1 - level else (low, middle)
    return low


def holm(p_of: Mapping[Name, float]) -> dict[Name, float]:
    """Each p after Holm's correction over all of them (Holm 1979)."""
    corrected: dict[Name, float] = {}
    largest = 0.0
    for place, name in enumerate(sorted(p_of, key=lambda each: p_of[each])):
        largest = max(largest, min(1.0, (len(p_of) - place) * p_of[name]))
        corrected[name] = largest
    return corrected
