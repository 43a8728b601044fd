"""Two facts compared: the test that fits what they average, its interval and its p, not yet corrected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._terms import Term, merged, scaled
from paper_kit.core.errors import InputError

if TYPE_CHECKING:
    from paper_kit.analysis.results import Results
    from paper_kit.stats.metrics import Floats

Question = tuple[object, ...]  # what is tested: the same question has one p-value in the whole document

SAME = "the same quantity"
COUNTED = "counted, so that no test is needed"
ZERO = Fact("", 0, "count", 0, origin=Origin(formula="0"), exact=True)


@dataclass(frozen=True)
class Comparison:
    """left less right with its interval and test; p is not yet corrected. `value` is None while missing.

    `value`, `low` and `high` are in the unit of the facts: fractions for percent and points.
    """

    left: Fact
    right: Fact
    value: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_equivalence: float | None = None
    test: str = ""
    seeds: int = 0
    images: int = 0  # on which the score can vary: those of the rarest class that it is about
    candidates: int = 1  # by which p is multiplied, for sides that were picked by looking
    question: Question = ()

    @property
    def name(self) -> str:
        """The two sides in words of the template."""
        return f"{named(self.left)} - {named(self.right)}"

    def turned(self, sign: float) -> Comparison:
        """right less left for -1, with the same p; itself for 1."""
        if sign > 0 or self.value is None or self.low is None or self.high is None:
            return self
        return replace(self, value=-self.value, low=-self.high, high=-self.low)


@dataclass(frozen=True)
class Asked:
    """What is asked of the networks: the mean of these terms plus an offset, one of `choices` candidates.

    `sign` is -1 where the question is put the other way round: a > b and b < a are one question.
    """

    weighted: tuple[Term, ...]
    offset: float
    choices: int
    sign: float
    question: Question


def asked(left: Fact, right: Fact) -> Asked:
    """What comparing the two asks; InputError for facts that no test exists for."""
    _refuse_untestable(left, right)
    weighted = merged((*left.terms, *scaled(right.terms, -1.0)))
    offset = sum(value_of(fact) * sign for fact, sign in ((left, 1), (right, -1)) if not fact.terms)
    choices = _choices(left, right)
    ordered = sorted(weighted, key=lambda term: repr(term.score))
    sign = -1.0 if ordered and ordered[0].weight < 0 else 1.0
    parts = tuple((round(sign * term.weight, 9), term.score) for term in ordered)
    return Asked(weighted, offset, choices, sign, (parts, round(sign * offset, 12), choices))


def counted(left: Fact, right: Fact) -> Comparison:
    """The comparison of two numbers that are not sampled."""
    return Comparison(left, right, value_of(left) - value_of(right), test=COUNTED)


def tested(results: Results, what: Asked, left: Fact, right: Fact, alpha: float, margin: float) -> Comparison:
    """left less right, tested on the images and seeds that both stand on."""
    from paper_kit.analysis._scores import carriers, scores_RN
    from paper_kit.stats.tests import mcnemar_midp, tost
    from paper_kit.stats.variance import mean_interval

    if not what.weighted:  # both sides are one quantity
        return Comparison(left, right, 0.0, 0.0, 0.0, 1.0, None, SAME, question=what.question)
    arrays_RN = scores_RN(results, what.weighted) + what.offset
    estimate = mean_interval(arrays_RN, level=1 - alpha, carriers=carriers(results, what.weighted))
    p, test = estimate.p, _test_name(estimate.noise)
    pair = _pair_of_accuracies(results, what.weighted, what.offset)
    if pair is not None:
        p, test = mcnemar_midp(*pair), "McNemar's test (mid-p) on the same images"
    p, p_equal = (min(1.0, each * what.choices) for each in (p, tost(estimate, margin)))
    seeds, images = len(arrays_RN), estimate.images
    return Comparison(
        left, right, estimate.mean, estimate.low, estimate.high, p, p_equal, test, seeds, images,
        what.choices, what.question,
    )  # fmt: skip


def _refuse_untestable(left: Fact, right: Fact) -> None:
    for fact in (left, right):
        if not (fact.terms or fact.exact):
            raise InputError(
                f"No test is known for {named(fact)}: it is neither counted nor a mean over test images. "
                "Claims compare accuracies, recalls, confusion rates, macro F1, Brier scores, NLL and their "
                "differences, and counts such as parameters and MACs."
            )


def _choices(left: Fact, right: Fact) -> int:
    """By how much p is multiplied for sides that were picked by looking (Bonferroni over what was looked at).

    Two of c candidates, such as the highest and the lowest: their c (c - 1) / 2 pairs. One of c compared with
    another: c - 1, its pairs. One of c tests: c.
    """
    if left.chosen_of > 1 and right.chosen_of > 1:
        most = max(left.chosen_of, right.chosen_of)
        return most * (most - 1) // 2
    most = max(left.chosen_of, right.chosen_of)
    return most - 1 if most > 1 and left.terms and right.terms else most


def _pair_of_accuracies(
    results: Results, weighted: Sequence[Term], offset: float
) -> tuple[Floats, Floats] | None:
    """Which images two networks of one seed got right, where that is what is compared."""
    if len(weighted) != 2 or offset or any(term.metric != "accuracy" for term in weighted):
        return None
    if sorted(term.weight for term in weighted) != [-1.0, 1.0] or len(weighted[0].readings) != 1:
        return None
    from paper_kit.analysis._scores import scores_RN

    first, second = (scores_RN(results, [replace(term, weight=1.0)])[0] for term in weighted)
    return first, second


def _test_name(noise: str) -> str:
    if noise == "images":
        return "paired t-test over images, seeds taken as given"
    return "t-test with seeds and images as crossed random effects"


def value_of(fact: Fact) -> float:
    """The number; nought for a name."""
    return float(fact.value) if isinstance(fact.value, float | int) else 0.0


def named(fact: Fact) -> str:
    """The key of a fact, or the formula where arithmetic made it."""
    return fact.key or fact.origin.formula
