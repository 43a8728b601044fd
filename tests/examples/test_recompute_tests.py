"""paper/examples/recompute does the paper's tests again: its p-values are right, and a wrong one is found."""

from dataclasses import replace

import numpy as np
import pytest


@pytest.fixture
def wrong_of_family(script, judge):
    """A function that gives what is wrong of another family of tests: (what, what is told of it)."""

    def wrong(family):
        found = script["claimed"].of_family(replace(judge.trials, family=family))
        return [(each.key.partition(":")[0], each.printed) for each in found if not each.agrees]

    return wrong


def test_every_test_of_the_family_agrees(judge, wrong_of_family):
    assert len(judge.trials.family) > 20
    assert wrong_of_family(judge.trials.family) == []


def test_a_changed_p_or_number_of_images_is_found_in_the_test_that_has_it(judge, wrong_of_family):
    family = judge.trials.family
    for at, test in list(enumerate(family))[::9]:
        for field, other in (
            ("p", test.p * 1.001 + 1e-300), ("p_holm", test.p_holm * 1.001), ("images", test.images - 1),
        ):  # fmt: skip
            changed = [*family[:at], replace(test, **{field: other}), *family[at + 1 :]]
            what = "images" if field == "images" else "family"
            assert [found for found, _ in wrong_of_family(changed)] == [what], (test, field)


def test_a_p_that_is_not_multiplied_is_found_for_each_side_that_was_picked(script, judge):
    family = [replace(test, candidates=1) for test in judge.trials.family]
    found = script["claimed"].of_family(replace(judge.trials, family=family))
    wrong = {each.key.removeprefix("candidates: ") for each in found if not each.agrees}
    picked = [test for test in judge.trials.family if test.candidates > 1]
    missed = [test for test in picked if replace(test, candidates=1).name not in wrong]
    assert len(picked) > 5
    assert {test.left for test in missed} == {judge.trials.averaged.effect("largest")}  # picked, or named


def test_a_test_of_sides_that_the_script_does_not_know_is_unchecked_and_spares_the_others(script, judge):
    other = replace(judge.trials.family[0], right="results.advanced_emotenet.brier")
    trials = replace(judge.trials, family=[other, *judge.trials.family[1:]])
    found = [each for each in script["claimed"].of_family(trials) if each.kind == "unchecked"]
    assert [each.own for each in found] == ["nothing is known of 'results.advanced_emotenet.brier'"]
    assert all(each.agrees for each in script["claimed"].of_family(trials))


def test_a_picked_side_must_be_held_against_its_hardest_rival(judge, wrong_of_family):
    trials, keys = judge.trials, []
    for at, test in enumerate(trials.family):
        if trials.rivals(test.left) and test.about == "difference":
            keys.append(test.left)
            p_of = {rival: trials.raw(test.left, rival) for rival in trials.rivals(test.left)}
            assert max(p_of, key=lambda rival: p_of[rival]) == test.right
            easy = min(p_of, key=lambda rival: p_of[rival])
            p, images = min(1.0, p_of[easy] * test.candidates), trials.images(test.left, easy)
            changed = replace(test, right=easy, p=p, images=images)
            wrong = wrong_of_family([*trials.family[:at], changed, *trials.family[at + 1 :]])
            assert {"family", "hardest"} <= {what for what, _ in wrong}
    assert len(keys) > 2


def test_a_test_of_the_ablation_table_that_is_left_out_and_one_that_stands_twice_are_found(
    judge, wrong_of_family
):
    family = judge.trials.family
    at = next(at for at, test in enumerate(family) if test.left.endswith("emotion_vit.without.no_tta.change"))
    assert ("family", "") in wrong_of_family([*family[:at], *family[at + 1 :]])
    assert wrong_of_family([*family, family[0]]).count(("family", "")) == 2


def test_a_changed_verdict_difference_interval_or_p_of_a_claim_is_found(script, judge, claims):
    def wrong(entry):
        found = script["claimed"].of_claims(judge.trials, [entry])
        return [each.key.partition(":")[0] for each in found if not each.agrees]

    for entry in claims["claims"]:
        assert wrong(entry) == []
        other = "undecided" if entry["verdict"] != "undecided" else "holds"
        assert wrong({**entry, "verdict": other}) == ["verdict"]
        if entry["p"] is None:
            continue
        low, high = entry["interval"]
        assert wrong({**entry, "difference": -entry["difference"]}) == ["difference"]
        assert wrong({**entry, "interval": [low, high + 0.001]}) == ["difference"]
        for name in ("p", "p_holm", "p_equivalence"):
            assert wrong({**entry, name: entry[name] * 0.99}) == ["p"]


