"""How large a difference is, and how small a one a test set of this size can show."""

from __future__ import annotations

from math import inf, isclose, nan, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paper_kit.core.errors import InputError
from paper_kit.stats.tests import discordant_counts


class OddsRatio(NamedTuple):
    """How many times more often one model alone is right than the other alone, with its interval."""

    ratio: float
    low: float
    high: float


def discordant_odds(
    first_right_N: NDArray[Any], second_right_N: NDArray[Any], level: float = 0.95
) -> OddsRatio:
    """The odds ratio b / c of images that only the first has right to those that only the second has, exact.

    (nan, 0, inf) where the two are right on the same images; InputError where they are not on one test set.
    Source: Breslow & Day 1980, Statistical Methods in Cancer Research I, section 5.2; Clopper and Pearson's
    interval of b / (b + c), by statsmodels, turned into odds.
    """
    from statsmodels.stats.proportion import proportion_confint

    only_first, only_second = discordant_counts(first_right_N, second_right_N)
    total = only_first + only_second
    if total == 0:
        return OddsRatio(nan, 0.0, inf)
    low, high = proportion_confint(only_first, total, alpha=1 - level, method="beta")
    return OddsRatio(_odds(only_first / total), _odds(float(low)), _odds(float(high)))


def cohens_h(first: float, second: float) -> float:
    """Cohen's h of two proportions: the difference of their arcsines, -pi to pi; 0.2 is small, 0.8 is large.

    Source: Cohen 1988, Statistical Power Analysis for the Behavioral Sciences, section 6.2; by statsmodels.
    """
    from statsmodels.stats.proportion import proportion_effectsize

    return float(proportion_effectsize(first, second))


def cohens_d_z(differences_N: NDArray[Any]) -> float:
    """The mean of paired differences in units of their standard deviation; nan where they do not vary.

    Source: Cohen 1988, section 2.3.5; the name d_z is Lakens 2013's, Calculating and reporting effect sizes.
    """
    differences_N = np.asarray(differences_N, dtype=np.float64)
    if len(differences_N) < 2 or not np.ptp(differences_N):
        return nan
    return float(differences_N.mean() / differences_N.std(ddof=1))


def resolvable_difference(images: int, discordant: float, level: float = 0.95, power: float = 0.8) -> float:
    """The smallest difference of two accuracies, a fraction, that McNemar's test finds with this power.

    `discordant` is the share of images that exactly one of the two has right. Their difference cannot be
    larger: inf where even that would not be found. It holds for two given networks, without seeds' noise.
    InputError unless there are images and the share lies in 0 to 1.
    Source: Connor 1987, Sample size for testing differences in proportions for the paired-sample design;
    the sample size of his normal approximation solved for the difference.
    """
    from scipy.special import ndtri

    if images < 1 or not 0 <= discordant <= 1:
        raise InputError(
            f"A test set's resolution needs at least 1 image and a share of 0 to 1; found {images} images "
            f"and {discordant}. Pass a fraction, such as 0.2 for 20 %."
        )
    z_level, z_power = float(ndtri((1 + level) / 2)), float(ndtri(power))
    inside = images - z_level**2 + z_power**2
    if inside < 0:
        return inf
    difference = sqrt(discordant) * (sqrt(images) * z_level + z_power * sqrt(inside)) / (images + z_power**2)
    return difference if difference <= discordant and discordant > 0 else inf


def accuracy_half_width(images: int, accuracy: float = 0.5, level: float = 0.95) -> float:
    """Half the width of Wilson's interval of one accuracy, a fraction; 0.5 without images.

    It holds for one given network, without the noise of seeds. Source: Wilson 1927, as in intervals.wilson.
    """
    from scipy.special import ndtri

    z = float(ndtri((1 + level) / 2))
    return z * sqrt(images * accuracy * (1 - accuracy) + z * z / 4) / (images + z * z)


def _odds(share: float) -> float:
    return inf if isclose(share, 1.0) else share / (1 - share)
