"""Tests and intervals from scratch: exact binomial sums, and Monte Carlo with its own error."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from math import erfc, exp, lgamma, log, sqrt
from typing import TypeVar

import numpy as np
from student import critical, freedom_of, upper_tail

Name = TypeVar("Name", bound=Hashable)
DRAWS = 400_000
SMALLEST = 1e-12  # scores that vary less are equal but for the arithmetic
POWER = 0.8  # with which a test set is to find the difference that the paper calls resolvable
SAMPLED = 3  # seeds, from which the networks are a sample too
LEVEL = 0.95  # at which the degrees are found, whatever the level of the test
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


@dataclass(frozen=True)
class Estimate:
    """A mean over networks and images with its standard error, and the degrees of its t distribution.

    `error` is nought where all scores are equal: then the images could only have missed what is rarer than
    they are many.
    """

    mean: float
    error: float
    freedom: float
    images: int

    @property
    def p(self) -> float:
        """Two-sided, that the mean is zero; of equal scores the chance that all images miss such a share."""
        size = abs(self.mean)
        if self.error:
            return 2 * upper_tail(size / self.error, self.freedom)
        return self._missed(size) if size > SMALLEST else 1.0

    def equivalence(self, margin: float) -> float:
        """The larger p of two one-sided tests that the mean lies within the margin (Schuirmann 1987)."""
        room = margin - abs(self.mean)
        if self.error:
            return upper_tail(room / self.error, self.freedom)
        return self._missed(room) if room > 0 else 1.0

    def ends(self, level: float) -> tuple[float, float]:
        """Student's interval; of equal scores, what the images would miss as rarely as 1 - level."""
        half = 1 - (1 - level) ** (1 / self.images)
        if self.error:
            half = critical(self.freedom, level) * self.error
        return self.mean - half, self.mean + half

    def _missed(self, share: float) -> float:
        return (1 - min(1.0, share)) ** self.images


def estimate(scores_RN: np.ndarray, images: int = 0) -> Estimate:
    """The mean of scores of R networks on N images, of which they vary on so many (0: all).

    From three seeds on, networks and images are both a sample: the error of the mean has a part from either,
    and its critical value is the mean of theirs, weighed by these parts (Cochran 1964). With fewer, the
    networks are taken as given, and only the images are a sample.
    """
    scores_RN = np.atleast_2d(scores_RN)
    seeds, total = scores_RN.shape
    images, mean = max(2, images or total), float(scores_RN.mean())
    fewer = images / (images - 1) * (total - 1) / total  # the variance is over the images that vary, less 1
    if np.ptp(scores_RN) < SMALLEST:
        return Estimate(mean, 0.0, images - 1.0, images)
    if seeds < SAMPLED:
        variance, freedom = float(scores_RN.mean(axis=0).var(ddof=1)) / total, images - 1.0
    else:
        of_seeds, of_images = _parts(scores_RN)
        variance = of_seeds + of_images
        share = of_seeds / variance if variance else 1.0
        value = share * critical(seeds - 1, LEVEL) + (1 - share) * critical(images - 1, LEVEL)
        freedom = freedom_of(value, LEVEL, *sorted((seeds - 1.0, images - 1.0)))
    error = sqrt(variance * fewer)
    return Estimate(mean, error if error >= SMALLEST else 0.0, freedom, images)


def _parts(scores_RN: np.ndarray) -> tuple[float, float]:
    """The variance of the mean from networks, with what is left over, and that from images alone."""
    (seeds, total), mean = scores_RN.shape, scores_RN.mean()
    of_seed_R, of_image_N = scores_RN.mean(axis=1) - mean, scores_RN.mean(axis=0) - mean
    left_RN = scores_RN - mean - of_seed_R[:, None] - of_image_N
    by_seed = float((of_seed_R**2).sum()) / (seeds - 1) / seeds
    by_image = float((of_image_N**2).sum()) / (total - 1) / total
    by_chance = float((left_RN**2).sum()) / ((seeds - 1) * (total - 1)) / (seeds * total)
    return by_seed, max(by_image - by_chance, 0.0)


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


def resolvable(discordant: float, images: int, level: float) -> float:
    """The difference found with the power POWER: at which the sample size of Connor (1987) is the images.

    His test's error without a difference is sqrt(discordant), with it sqrt(discordant - difference ** 2).
    """
    sure, found = _critical(level), _critical(2 * POWER - 1)
    low, high = 0.0, discordant
    while high - low > 1e-14:
        middle = (low + high) / 2
        needed = ((sure * sqrt(discordant) + found * sqrt(discordant - middle**2)) / middle) ** 2
        low, high = (middle, high) if needed > images else (low, middle)
    return low


def _critical(level: float) -> float:
    """Where the normal tails outside hold 1 - level, by bisection."""
    low, high = 0.0, 10.0
    while high - low > 1e-12:
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
