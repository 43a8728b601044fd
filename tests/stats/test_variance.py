"""The variance of a mean over seeds and images agrees with textbooks, statsmodels and scipy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from paper_kit.core.errors import InputError
from paper_kit.stats.variance import bootstrap_interval, components, mean_interval, mean_squares

# Shrout & Fleiss 1979, Intraclass correlations, table 2: six targets, four judges; here judges are the rows
JUDGES = np.array([[9, 6, 8, 7, 10, 6], [2, 1, 4, 1, 5, 2], [5, 3, 6, 2, 6, 4], [8, 2, 8, 6, 9, 7]])


def test_mean_squares_are_those_of_shrout_and_fleiss():
    squares = mean_squares(JUDGES)
    assert [round(value, 2) for value in squares] == [32.49, 11.24, 1.02]  # their table 3
    parts = components(JUDGES)
    assert parts.seed == pytest.approx((squares.seed - squares.residual) / 6)
    assert parts.image == pytest.approx((squares.image - squares.residual) / 4)


def test_mean_squares_agree_with_statsmodels():
    scores = np.random.default_rng(1).normal(size=(4, 30)) + np.arange(30) / 10
    frame = pd.DataFrame(scores).stack().rename_axis(["seed", "image"]).rename("score").reset_index()
    table = anova_lm(ols("score ~ C(seed) + C(image)", frame).fit())
    expected = table["sum_sq"] / table["df"]
    assert mean_squares(scores) == pytest.approx(tuple(expected), rel=1e-9)


def test_a_negative_component_is_set_to_zero():
    scores = np.array([[0.0, 1.0], [1.0, 0.0]])  # neither seeds nor images differ in their means
    assert components(scores).seed == 0
    assert components(scores).image == 0
    assert components(scores).residual == pytest.approx(1.0)


def test_one_seed_is_a_one_sample_t_test_over_images():
    differences = np.random.default_rng(2).choice([-1.0, 0.0, 1.0], 200, p=[0.1, 0.7, 0.2])
    estimate = mean_interval(differences[None])
    expected = stats.ttest_1samp(differences, 0)
    assert estimate.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert (estimate.low, estimate.high) == pytest.approx(tuple(expected.confidence_interval()), abs=1e-9)
    assert (estimate.degrees, estimate.seeds, estimate.noise) == (199, 1, "images")


def test_two_seeds_are_averaged_image_by_image():
    scores = np.random.default_rng(3).normal(size=(2, 50))
    estimate = mean_interval(scores, level=0.9, null=0.1)
    expected = stats.ttest_1samp(scores.mean(0), 0.1)
    assert estimate.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert (estimate.low, estimate.high) == pytest.approx(tuple(expected.confidence_interval(0.9)), abs=1e-9)
    assert estimate.noise == "images"


def test_where_images_are_alike_it_is_a_t_test_over_the_seeds():
    scores = np.random.default_rng(4).normal(size=(5, 40))
    scores += -scores.mean(axis=0) + np.arange(5)[:, None]  # every image has the same mean
    estimate = mean_interval(scores, null=1.5)
    expected = stats.ttest_1samp(scores.mean(axis=1), 1.5)
    assert estimate.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert estimate.degrees == pytest.approx(4)
    assert (estimate.low, estimate.high) == pytest.approx(tuple(expected.confidence_interval()), abs=1e-9)
    assert estimate.noise == "seeds and images"


def test_three_seeds_add_the_noise_of_images_to_that_of_seeds():
    squares = mean_squares(JUDGES)
    estimate = mean_interval(JUDGES)
    variance = (squares.seed + squares.image - squares.residual) / 24
    share = squares.seed / 24 / variance
    assert estimate.standard_error**2 == pytest.approx(variance)
    half = (share * stats.t.ppf(0.975, 3) + (1 - share) * stats.t.ppf(0.975, 5)) * np.sqrt(variance)
    assert 3 < estimate.degrees < 5
    assert (estimate.low, estimate.high) == pytest.approx((JUDGES.mean() - half, JUDGES.mean() + half))


tables = st.tuples(st.integers(1, 5), st.integers(3, 20), st.integers(0, 10**6))


@settings(max_examples=60, deadline=None)
@given(tables, st.floats(-5, 5), st.floats(0.1, 10))
def test_an_interval_moves_and_stretches_with_the_scores(table, shift, stretch):
    seeds, images, seed = table
    scores = np.random.default_rng(seed).normal(size=(seeds, images))
    before, after = mean_interval(scores), mean_interval(scores * stretch + shift, null=shift)
    assert after.low == pytest.approx(before.low * stretch + shift, abs=1e-8)
    assert after.high == pytest.approx(before.high * stretch + shift, abs=1e-8)
    assert after.p == pytest.approx(before.p, rel=1e-6, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(tables, st.floats(0.5, 0.999))
def test_p_is_below_alpha_exactly_where_the_interval_leaves_out_the_null(table, level):
    seeds, images, seed = table
    estimate = mean_interval(np.random.default_rng(seed).normal(0.3, 1, (seeds, images)), level)
    assert (estimate.p < 1 - level) == (not estimate.low <= 0 <= estimate.high)
    assert min(seeds, images) - 1 - 1e-9 <= estimate.degrees <= images - 1 or seeds < 3 or images < seeds


def test_a_model_compared_with_itself_does_not_differ():
    estimate = mean_interval(np.zeros((3, 10)))
    assert (estimate.mean, estimate.standard_error, estimate.p) == (0, 0, 1)


def test_scores_that_never_vary_say_no_more_than_their_number_allows():
    few, many = (mean_interval(np.zeros((1, images)), null=0.05) for images in (55, 3589))
    assert few.p == pytest.approx(0.95**55)
    assert many.p < 1e-70
    assert few.high == pytest.approx(1 - 0.05 ** (1 / 55))  # Clopper and Pearson, one-sided, at zero of 55
    assert many.high < 0.001 < few.high


def test_a_score_that_varies_on_one_class_has_the_degrees_of_that_class():
    scores = np.zeros((1, 1000))
    scores[0, :50] = np.random.default_rng(0).normal(1, 1, 50)
    of_all, of_class = mean_interval(scores), mean_interval(scores, carriers=50)
    assert (of_all.degrees, of_class.degrees) == (999, 49)
    assert of_class.high > of_all.high


def test_scores_that_are_not_known_give_an_interval_that_is_not_known():
    estimate = mean_interval(np.full((3, 10), np.nan))
    assert np.isnan([estimate.mean, estimate.low, estimate.high, estimate.p]).all()


def test_too_few_images_and_wrong_shapes_are_refused_with_the_fix():
    with pytest.raises(InputError, match="at least 2 images; found 1"):
        mean_interval(np.ones((3, 1)))
    with pytest.raises(InputError, match=r"scores_N\[None\]"):
        mean_interval(np.ones(5))
    with pytest.raises(InputError, match="run-all"):
        components(np.ones((1, 5)))


def test_the_bootstrap_of_one_seed_agrees_with_scipys():
    scores = np.random.default_rng(5).normal(0.1, 1, 300)
    ours = bootstrap_interval(scores[None], draws=4000, seed=1)
    theirs = stats.bootstrap((scores,), np.mean, n_resamples=4000, method="percentile", rng=2)
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.01)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.01)
    assert ours.p == pytest.approx(stats.ttest_1samp(scores, 0).pvalue, abs=0.03)
    assert ours == bootstrap_interval(scores[None], draws=4000, seed=1)


def test_the_bootstrap_of_seeds_and_images_agrees_with_a_loop():
    rng = np.random.default_rng(6)
    scores = rng.normal(size=(6, 1)) + rng.normal(size=(1, 80)) + rng.normal(size=(6, 80))
    means = [scores[np.ix_(rng.integers(0, 6, 6), rng.integers(0, 80, 80))].mean() for _ in range(4000)]
    ours = bootstrap_interval(scores, draws=4000)
    assert ours.standard_error == pytest.approx(np.std(means), rel=0.05)
    assert (ours.low, ours.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])), abs=0.08)
