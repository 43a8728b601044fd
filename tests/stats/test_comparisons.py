"""Tests of models agree with published examples, statsmodels and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from paper_kit.core.errors import InputError
from paper_kit.stats import tests
from paper_kit.stats.variance import mean_interval

# Demšar 2006, table 6: ranks of C4.5, C4.5+m, C4.5+cf, C4.5+m+cf by AUC on 14 datasets
RANKS = np.array(
    [
        [4, 3, 2, 1],
        [1, 2, 3, 4],
        [4, 1, 2, 3],
        [4, 1, 3, 2],
        [4, 2, 3, 1],
        [1, 2.5, 4, 2.5],
        [3, 2, 4, 1],
        [2.5, 2.5, 4, 1],
        [4, 3, 2, 1],
        [2.5, 2.5, 2.5, 2.5],
        [4, 2.5, 1, 2.5],
        [3, 2, 4, 1],
        [4, 1, 2, 3],
        [3, 1, 4, 2],
    ]
)


def pairs(both: int, only_first: int, only_second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Who was right, from the four counts of a table of pairs."""
    counts = [both, only_first, only_second, neither]
    return np.repeat([1, 1, 0, 0], counts), np.repeat([1, 0, 1, 0], counts)


@pytest.mark.parametrize(
    ("table", "exact", "mid"),
    # Fagerland et al. 2013: Bentur et al.'s and Cavo et al.'s studies
    [((1, 1, 7, 12), 0.0703, 0.0391), ((59, 6, 16, 80), 0.0525, 0.0347)],
)
def test_mcnemar_of_the_examples_of_fagerland(table, exact, mid):
    first, second = pairs(*table)
    assert tests.mcnemar(first, second) == pytest.approx(exact, abs=5e-5)
    assert tests.mcnemar_midp(first, second) == pytest.approx(mid, abs=5e-5)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 30), st.integers(0, 30))
def test_mid_p_counts_half_of_what_was_seen(only_first, only_second):
    total, ways = only_first + only_second, stats.binom(only_first + only_second, 0.5)
    chances = ways.pmf(np.arange(total + 1))
    seen = chances[only_first]
    rarer = chances[chances < seen * (1 - 1e-9)].sum()
    alike = chances[np.isclose(chances, seen, rtol=1e-9)].sum()
    expected = rarer + alike / 2 if total else 1.0
    assert tests.mcnemar_midp(*pairs(3, only_first, only_second, 2)) == pytest.approx(expected, abs=1e-12)
    assert tests.mcnemar(*pairs(3, only_first, only_second, 2)) == pytest.approx(
        stats.binomtest(only_first, total).pvalue if total else 1.0
    )


def test_models_of_other_images_are_not_compared():
    with pytest.raises(InputError, match="one dataset and split"):
        tests.mcnemar_midp(np.ones(3), np.ones(4))
    with pytest.raises(InputError, match="as many seeds each"):
        tests.paired_bootstrap(np.ones((3, 4)), np.ones((2, 4)))


def test_the_paired_bootstrap_agrees_with_the_t_test():
    first, second = pairs(500, 90, 60, 350)
    estimate = tests.paired_bootstrap(first, second, draws=5000)
    expected = stats.ttest_rel(first, second)
    assert estimate.mean == pytest.approx(0.03)
    assert estimate.p == pytest.approx(expected.pvalue, abs=0.01)
    assert (estimate.low, estimate.high) == pytest.approx(tuple(expected.confidence_interval()), abs=0.003)


@pytest.mark.parametrize("margin", [0.02, 0.05, 0.2])
def test_equivalence_agrees_with_statsmodels(margin):
    first, second = pairs(500, 90, 60, 350)
    differences = (first - second).astype(float)
    expected = DescrStatsW(differences).ttost_mean(-margin, margin)[0]
    assert tests.tost(mean_interval(differences[None]), margin) == pytest.approx(expected, rel=1e-9)


def test_equivalence_of_equal_predictions_and_of_no_margin():
    same = mean_interval(np.zeros((3, 9)))
    assert tests.tost(same, 0.01) == pytest.approx(0.99**same.images)  # what so few images would not show
    with pytest.raises(InputError, match=r"margin = 1\.0"):
        tests.tost(same, 0.0)


def test_holm_of_a_hand_worked_example():
    # sorted 0.005 x 4, 0.01 x 3, 0.03 x 2, 0.04 x 1, none below the one before
    assert tests.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert tests.holm([]).size == 0
    assert tests.holm([0.9, 0.8]).max() == 1
    with pytest.raises(InputError, match="Leave out nan"):
        tests.holm([0.1, float("nan")])


def test_friedman_and_nemenyi_of_the_worked_example_of_demsar():
    result = tests.friedman(-RANKS)
    assert result.ranks == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert result.chi_square == pytest.approx(9.28, abs=5e-3)
    assert result.f == pytest.approx(3.69, abs=5e-3)
    assert result.p_f < 0.05  # the critical value of F(3, 39) is 2.85
    # their q of 2.569 and 2.291; the smallest gap that differs at 0.10 is 3.143 - 1.964
    assert tests.nemenyi_critical_difference(4, 14) == pytest.approx(1.25, abs=5e-3)
    assert tests.nemenyi_critical_difference(4, 14, 0.90) == pytest.approx(1.12, abs=5e-3)


def test_without_ties_friedman_agrees_with_scipy():
    scores = np.random.default_rng(0).normal(size=(9, 5)) + np.arange(5) / 3
    result, expected = tests.friedman(scores), stats.friedmanchisquare(*scores.T)
    assert result.chi_square == pytest.approx(expected.statistic, rel=1e-9)
    assert result.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert result.ranks.argmin() == scores.mean(0).argmax()


def test_datasets_that_all_rank_alike_leave_no_doubt():
    result = tests.friedman(np.tile([1.0, 2.0, 3.0], (4, 1)))
    assert (result.chi_square, result.p_f) == (pytest.approx(8.0), 0.0)


def test_nemenyi_is_below_alpha_exactly_beyond_the_critical_difference():
    p = tests.nemenyi(-RANKS)
    ranks = tests.mean_ranks(-RANKS)
    gaps = np.abs(ranks[:, None] - ranks)
    for level in (0.80, 0.90, 0.95):
        assert ((p < 1 - level) == (gaps > tests.nemenyi_critical_difference(4, 14, level))).all()
    assert np.diag(p) == pytest.approx(np.ones(4))
    assert p == pytest.approx(p.T)


def test_ranks_of_two_models_are_refused_with_the_fix():
    with pytest.raises(InputError, match="use mean_interval"):
        tests.friedman(np.ones((5, 2)))
