"""Claims: the verdict follows the test, one question has one p, and what has no test is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from paper_kit.analysis.claims import Claims
from paper_kit.analysis.comparison import ZERO
from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._tree import collect_facts
from paper_kit.core.errors import InputError


@pytest.fixture(scope="module")
def facts(results):
    return collect_facts(results)


@pytest.fixture
def claims(results):
    return Claims(lambda: results)


def judged(claims, *asked, **more):
    """The claim after a round in which the whole family was asked."""
    claims.judge(*asked, **more)
    claims.begin_round()
    return claims.judge(*asked, **more)


def test_a_pair_of_networks_is_compared_by_mcnemar_on_the_same_images(facts, claims, results):
    left, right = facts["results.emotion_vit.accuracy"], facts["results.resemotenet.accuracy"]
    told = judged(claims, left, ">", right)
    first, second = (results.measured(key).predictions[0] for key in ("emotion_vit", "resemotenet"))
    a, b = first.predicted_N == first.labels, second.predicted_N == second.labels
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    exact = min(1.0, 2 * binom.cdf(min(only_a, only_b), only_a + only_b, 0.5))
    mid_p = exact - binom.pmf(only_a, only_a + only_b, 0.5)
    assert told.comparison.p == pytest.approx(mid_p, abs=1e-12)
    assert told.comparison.value == pytest.approx(a.mean() - b.mean())
    assert told.comparison.low < told.comparison.value < told.comparison.high


def test_a_claim_and_its_converse_are_one_question(facts, claims):
    left, right = facts["results.emotion_vit.accuracy"], facts["results.resemotenet.accuracy"]
    one, other = claims.judge(left, ">", right), claims.judge(right, "<", left)
    assert claims.size == 1
    assert one.verdict == other.verdict
    assert one.comparison.value == pytest.approx(-other.comparison.value)
    assert one.comparison.low == pytest.approx(-other.comparison.high)


def test_p_is_corrected_over_the_whole_family_by_holm(facts, claims):
    pairs = [
        (facts[f"results.{a}.accuracy"], facts[f"results.{b}.accuracy"])
        for a, b in (("emotion_vit", "resemotenet"), ("emotion_vit", "advanced_emotenet"))
    ]
    for left, right in pairs:
        claims.judge(left, ">", right)
    assert not claims.settled
    claims.begin_round()
    told = [claims.judge(left, ">", right) for left, right in pairs]
    raw = sorted(one.comparison.p for one in told)
    corrected = sorted(one.p.value for one in told)
    assert corrected == pytest.approx([min(1, 2 * raw[0]), max(min(1, 2 * raw[0]), raw[1])])
    assert claims.settled


def test_a_side_that_was_picked_by_looking_pays_for_it(facts, claims):
    left, right = facts["results.emotion_vit.accuracy"], facts["results.resemotenet.accuracy"]
    plain = claims.compare(left, right)
    picked = claims.compare(replace(left, chosen_of=3), right)
    assert picked.p == pytest.approx(min(1.0, 2 * plain.p))


def test_against_a_list_a_claim_holds_only_against_all(facts, claims):
    best = facts["results.best.accuracy"]
    rivals = Fact("rivals", "", "list", items=(facts["results.worst.accuracy"], best))
    assert claims.judge(best, ">", rivals).verdict == "undecided"
    assert claims.judge(best, ">", replace(rivals, items=(), value=None)).verdict == "pending"


def test_a_difference_of_a_recall_is_tested_on_the_images_of_its_class(facts, claims, results):
    recall = facts["results.emotion_vit.recall.happy"]
    told = claims.compare(recall, ZERO)
    assert told.value == pytest.approx(recall.value)
    images = int(results.measured("emotion_vit").counts_KK[3].sum())
    wald = np.sqrt(recall.value * (1 - recall.value) / images)
    assert (told.high - told.low) / 2 == pytest.approx(1.96 * wald, rel=0.05)


def test_counts_are_compared_as_printed_and_need_no_test(claims):
    few, more, same = (Fact(key, value, "count", exact=True) for key, value in (("a", 3), ("b", 4), ("c", 3)))
    assert claims.judge(few, "<", more).verdict == "holds"
    assert claims.judge(few, ">", more).verdict == "reversed"
    assert claims.judge(few, ">", same).verdict == "undecided"
    assert claims.judge(few, "==", same).verdict == "holds"
    assert claims.size == 0


def test_what_is_neither_counted_nor_a_mean_over_images_has_no_claim(facts, claims):
    with pytest.raises(InputError, match=r"results\.emotion_vit\.ece.*Claims compare accuracies"):
        claims.judge(facts["results.emotion_vit.ece"], ">", facts["results.resemotenet.ece"])
    with pytest.raises(InputError, match="No test is known"):
        claims.judge(facts["cost.emotion_vit.latency_p50"], ">", facts["cost.resemotenet.latency_p50"])


def test_a_missing_side_leaves_the_claim_pending(facts, claims):
    absent = Fact("results.nobody.accuracy", None, "percent", origin=Origin())
    assert claims.judge(facts["results.emotion_vit.accuracy"], ">", absent).verdict == "pending"


def test_equality_is_shown_and_not_assumed(facts, results):
    accuracy = facts["results.emotion_vit.accuracy"]
    single = facts["results.emotion_vit.accuracy_single_view"]
    narrow, wide = Claims(lambda: results, margin_points=0.01), Claims(lambda: results, margin_points=30.0)
    assert judged(narrow, accuracy, "==", single).verdict in {"undecided", "reversed"}
    assert judged(wide, accuracy, "==", single).verdict == "holds"


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "balanced_accuracy", "brier", "nll"])
def test_the_scores_of_a_metric_average_to_the_printed_fact(facts, claims, metric):
    fact = facts[f"results.advanced_emotenet.{metric}"]
    assert claims.compare(fact, ZERO).value == pytest.approx(fact.value, abs=1e-9)


def test_every_mean_of_the_results_is_the_mean_of_its_terms(facts, claims):
    told = [fact for fact in facts.values() if fact.terms and not fact.missing]
    assert len(told) > 60
    for fact in told:
        tolerance = 0.0011 if fact.kind == "points" else 1e-9  # a change is that of the printed accuracies
        assert claims.compare(fact, ZERO).value == pytest.approx(fact.value, abs=tolerance), fact.key


def test_a_maximum_over_seeds_says_so_in_every_text():
    best = Fact("results.a.accuracy_best_seed", 0.7244, "percent", 1, best_of=3)
    for text in (best.text, best.bare, best.words, str(best)):
        assert text.endswith("(best of three)")
