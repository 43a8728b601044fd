"""paper/examples/recompute does the paper's tests again: its p-values are right, and a wrong one is found."""

from dataclasses import replace

import numpy as np
import pytest

pytestmark = pytest.mark.slow


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
    averaged, studies = judge.trials.averaged, judge.trials.studies.by_name.values()
    largest = {averaged.effect(study, "largest") for study in studies}
    assert {test.left for test in missed} <= largest  # picked, or named


def test_a_test_of_sides_that_the_script_does_not_know_is_unchecked_and_spares_the_others(script, judge):
    other = replace(judge.trials.family[0], right="results.advanced_emotenet.brier")
    trials = replace(judge.trials, family=[other, *judge.trials.family[1:]])
    found = [each for each in script["claimed"].of_family(trials) if each.kind == "unchecked"]
    assert [each.own for each in found] == ["nothing is known of 'results.advanced_emotenet.brier'"]
    assert all(each.agrees for each in script["claimed"].of_family(trials))


def test_a_picked_side_must_be_held_against_its_hardest_rival(judge, wrong_of_family):
    trials, keys = judge.trials, []
    for at, test in enumerate(trials.family):
        rivals = trials.rivals(test.left, test.right, test.candidates)
        if rivals and test.about == "difference":
            keys.append(test.left)
            p_of = {rival: trials.raw(test.left, rival) for rival in rivals}
            assert p_of[test.right] * test.candidates >= min(1.0, max(p_of.values()) * test.candidates)
            easy = min(p_of, key=lambda rival: p_of[rival])
            p, images = min(1.0, p_of[easy] * test.candidates), trials.averaged.images(test.left, easy)
            if p == test.p:
                continue  # both are 1
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
        assert wrong({**entry, "difference": entry["difference"] + 0.001}) == ["difference"]
        assert wrong({**entry, "interval": [low, high + 0.001]}) == ["difference"]
        for name in ("p", "p_holm", "p_equivalence"):
            assert entry[name] is None or wrong({**entry, name: entry[name] * 0.99}) == ["p"]


def test_the_rule_for_picked_sides(script, judge):
    def multipliers(left, right):
        return script["picked"].multipliers(judge.trials.averaged, left, right)

    study = judge.trials.studies.main
    best, middle, worst = (f"results.{model}" for model in study.best_first)
    largest = judge.trials.averaged.effect(study, "largest")
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


def test_scores_of_a_rare_class_have_the_degrees_of_its_images(script, judge):
    from scipy import stats as scipy_stats

    averaged, study = judge.trials.averaged, judge.trials.studies.main
    own_N = study.cell(next(iter(study.models))).labels == study.classes.index("disgust")
    sides = "results.confusion.1.3", "results.confusion.1.0"
    own = [
        np.mean([study.cell(model).first.chosen_N[own_N] == chosen for model in study.models], axis=0)
        for chosen in (3, 0)
    ]
    exact = scipy_stats.ttest_rel(*own)  # the same question, asked of the images of the class alone
    scores_RN, images = averaged.scores(*sides), averaged.images(*sides)
    assert images == own_N.sum()
    told = script["chance"].estimate(scores_RN[0], images)
    assert told.p == pytest.approx(exact.pvalue, rel=1e-6)
    bounds = exact.confidence_interval(0.95)
    assert told.ends(0.95) == pytest.approx((bounds.low, bounds.high), rel=1e-6)
    with_less = averaged.images("results.recall.happy", "results.recall.disgust")
    assert with_less == own_N.sum()
