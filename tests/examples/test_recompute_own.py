"""paper/examples/recompute: its tests and tails are those of the textbooks, of one seed and of several."""

import numpy as np
import pytest


def test_its_tails_of_students_distribution_are_those_of_scipy(script):
    from scipy import stats as scipy_stats

    student = script["student"]
    for freedom in (1, 2, 2.37, 5, 54, 299.5, 3588):
        for t in (0.0, 0.01, 1.3, 2.9, 8.0, 60.0):
            expected = scipy_stats.t.sf(t, freedom)
            assert student.upper_tail(t, freedom) == pytest.approx(expected, rel=1e-10), (t, freedom)
        assert student.critical(freedom, 0.95) == pytest.approx(scipy_stats.t.ppf(0.975, freedom))
    assert student.freedom_of(scipy_stats.t.ppf(0.975, 3.3), 0.95, 2, 300) == pytest.approx(3.3)


def test_the_own_tests_are_those_of_the_textbooks(script):
    from scipy import stats as scipy_stats
    from statsmodels.stats.multitest import multipletests

    chance, rng = script["chance"], np.random.default_rng(3)
    first_N, second_N = rng.random((2, 500)) < 0.6
    p = [0.001, 0.04, 0.03, 0.6, 0.02]
    own = chance.holm({str(at): each for at, each in enumerate(p)})
    assert [own[str(at)] for at in range(5)] == pytest.approx(multipletests(p, method="holm")[1])
    only = [int((first_N & ~second_N).sum()), int((~first_N & second_N).sum())]
    exact = scipy_stats.binomtest(min(only), sum(only)).pvalue
    midp = exact - scipy_stats.binom.pmf(min(only), sum(only), 0.5)
    assert chance.mcnemar_midp(first_N.astype(float), second_N.astype(float)) == pytest.approx(midp)


def test_scores_that_never_vary_say_no_more_than_their_images_can(script):
    chance = script["chance"]
    for seeds in (1, 3):
        told = chance.estimate(np.full((seeds, 400), 0.02), 50)
        assert told.p == pytest.approx(0.98**50)
        assert chance.estimate(np.zeros((seeds, 400))).p == 1.0
        assert told.equivalence(0.05) == pytest.approx(0.97**50)
        assert told.equivalence(0.01) == 1.0
        half = 1 - 0.05 ** (1 / 50)
        assert told.ends(0.95) == pytest.approx((0.02 - half, 0.02 + half))
    assert chance.mcnemar_midp(np.ones(9), np.ones(9)) == 1.0


def test_equality_is_two_one_sided_tests(script):
    from statsmodels.stats.weightstats import DescrStatsW

    chance, rng = script["chance"], np.random.default_rng(4)
    scores_N = rng.choice([-1.0, 0.0, 1.0], size=3000, p=[0.1, 0.8, 0.1])
    for margin in (0.01, 0.03):
        exact = DescrStatsW(scores_N).ttost_mean(-margin, margin)[0]
        assert chance.estimate(scores_N).equivalence(margin) == pytest.approx(exact, rel=1e-6)


def test_random_signs_and_resampling_agree_with_students_t(script):
    from scipy import stats as scipy_stats

    chance, rng = script["chance"], np.random.default_rng(5)
    scores_N = rng.choice([-1.0, 0.0, 1.0], size=3000, p=[0.09, 0.8, 0.11])
    drawn, exact = chance.sign_flips(scores_N), scipy_stats.ttest_1samp(scores_N, 0)
    assert abs(drawn.value - exact.pvalue) < chance.ERRORS * drawn.error + 0.002
    assert chance.estimate(scores_N).p == pytest.approx(exact.pvalue, rel=1e-6)
    interval = exact.confidence_interval(0.95)
    assert chance.bootstrap(scores_N, 0.95) == pytest.approx((interval.low, interval.high), abs=1e-3)


