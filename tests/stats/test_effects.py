"""Effect sizes agree with scipy and Cohen; the resolution of a test set is what a simulation finds."""

from __future__ import annotations

from math import inf, isnan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from paper_kit.core.errors import InputError
from paper_kit.stats import effects
from paper_kit.stats.intervals import wilson


def test_odds_are_scipys_exact_interval_turned_into_odds():
    first, second = np.repeat([1, 1, 0, 0], [9, 6, 16, 5]), np.repeat([1, 0, 1, 0], [9, 6, 16, 5])
    odds = effects.discordant_odds(first, second, 0.9)
    expected = stats.binomtest(6, 22).proportion_ci(0.9)
    assert odds.ratio == pytest.approx(6 / 16)
    assert odds.low == pytest.approx(expected.low / (1 - expected.low), rel=1e-9)
    assert odds.high == pytest.approx(expected.high / (1 - expected.high), rel=1e-9)


def test_odds_without_disagreement_or_on_one_side_only_are_open():
    right, wrong = np.ones(5), np.zeros(5)
    assert isnan(effects.discordant_odds(right, right).ratio)
    assert effects.discordant_odds(right, right)[1:] == (0, inf)
    assert effects.discordant_odds(right, wrong).ratio == inf
    assert effects.discordant_odds(right, wrong).high == inf
    assert effects.discordant_odds(wrong, right)[:2] == (0, 0)


def test_cohens_h_is_the_difference_of_arcsines():
    assert effects.cohens_h(0.65, 0.45) == pytest.approx(
        2 * np.arcsin(sqrt(0.65)) - 2 * np.arcsin(sqrt(0.45))
    )
    assert round(effects.cohens_h(0.5, 0.4), 2) == 0.20  # Cohen 1988, a small effect


def test_d_z_is_the_t_statistic_over_root_n():
    differences = np.random.default_rng(0).normal(0.4, 1, 40)
    assert effects.cohens_d_z(differences) == pytest.approx(
        stats.ttest_1samp(differences, 0).statistic / sqrt(40)
    )
    assert isnan(effects.cohens_d_z(np.ones(5)))


@given(st.integers(200, 20000), st.floats(0.05, 0.6), st.floats(0.8, 0.99), st.floats(0.3, 0.95))
def test_the_resolvable_difference_needs_connors_number_of_images(images, discordant, level, power):
    difference = effects.resolvable_difference(images, discordant, level, power)
    if difference == inf:
        return
    z_level, z_power = stats.norm.ppf((1 + level) / 2), stats.norm.ppf(power)
    needed = (z_level * sqrt(discordant) + z_power * sqrt(discordant - difference**2)) ** 2 / difference**2
    assert needed == pytest.approx(images, rel=1e-6)


def test_the_resolvable_difference_is_found_as_often_as_it_says():
    images, share = 3589, 0.2
    difference = effects.resolvable_difference(images, share, power=0.8)
    rng = np.random.default_rng(1)
    total = rng.binomial(images, share, 20000)
    first = rng.binomial(total, (1 + difference / share) / 2)
    found = (2 * first - total) ** 2 / total > stats.chi2.ppf(0.95, 1)  # McNemar's statistic
    assert found.mean() == pytest.approx(0.8, abs=0.012)
    assert 0.015 < difference < 0.025


def test_too_few_images_resolve_nothing():
    assert effects.resolvable_difference(3, 0.1) == inf
    assert effects.resolvable_difference(20, 0.1) == inf  # even if one model had all of the 10 %
    assert effects.resolvable_difference(1000, 0.0) == inf
    with pytest.raises(InputError, match=r"0\.2 for 20 %"):
        effects.resolvable_difference(1000, 20)


@given(st.integers(1, 5000), st.integers(0, 5000), st.floats(0.5, 0.99))
def test_the_half_width_is_that_of_wilsons_interval(images, right, level):
    right = min(right, images)
    low, high = wilson(right, images, level)
    if 0 < right < images:  # statsmodels cuts the ends off at 0 and 1, by rounding
        assert effects.accuracy_half_width(images, right / images, level) == pytest.approx(
            (high - low) / 2, abs=1e-9
        )
    assert effects.accuracy_half_width(0) == 0.5
