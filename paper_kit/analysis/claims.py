"""Claims: comparisons of facts with their tests and verdicts, corrected together as one family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from paper_kit.analysis.comparison import (
    COUNTED,
    SAME,
    ZERO,
    Asked,
    Comparison,
    Question,
    asked,
    counted,
    named,
    tested,
)
from paper_kit.analysis.facts import Fact

if TYPE_CHECKING:
    from paper_kit.analysis.results import Results

Relation = Literal[">", "<", "=="]
Call = tuple[Any, ...]  # ("size",), or "judge" with its facts, relation and whether equality is asked
Heard = tuple[Call, Any]  # a call with its answer
Verdict = Literal["holds", "reversed", "equivalent", "same", "undecided", "pending"]
EQUALITY = "equality"
CORRECTED = "corrected by Holm over the tests of this document"
MOST_CORRECTIONS = 16  # remembered: those of the last edits
SEEDS_FOR_METHODS = 3  # with fewer, a claim is about the trained networks and not about the method


@dataclass(frozen=True)
class Judged:
    """A claim with its verdict; `p` and `p_equivalence` are corrected by Holm over the document's family.

    "same" is the verdict on two sides that are one quantity, such as a best model that is the baseline.
    """

    relation: Relation
    verdict: Verdict
    comparison: Comparison
    difference: Fact
    p: Fact
    p_equivalence: Fact
    place: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The claim for claims.json."""
        found = self.comparison
        return {
            "claim": f"{named(found.left)} {self.relation} {named(found.right)}",
            "verdict": self.verdict,
            "place": self.place,
            "left": found.left.text,
            "right": found.right.text,
            "difference": found.value,
            "interval": None if found.low is None else [found.low, found.high],
            "p": found.p,
            "p_equivalence": found.p_equivalence,
            "p_holm": self.p.value,
            "p_equivalence_holm": self.p_equivalence.value,
            "test": found.test,
            "seeds": found.seeds,
            "images": found.images,
            "candidates": found.candidates,
        }


