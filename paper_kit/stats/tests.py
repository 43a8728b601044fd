"""Tests of models on the same images, of equivalence, of many claims at once, and of ranks over datasets."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paper_kit.core.errors import InputError
from paper_kit.stats.metrics import Floats
from paper_kit.stats.variance import CONSTANT, Estimate, bootstrap_interval, unseen


class RankTest(NamedTuple):
    """Mean ranks of M models over datasets (1 is best) and Friedman's test that they are all equal."""

    ranks: Floats  # M
    chi_square: float
    p: float
    f: float
    p_f: float


def mcnemar(first_right_N: NDArray[Any], second_right_N: NDArray[Any]) -> float:
    """Two-sided exact p-value that two models err equally often on the same images.

    Source: McNemar 1947, Note on the sampling error of the difference between correlated proportions; the
    binomial form, by statsmodels.
    """
    from statsmodels.stats.contingency_tables import mcnemar as exact_test

    only_first, only_second = discordant_counts(first_right_N, second_right_N)
    table = np.array([[0, only_first], [only_second, 0]])
    return float(exact_test(table, exact=True).pvalue)


def mcnemar_midp(first_right_N: NDArray[Any], second_right_N: NDArray[Any]) -> float:
    """Two-sided mid-p-value that two models err equally often on the same images.

    The exact p less the probability of what was seen; less conservative than the exact test.
    Source: Fagerland, Lydersen & Laake 2013, The McNemar test for binary matched-pairs data: mid-p and
    asymptotic are better than exact conditional, and its supplement, equation 2.
    """
    from scipy.stats import binom

    only_first, only_second = discordant_counts(first_right_N, second_right_N)
    total = only_first + only_second
    if total == 0:
        return 1.0
    seen = float(binom.pmf(only_first, total, 0.5))
    if only_first == only_second:
        return 1.0 - seen / 2
    return 2 * float(binom.cdf(min(only_first, only_second), total, 0.5)) - seen


def discordant_counts(first_right_N: NDArray[Any], second_right_N: NDArray[Any]) -> tuple[int, int]:
    """Counts of images that only the first model has right, and only the second.

    InputError where the two are not about the same images.
    """
    first_N, second_N = np.asarray(first_right_N).astype(bool), np.asarray(second_right_N).astype(bool)
    if first_N.shape != second_N.shape:
        raise InputError(
            f"A paired test needs the same images; found {first_N.shape} and {second_N.shape}. "
            "Compare readings of one dataset and split."
        )
    return int((first_N & ~second_N).sum()), int((~first_N & second_N).sum())


def paired_bootstrap(
    first_RN: NDArray[Any], second_RN: NDArray[Any], level: float = 0.95, draws: int = 10_000, seed: int = 0
) -> Estimate:
    """The mean of first - second on the same images, its percentile interval and p, in the scores' unit.

    Scores_N of one seed or scores_RN of several (paired seed by seed). InputError on unequal shapes.
    Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 13; seeds and images both drawn
    from three seeds on, Owen 2007.
    """
    first_RN, second_RN = np.atleast_2d(first_RN), np.atleast_2d(second_RN)
    if first_RN.shape != second_RN.shape:
        raise InputError(
            f"A paired test needs the same seeds and images; found {first_RN.shape} and {second_RN.shape}. "
            "Compare readings of one dataset and split, with as many seeds each."
        )
    differences_RN = first_RN.astype(np.float64) - second_RN.astype(np.float64)
    return bootstrap_interval(differences_RN, level, draws, seed)


def tost(estimate: Estimate, margin: float) -> float:
    """The p-value that the mean lies outside -margin to +margin: small where it is equivalent to 0.

    The larger p of two one-sided t tests with the estimate's standard error and degrees. InputError unless
    the margin, in the estimate's unit, is above 0.
    Source: Schuirmann 1987, A comparison of the two one-sided tests procedure and the power approach.
    """
    from scipy.special import stdtr

    if not margin > 0:
        raise InputError(
            f"An equivalence margin is above 0, in the unit of the difference; found {margin}. "
            "Type margin = 1.0."
        )
    nearest = margin - abs(estimate.mean)
    if estimate.standard_error < CONSTANT:  # no image varies: is it few images, or is there nothing to see?
        return unseen(nearest, estimate.images) if nearest > 0 else 1.0
    return float(stdtr(estimate.degrees, -nearest / estimate.standard_error))


