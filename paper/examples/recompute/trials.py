"""The tests behind the paper's comparisons, done again, and corrected together by Holm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from averaged import NOUGHT, Averaged
from chance import equivalence, holm, mcnemar_midp, two_sided
from results import Value
from stored import Study

EQUALITY, DIFFERENCE = "equality", "difference"


@dataclass(frozen=True)
class Test:
    """A test of the paper as claims.json tells it: two sides, and what is asked of their difference."""

    left: str
    right: str
    about: str
    candidates: int
    images: int
    p: float
    p_holm: float

    @property
    def name(self) -> str:
        """The test in words."""
        return f"{self.left} - {self.right}, {self.about} of {self.candidates}"


@dataclass(frozen=True)
class Trials:
    """All tests of the paper. `family`: those of claims.json, of which only what they ask is believed."""

    study: Study
    known: Mapping[str, Value]
    family: Sequence[Test]
    alpha: float
    margin: float

    @cached_property
    def averaged(self) -> Averaged:
        """What the sides stand for."""
        return Averaged(self.study, self.known)

    def scores(self, left: str, right: str = NOUGHT) -> np.ndarray:
        """One score an image; their mean is left less right, unrounded. KeyError for keys that have none."""
        return self.averaged.scores(left, right)

    def images(self, left: str, right: str = NOUGHT) -> int:
        """On how many images the scores can vary."""
        return self.averaged.images(left, right)

    def raw(self, left: str, right: str, about: str = "") -> float:
        """p before any correction: McNemar's for two networks, else of the mean; of equality where asked."""
        scores_N, images = self.scores(left, right), self.images(left, right)
        if about == EQUALITY:
            return equivalence(scores_N, self.margin, images)
        pair = self.averaged.pair(left, right)
        return two_sided(scores_N, images) if pair is None else mcnemar_midp(*pair)

    @cached_property
    def uncorrected(self) -> dict[Test, float]:
        """Test -> p times the candidates.

        A side picked among all of its kind is held against each of its rivals in one test, whose p is the
        largest of theirs (Berger 1982, the intersection-union test). The p of a test whose sides this script
        does not know is believed, so that the others can be corrected; it is told as unchecked.
        """
        found = {test: test.p for test in self.family if test in self.unknown}
        for test in (test for test in self.family if test not in self.unknown):
            rivals = self.rivals(test.left) or [test.right]
            found[test] = max(self.paid(test.left, rival, test.about, test.candidates) for rival in rivals)
        return found

    def paid(self, left: str, right: str, about: str, candidates: int) -> float:
        """p times the candidates, of these two sides alone."""
        return min(1.0, self.raw(left, right, about) * candidates)

    @cached_property
    def corrected(self) -> dict[Test, float]:
        """Test -> p after Holm's correction over the family."""
        return holm(self.uncorrected)

    def asking(self, left: str, right: str, about: str = DIFFERENCE) -> list[Test]:
        """The tests of the family that ask this, whichever side stands first; KeyError where none does.

        Equality of a side with all its rivals is asked of the rival that is least like it.
        """
        question = self.averaged.question(left, right)
        found = [
            test
            for test in self.family
            if test.about == about
            and (
                self.questions[test] == question
                or (about == EQUALITY and test.left == left and bool(self.rivals(left)))
            )
        ]
        if not found:
            raise KeyError(f"{about} of {left} and {right} in the family of tests")
        return found

    @cached_property
    def unknown(self) -> dict[Test, str]:
        """The tests with a side that is no sum of shares of images -> that side."""
        found = {}
        for test in self.family:
            try:
                self.averaged.difference(test.left, test.right)
            except (KeyError, IndexError) as error:
                found[test] = str(error)
        return found

    @cached_property
    def questions(self) -> dict[Test, tuple[object, ...]]:
        """Test -> its sides by what they average."""
        return {
            test: (test.left, test.right)
            if test in self.unknown
            else self.averaged.question(test.left, test.right)
            for test in self.family
        }

    def rivals(self, left: str) -> list[str]:
        """Every key that a class or an error picked among all of its kind must be held against; or none."""
        own, names = self.averaged.plain_key(left), self.study.classes
        if left in {"results.best_class_recall", "results.worst_class_recall"}:
            keys = [f"results.recall.{name}" for name in names]
        elif left == "results.confused.rate":
            cells = [(i, j) for i in range(len(names)) for j in range(len(names)) if i != j]
            keys = [f"results.confusion.{i}.{j}" for i, j in cells]
        else:
            return []
        return [key for key in keys if key != own]

    def owed(self) -> Iterator[tuple[str, str]]:
        """The comparisons that must be in the family: those that the ablation table prints."""
        for model in self.study.models:
            for ablation in self.study.ablations:
                yield f"results.{model}.without.{ablation}.change", NOUGHT

    def verdict(self, left: str, relation: str, right: str, candidates: int) -> str:
        """What the tests say of "left relation right", and of each rival of a picked side alike."""
        p = self._corrected(left, right, DIFFERENCE, candidates)
        if p is None:
            raise KeyError(f"{left} and {right} with {candidates} candidates in the family of tests")
        if p >= self.alpha:
            equal = self._corrected(left, right, EQUALITY, candidates)
            alike = "holds" if relation == "==" else "equivalent"
            return alike if equal is not None and equal < self.alpha else "undecided"
        signs = {self.scores(left, rival).mean() > 0 for rival in self.rivals(left) or [right]}
        if len(signs) > 1 and relation != "==":
            return "undecided"
        return "holds" if relation != "==" and signs == {relation == ">"} else "reversed"

    def _corrected(self, left: str, right: str, about: str, candidates: int) -> float | None:
        try:
            found = [test for test in self.asking(left, right, about) if test.candidates == candidates]
        except KeyError:
            return None
        return self.corrected[found[0]] if found else None


def family_of(entries: Sequence[Mapping[str, Any]]) -> list[Test]:
    """The tests of claims.json; KeyError where an entry does not say what is tested."""
    return [Test(**{name: entry[name] for name in Test.__dataclass_fields__}) for entry in entries]