class Claims:
    """The comparisons that one document makes. A question once asked belongs to its family of tests.

    `results` is called for the first test that is not recalled.
    """

    def __init__(
        self, results: Callable[[], Results], alpha: float = 0.05, margin_points: float = 1.0
    ) -> None:
        self.alpha = alpha
        self.margin = margin_points / 100
        self._results = results
        self._known: dict[Question, Comparison] = {}
        self._family: dict[Question, float] = {}
        self._asked: dict[Question, Comparison] = {}
        self._adjusted: dict[Question, float] = {}
        self._holm: dict[tuple[float, ...], tuple[float, ...]] = {}  # p-values -> after the correction
        self._settled: list[dict[str, Any]] = []  # the family's tests as they were told when it settled
        self.heard: list[Heard] | None = None  # a list takes what is asked of the claims, and the answers

    @property
    def size(self) -> int:
        """How many tests the family holds."""
        return int(self._hear(("size",), len(self._family)))

    @property
    def settled(self) -> bool:
        """Whether every question of this round was asked before it, so that its verdicts stand."""
        return len(self._family) == len(self._adjusted)

    @property
    def resumed(self) -> bool:
        """Whether the family began as that of another document."""
        return bool(self._settled)

    def family(self) -> list[dict[str, Any]]:
        """Every test of the document, for claims.json: its sides, its question, p before and after Holm."""
        if self._settled and self.settled:
            return self._settled
        return [
            {
                "left": named(found.left),
                "right": named(found.right),
                "about": "equality" if question[0] == EQUALITY else "difference",
                "candidates": found.candidates,
                "images": found.images,
                "p": self._family[question],
                "p_holm": self._adjusted.get(question),
            }
            for question, found in self._asked.items()
        ]

    def clear(self) -> None:
        """Nothing; the next document begins a family of its own."""
        self._family.clear()
        self._asked.clear()
        self._adjusted.clear()
        self._settled = []

    def resume(self, kept: Mapping[str, Any]) -> None:
        """Nothing; the next round begins with the family that another document of the same tests came to."""
        self.clear()
        self._family.update(kept["family"])
        self._settled = list(kept["told"])

    def settlement(self) -> dict[str, Any]:
        """The family of a document that is settled, for `resume`."""
        return {"family": dict(self._family), "told": self.family()}

    def begin_round(self) -> None:
        """Nothing; the questions asked so far are corrected together, those new to the round not yet."""
        adjusted = self._after_holm(tuple(self._family.values())) if self._family else ()
        self._adjusted = dict(zip(self._family, adjusted, strict=True))

    def recall(self, remembered: Mapping[str, Any]) -> None:
        """Nothing; the tests that other claims on the same records made need not be made again."""
        self._known.update(remembered.get("known", {}))
        self._holm.update(remembered.get("holm", {}))

    def remembered(self) -> dict[str, Any]:
        """The tests that were made, for `recall`; their sides are left out."""
        known = {question: replace(found, left=ZERO, right=ZERO) for question, found in self._known.items()}
        return {"known": known, "holm": dict(list(self._holm.items())[-MOST_CORRECTIONS:])}

    def answer(self, call: Call) -> Any:
        """The answer to a call that was heard, asked again now."""
        if call[0] == "size":
            return self.size
        _, left, relation, right, equivalence = call
        return _gist(self.judge(left, relation, right, equivalence=equivalence))

    def judge(
        self, left: Fact, relation: Relation, right: Fact, *, equivalence: bool = False, place: str = ""
    ) -> Judged:
        """The claim with its verdict; against a list it holds where it holds against each of its facts.

        A list is one test: its p is the largest of those against the single facts (intersection-union test,
        Berger 1982, Multiparameter hypothesis testing and acceptance sampling). `equivalence` also asks
        whether sides that cannot be told apart are equal within the margin. Raises InputError for facts that
        no test exists for.
        """
        judged = self._judgement(left, relation, right, equivalence, place)
        self._hear(("judge", left, relation, right, equivalence), _gist(judged))
        return judged

    def _judgement(
        self, left: Fact, relation: Relation, right: Fact, equivalence: bool, place: str
    ) -> Judged:
        rivals = right.items if right.kind == "list" and right.items else (right,)
        found = [self.compare(left, rival) for rival in rivals]
        hardest = max(found, key=lambda one: (one.p or 0.0, -abs(one.value or 0.0)))
        if any(one.value is None for one in found):
            return self._judged(replace(hardest, value=None), relation, None, None, "pending", place)
        p = None if hardest.p is None else self._corrected(hardest.question, hardest.p, hardest)
        p_equal = None
        if (equivalence or relation == "==") and p is not None and p >= self.alpha:
            unlike = max(found, key=lambda one: one.p_equivalence or 0.0)
            if unlike.p_equivalence is not None:
                p_equal = self._corrected((EQUALITY, *unlike.question), unlike.p_equivalence, unlike)
        verdicts = {self._verdict(one, relation, p, p_equal) for one in found}
        verdict: Verdict = verdicts.pop() if len(verdicts) == 1 else "undecided"
        return self._judged(hardest, relation, p, p_equal, verdict, place)

    def effect(self, change: Fact) -> Judged:
        """What a change is: whether it differs from zero."""
        return self.judge(change, ">", ZERO)

    def _judged(
        self,
        found: Comparison,
        relation: Relation,
        p: float | None,
        p_equal: float | None,
        verdict: Verdict,
        place: str,
    ) -> Judged:
        """The claim with what can be printed of it."""
        key = f"claims.{found.name}"
        origin = found.left.origin.joined(found.right.origin, f"{found.test}; {CORRECTED}")
        equality = replace(origin, formula=f"two one-sided t-tests; {CORRECTED}")
        return Judged(
            relation=relation,
            verdict=verdict,
            comparison=found,
            difference=self._difference(found, f"{key}.difference"),
            p=Fact(f"{key}.p", p, "probability", 3, origin=origin),
            p_equivalence=Fact(f"{key}.p_equivalence", p_equal, "probability", 3, origin=equality),
            place=place,
        )

    def compare(self, left: Fact, right: Fact) -> Comparison:
        """left less right, tested; the question is not yet in the family."""
        if left.missing or right.missing:
            return Comparison(left, right, None)
        if left.exact and right.exact and not (left.terms or right.terms):
            return counted(left, right)
        what = asked(left, right)
        if what.question not in self._known:
            self._known[what.question] = self._tested(what, left, right).turned(what.sign)
        return replace(self._known[what.question].turned(what.sign), left=left, right=right)

    def _tested(self, what: Asked, left: Fact, right: Fact) -> Comparison:
        return tested(self._results(), what, left, right, self.alpha, self.margin)

    def _after_holm(self, values: tuple[float, ...]) -> tuple[float, ...]:
        if values not in self._holm:
            from paper_kit.stats.tests import holm

            self._holm[values] = tuple(map(float, holm(list(values))))
        return self._holm[values]

    def _hear(self, call: Call, answer: Any) -> Any:
        if self.heard is not None:
            self.heard.append((call, answer))
        return answer

    def _verdict(
        self, found: Comparison, relation: Relation, p: float | None, p_equal: float | None
    ) -> Verdict:
        if found.value is None:
            return "pending"
        if found.test == SAME:
            return "holds" if relation == "==" else "same"
        if found.test == COUNTED:
            return _counted(found, relation)
        differs = p is not None and p < self.alpha
        if differs:
            as_told = (found.value > 0) == (relation == ">")
            return "holds" if as_told and relation != "==" else "reversed"
        if p_equal is not None and p_equal < self.alpha:
            return "holds" if relation == "==" else "equivalent"
        return "undecided"

    def _corrected(self, question: Question, p: float, found: Comparison) -> float:
        """The p-value after Holm's correction over the family; as it is for a question new to this round."""
        self._family.setdefault(question, p)
        self._asked.setdefault(question, found)
        return self._adjusted.get(question, p)

    def _difference(self, found: Comparison, key: str) -> Fact:
        """The difference as a fact, with its interval; as printed where both sides are printed."""
        fact = found.left - found.right if found.right is not ZERO else found.left
        bounds = (found.low, found.high) if found.low is not None and found.high is not None else None
        return replace(fact, key=fact.key or key, bounds=bounds, spread=None)


def _gist(judged: Judged) -> tuple[object, ...]:
    """What of a claim depends on the other claims of the document, or on the records."""
    found = judged.comparison
    return (judged.verdict, found.value, found.low, found.high, judged.p.value, judged.p_equivalence.value)


def _counted(found: Comparison, relation: Relation) -> Verdict:
    """The verdict on numbers that are not sampled: what is printed alike counts as alike."""
    left, right = found.left.printed_value or 0.0, found.right.printed_value or 0.0
    if left == right:
        return "holds" if relation == "==" else "undecided"
    if relation == "==":
        return "reversed"
    return "holds" if (left > right) == (relation == ">") else "reversed"
