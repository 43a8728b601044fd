"""The tests behind the paper's comparisons, done again, and corrected together by Holm."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from averaged import NOUGHT, Averaged
from chance import Estimate, estimate, holm, mcnemar_midp
from results import Value
from study import Studies, slug

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

    studies: Studies
    known: Mapping[str, Value]
    family: Sequence[Test]
    alpha: float
    margin: float

    @cached_property
    def averaged(self) -> Averaged:
        """What the sides stand for."""
        return Averaged(self.studies, self.known)

    def estimate(self, left: str, right: str = NOUGHT) -> Estimate:
        """left less right, unrounded, with its error over images and seeds; KeyError for what is no mean."""
        return estimate(self.averaged.scores(left, right), self.averaged.images(left, right))

    def same(self, left: str, right: str = NOUGHT) -> bool:
        """Whether both sides are one quantity, of which there is nothing to test."""
        return not self.averaged.difference(left, right)

    def raw(self, left: str, right: str, about: str = "") -> float:
        """p before any correction: McNemar's for two networks, else of the mean; of equality where asked."""
        if about == EQUALITY:
            return self.estimate(left, right).equivalence(self.margin)
        if self.same(left, right):
            return 1.0
        pair = self.averaged.pair(left, right)
        return self.estimate(left, right).p if pair is None else mcnemar_midp(*pair)

    @cached_property
    def uncorrected(self) -> dict[Test, float]:
        """Test -> p times the candidates.

        A side picked among all of its kind is held against each of its rivals in one test, whose p is the
        largest of theirs (Berger 1982, the intersection-union test). The p of a test whose sides this script
        does not know is believed, so that the others can be corrected; it is told as unchecked.
        """
        found = {test: test.p for test in self.family if test in self.unknown}
        for test in (test for test in self.family if test not in self.unknown):
            rivals = self.rivals(test.left, test.right, test.candidates) or [test.right]
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
                or (about == EQUALITY and test.left == left and right in self._held_against(test))
            )
        ]
        if not found:
            raise KeyError(f"{about} of {left} and {right} in the family of tests")
        return found

    @cached_property
    def unknown(self) -> dict[Test, str]:
        """The tests with a side that is no sum of shares of images, or of other ones -> why."""
        found = {}
        for test in self.family:
            try:
                self.averaged.scores(test.left, test.right)
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

    def rivals(self, left: str, right: str, candidates: int) -> list[str]:
        """Every key that a side picked among all of its kind must be held against; or none.

        That is the rest of the classes, of the errors, or, for the first of several models, of the models:
        one of c that is held against its rivals pays for c - 1 of them.
        """
        own, names = self.averaged.plain_key(left), self.studies.main.classes
        if left in {"results.best_class_recall", "results.worst_class_recall"}:
            keys = [f"results.recall.{slug(name)}" for name in names]
        elif left == "results.confused.rate":
            cells = [(i, j) for i in range(len(names)) for j in range(len(names)) if i != j]
            keys = [f"results.confusion.{i}.{j}" for i, j in cells]
        else:
            keys = self._models(left, right, candidates)
        return [key for key in keys if key != own]

    def _models(self, left: str, right: str, candidates: int) -> list[str]:
        """The accuracies of all models of a study, where the first of them is held against each other one."""
        study, plain = self.studies.of_key(left)
        best = re.fullmatch(r"results\.(\w+)\.accuracy", plain)
        prefix = left.removesuffix(plain.removeprefix("results"))
        keys = [f"{prefix}.{model}.accuracy" for model in study.models]
        paid = len(study.models) - 1 == candidates > 1
        first = best is not None and best[1] == study.best_first[0]
        return keys if paid and first and right in keys else []

    def _held_against(self, test: Test) -> list[str]:
        return [test.right, *self.rivals(test.left, test.right, test.candidates)]

    def owed(self) -> Iterator[tuple[str, str]]:
        """The comparisons that must be in the family: those that the ablation tables print."""
        for study in self.studies.by_name.values():
            topic = "results" if study is self.studies.main else f"results of {study.name}"
            for model, ablation in study.changed:
                yield f"{topic}.{model}.without.{ablation}.change", NOUGHT

    def verdict(self, left: str, relation: str, right: str, candidates: int) -> str:
        """What the tests say of "left relation right", and of each rival of a picked side alike."""
        if self.same(left, right):
            return "holds" if relation == "==" else "same"
        p = self._corrected(left, right, DIFFERENCE, candidates)
        if p is None:
            raise KeyError(f"{left} and {right} with {candidates} candidates in the family of tests")
        if p >= self.alpha:
            equal = self._corrected(left, right, EQUALITY, candidates)
            alike = "holds" if relation == "==" else "equivalent"
            return alike if equal is not None and equal < self.alpha else "undecided"
        rivals = self.rivals(left, right, candidates) or [right]
        signs = {self.estimate(left, rival).mean > 0 for rival in rivals}
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