def test_the_rule_for_picked_sides(script, judge):
    def multipliers(left, right):
        return script["picked"].multipliers(judge.trials.averaged, left, right)

    study = judge.trials.study
    best, middle, worst = (f"results.{model}" for model in study.best_first)
    largest = judge.trials.averaged.effect("largest")
    assert multipliers(f"{best}.accuracy", f"{middle}.accuracy") == {2}
    assert multipliers(f"{best}.accuracy", f"{worst}.accuracy") == {2, 3}
    ablated = ".without.no_transfer.accuracy"
    assert multipliers(best + ablated, middle + ablated) == {2}
    assert multipliers("results.confused.rate", "results.confusion.0.4") == {41}
    assert multipliers("results.gained.change", "0") == {28}
    assert multipliers("results.best_class_recall", "results.recall.sad") == {6}
    assert multipliers("results.best_class_recall", "results.worst_class_recall") == {21}
    assert multipliers("results.average.no_tta.change", "0") == {1}
    assert 12 in multipliers(largest, "0")


def test_the_own_tests_are_those_of_the_textbooks(script):
    from scipy import stats as scipy_stats
    from statsmodels.stats.multitest import multipletests

    chance, rng = script["chance"], np.random.default_rng(3)
    for t, freedom in ((0.0, 10), (1.3, 40), (2.9, 3588), (8.0, 3588)):
        assert chance.upper_tail(t, freedom) == pytest.approx(scipy_stats.t.sf(t, freedom), rel=1e-6)
    first_N, second_N = rng.random((2, 500)) < 0.6
    p = [0.001, 0.04, 0.03, 0.6, 0.02]
    own = chance.holm({str(at): each for at, each in enumerate(p)})
    assert [own[str(at)] for at in range(5)] == pytest.approx(multipletests(p, method="holm")[1])
    only = [int((first_N & ~second_N).sum()), int((~first_N & second_N).sum())]
    exact = scipy_stats.binomtest(min(only), sum(only)).pvalue
    midp = exact - scipy_stats.binom.pmf(min(only), sum(only), 0.5)
    assert chance.mcnemar_midp(first_N.astype(float), second_N.astype(float)) == pytest.approx(midp)


def test_scores_of_a_rare_class_have_the_degrees_of_its_images(script, judge):
    from scipy import stats as scipy_stats

    chance, averaged = script["chance"], judge.trials.averaged
    study = judge.trials.study
    own_N = study.cell(next(iter(study.models))).labels == study.classes.index("disgust")
    sides = "results.confusion.1.3", "results.confusion.1.0"
    own = [
        np.mean([study.cell(model).chosen_N[own_N] == chosen for model in study.models], axis=0)
        for chosen in (3, 0)
    ]
    exact = scipy_stats.ttest_rel(*own)  # the same question, asked of the images of the class alone
    scores_N, images = averaged.scores(*sides), averaged.images(*sides)
    assert images == own_N.sum()
    assert chance.two_sided(scores_N, images) == pytest.approx(exact.pvalue, rel=1e-6)
    bounds = exact.confidence_interval(0.95)
    assert chance.interval(scores_N, 0.95, images) == pytest.approx((bounds.low, bounds.high), rel=1e-6)
    with_less = averaged.images("results.recall.happy", "results.recall.disgust")
    assert with_less == own_N.sum()


def test_scores_that_never_vary_say_no_more_than_their_images_can(script):
    chance, scores_N = script["chance"], np.full(400, 0.02)
    assert chance.two_sided(scores_N, 50) == pytest.approx(0.98**50)
    assert chance.two_sided(np.zeros(400)) == 1.0
    assert chance.equivalence(scores_N, 0.05, 50) == pytest.approx(0.97**50)
    assert chance.equivalence(scores_N, 0.01) == 1.0
    half = 1 - 0.05 ** (1 / 50)
    assert chance.interval(scores_N, 0.95, 50) == pytest.approx((0.02 - half, 0.02 + half))
    assert chance.mcnemar_midp(np.ones(9), np.ones(9)) == 1.0


def test_equality_is_two_one_sided_tests(script):
    from statsmodels.stats.weightstats import DescrStatsW

    chance, rng = script["chance"], np.random.default_rng(4)
    scores_N = rng.choice([-1.0, 0.0, 1.0], size=3000, p=[0.1, 0.8, 0.1])
    for margin in (0.01, 0.03):
        exact = DescrStatsW(scores_N).ttost_mean(-margin, margin)[0]
        assert chance.equivalence(scores_N, margin) == pytest.approx(exact, rel=1e-6)


def test_random_signs_and_resampling_agree_with_students_t(script):
    from scipy import stats as scipy_stats

    chance, rng = script["chance"], np.random.default_rng(5)
    scores_N = rng.choice([-1.0, 0.0, 1.0], size=3000, p=[0.09, 0.8, 0.11])
    drawn, exact = chance.sign_flips(scores_N), scipy_stats.ttest_1samp(scores_N, 0)
    assert abs(drawn.value - exact.pvalue) < chance.ERRORS * drawn.error + 0.002
    assert chance.two_sided(scores_N) == pytest.approx(exact.pvalue, rel=1e-6)
    interval = exact.confidence_interval(0.95)
    assert chance.bootstrap(scores_N, 0.95) == pytest.approx((interval.low, interval.high), abs=1e-3)