def test_an_estimate_of_three_seeds_has_the_noise_of_seeds_and_of_images(script):
    rng = np.random.default_rng(6)
    seed_R1, image_N = rng.normal(scale=0.02, size=(3, 1)), rng.normal(scale=0.3, size=400)
    scores_RN = 0.05 + seed_R1 + image_N + rng.normal(scale=0.1, size=(3, 400))
    told = script["chance"].estimate(scores_RN)
    over_seeds = scores_RN.mean(axis=1).var(ddof=1) / 3
    table = scores_RN - scores_RN.mean(axis=1, keepdims=True) - scores_RN.mean(axis=0) + scores_RN.mean()
    left = (table**2).sum() / (2 * 399) / (3 * 400)  # what is neither of a seed nor of an image
    over_images = scores_RN.mean(axis=0).var(ddof=1) / 400 - left
    assert told.mean == pytest.approx(scores_RN.mean())
    assert told.error == pytest.approx((over_seeds + over_images) ** 0.5)
    assert 2 < told.freedom < 399
    alone = script["chance"].estimate(scores_RN[0])
    assert alone.freedom == 399
    assert alone.error == pytest.approx(scores_RN[0].std(ddof=1) / 20)


def test_an_estimate_is_that_of_the_product_for_any_number_of_seeds_and_images(script):
    from paper_kit.stats.tests import tost
    from paper_kit.stats.variance import mean_interval

    rng = np.random.default_rng(7)
    for seeds in (1, 2, 3, 5):
        for carriers in (0, 40):
            own_N = np.arange(300) < (carriers or 300)
            scores_RN = 0.02 + own_N * rng.choice([-1.0, 0.0, 1.0], size=(seeds, 300), p=[0.1, 0.7, 0.2])
            told = script["chance"].estimate(scores_RN, carriers)
            expected = mean_interval(scores_RN, carriers=carriers)
            assert told.p == pytest.approx(expected.p, rel=1e-8)
            assert told.ends(0.95) == pytest.approx((expected.low, expected.high), rel=1e-8)
            assert told.equivalence(0.05) == pytest.approx(tost(expected, 0.05), rel=1e-8)


def test_it_reads_the_defaults_of_every_setting_and_part_from_the_source(script):
    from paper_kit.core.part import options
    from paper_kit.core.spec import DEFAULTS
    from tests.examples.conftest import ROOT

    defaults = script["defaults"]
    expected = {name: value for name, value in defaults.flat(DEFAULTS).items() if "dataset." not in name}
    own = defaults.flat(defaults.spec_defaults(ROOT))
    assert {name: own[name] for name in expected if not name.startswith("model.")} == {
        name: value for name, value in expected.items() if not name.startswith("model.")
    }
    for kind, name in (("model", "emotion_vit"), ("model", "mini_xception"), ("dataset", "ferplus")):
        known = {key: option.default for key, option in options(kind, name).items() if not option.required}
        found = defaults.part_defaults(ROOT, kind, name)
        for key, value in known.items():
            assert found[f"{kind}.{key}"] == defaults.flat({"x": value})["x"], (name, key)


def test_every_run_of_the_shipped_experiments_fits_its_cell_and_no_other(script):
    from tests.examples.conftest import ROOT
    from tests.examples.made_up import NAMES, plans

    class Made:
        specs = {run.id: run.full() for plan in plans() for run in plan.trainings}

    for name, plan in zip(NAMES, plans(), strict=True):
        study = script["study"].read_study(ROOT, name, Made)
        assert study.problems == ()
        trained = {(row.model_key, row.ablation_key, row.seed): row.reading.run.id for row in plan.rows}
        assert study.runs == {cell: trained[cell] for cell in study.runs}
        assert study.trainings == [run.id for run in plan.trainings]


def test_a_text_of_other_digits_is_not_shown(script):
    shows, printing = script["printed"].shows, script["printed"].Printing
    for shown, text, expected in (
        ("(54.3 %)", "54.3\xa0%", True),
        ("154.3 %", "54.3\xa0%", False),
        ("54.31", "54.3", False),
        ("48×48", "48", True),
        ("48×49", "48", False),
        ("Ad- vancedEmoteNet", "AdvancedEmoteNet", True),
        ("−4.2 [−5.6, −2.9]", "−4.2\xa0[−5.6,\xa0−2.9]", True),
        ("4.2 [−5.6, −2.9]", "−4.2\xa0[−5.6,\xa0−2.9]", False),
    ):
        assert shows(printing(1, 1, shown, ("", "")), text) == expected, shown