def holm(p_values: Sequence[float] | NDArray[Any]) -> Floats:
    """The p-values adjusted for testing them all, in their order; a claim holds where its own is below alpha.

    InputError where one is not a probability.
    Source: Holm 1979, A simple sequentially rejective multiple test procedure; by statsmodels.
    """
    from statsmodels.stats.multitest import multipletests

    p_M = np.asarray(p_values, dtype=np.float64)
    if not ((p_M >= 0) & (p_M <= 1)).all():
        raise InputError(
            f"Holm's adjustment needs p-values from 0 to 1; found {p_M.tolist()}. Leave out nan."
        )
    if not p_M.size:
        return p_M
    adjusted_M: Floats = multipletests(p_M, method="holm")[1]
    return adjusted_M


def friedman(scores_BM: NDArray[Any]) -> RankTest:
    """Mean ranks of M models over B datasets, and two tests that they are equal; the highest score is rank 1.

    InputError with fewer than two datasets or three models. Ties share their mean rank; chi-square is not
    corrected for them, as in the source. `f` and `p_f` are Iman and Davenport's less conservative form.
    Source: Demšar 2006, Statistical comparisons of classifiers over multiple data sets, section 3.2.2.
    """
    from scipy.special import chdtrc, fdtrc

    blocks, models = _ranked_shape(scores_BM)
    ranks_M = mean_ranks(scores_BM)
    spread = float((ranks_M**2).sum()) - models * (models + 1) ** 2 / 4
    chi_square = 12 * blocks / (models * (models + 1)) * spread
    left = blocks * (models - 1) - chi_square
    f = (blocks - 1) * chi_square / left if left > 1e-9 else np.inf  # every dataset ranks them alike
    p_f = float(fdtrc(models - 1, (models - 1) * (blocks - 1), f)) if np.isfinite(f) else 0.0
    return RankTest(ranks_M, chi_square, float(chdtrc(models - 1, chi_square)), float(f), p_f)


def mean_ranks(scores_BM: NDArray[Any]) -> Floats:
    """Ranks_M: each model's mean rank over the datasets; the highest score is rank 1, ties share theirs."""
    from scipy.stats import rankdata

    ranks_M: Floats = rankdata(-np.asarray(scores_BM, dtype=np.float64), axis=1).mean(axis=0)
    return ranks_M


def nemenyi_critical_difference(models: int, blocks: int, level: float = 0.95) -> float:
    """How far apart two mean ranks must lie to differ at this level, of `models` over `blocks` datasets.

    Source: Demšar 2006, section 3.2.2, CD = q sqrt(k (k + 1) / 6 N); q by scipy's studentized range.
    """
    from scipy.stats import studentized_range

    q = float(studentized_range.ppf(level, models, np.inf)) / sqrt(2)
    return q * _rank_error(models, blocks)


def nemenyi(scores_BM: NDArray[Any]) -> Floats:
    """P_MM: the p-value that two models' mean ranks are equal, for every pair; 1 on the diagonal.

    InputError with fewer than two datasets or three models. Source: Demšar 2006, section 3.2.2.
    """
    from scipy.stats import studentized_range

    blocks, models = _ranked_shape(scores_BM)
    ranks_M = mean_ranks(scores_BM)
    gaps_MM = np.abs(ranks_M[:, None] - ranks_M[None]) / _rank_error(models, blocks)
    p_MM: Floats = np.clip(studentized_range.sf(gaps_MM * sqrt(2), models, np.inf), 0.0, 1.0)
    return p_MM


def _rank_error(models: int, blocks: int) -> float:
    return sqrt(models * (models + 1) / (6 * blocks))


def _ranked_shape(scores_BM: NDArray[Any]) -> tuple[int, int]:
    shape = np.shape(scores_BM)
    if len(shape) != 2 or shape[0] < 2 or shape[1] < 3:
        raise InputError(
            f"Ranks are compared over at least 2 datasets and 3 models; found the shape {shape}. "
            "Pass one row a dataset, one column a model; for two models use mean_interval."
        )
    return shape[0], shape[1]
