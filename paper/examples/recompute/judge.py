"""Each printed fact held against what this script finds for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from chance import ERRORS, POWER, bootstrap, power, resolvable, sign_flips
from fields import Fields
from pages import plain
from printed import decimals, numbers
from results import PRINTED, SPREAD, Value, value_of
from settings import several
from trials import DIFFERENCE, EQUALITY, Test, Trials

EXACT, CHANCE, FIELD = "recomputed exactly", "within Monte-Carlo error", "traced to a field"
NAMES, OPEN = "names this very build", "unchecked"
DRAWN = "of a map, not recomputed"  # its map of t-SNE is not at hand; counted apart, and as no agreement
UNKNOWN = (KeyError, IndexError, StopIteration, TypeError, ValueError, AttributeError)  # of a strange fact
METHODS = 0.10  # points, between the ends of a percentile interval and of a t interval
DRAWN_POWER = 0.015  # between the power of so few images and that of the formula, which is of many
WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip
HUNDRED = {"percent", "points", "magnitude"}
PREFIX = {"k": 1e-3, "M": 1e-6, "G": 1e-9}
BUILD = ("build.seal", "build.commit")  # names of this build; manifest.json holds them


@dataclass(frozen=True)
class Finding:
    """One check of one number: how it was checked, what this script has for it, and whether that agrees."""

    kind: str
    page: int
    key: str
    printed: str
    own: str
    agrees: bool


@dataclass(frozen=True)
class Judge:
    """All that a number may be held against."""

    known: Mapping[str, Value]
    trials: Trials
    fields: Fields
    manifest: Mapping[str, Any]

    def findings(self, fact: Mapping[str, Any], page: int, row: str) -> Iterator[Finding]:
        """What is found of one printing of a fact; its interval is a finding of its own."""
        key, formula = fact["key"], fact["origin"]["formula"]
        name = key or formula or ", ".join(fact["origin"]["fields"])
        try:
            for kind, own, agrees in self._judged(fact, row):
                yield Finding(kind, page, name, fact["text"], own, agrees)
        except UNKNOWN as error:
            yield Finding(OPEN, page, name, fact["text"], f"nothing is known of {error}", True)

    def _judged(self, fact: Mapping[str, Any], row: str) -> Iterator[tuple[str, str, bool]]:
        key, text = fact["key"], fact["text"]
        if fact["missing"]:
            raise KeyError("it yet: no run gives it")
        if key == "claims.tests":
            yield self._plain(EXACT, fact, len(self.trials.family))
        elif found := re.fullmatch(r"claims\.(.+) - (.+)\.p(_equivalence)?", key):
            yield from self._probability(text, found[1], found[2], EQUALITY if found[3] else DIFFERENCE)
        elif found := re.fullmatch(r"claims\.(.+) - (.+)\.difference", key):
            yield self._plain(EXACT, fact, value_of(f"{found[1]} - {found[2]}", dict(self.known)))
            yield from self._interval(text, found[1], found[2])
        elif key == "results.resolvable":
            yield from self._resolvable(text)
        elif key in self.known or "abs(" in fact["origin"]["formula"].replace(PRINTED, ""):
            value = value_of(key or fact["origin"]["formula"], dict(self.known))
            yield self._plain(EXACT, fact, value)
            yield from self._deviation(fact)
            yield from self._interval(text, key, "0")
        elif key in BUILD:
            yield self._of_build(key, text)
        elif re.fullmatch(r"figure\.tsne\.\w+\.trust", key):
            yield DRAWN, "beside the paper stands no figures/tsne.csv", 0 <= numbers(text)[0] <= 1
        elif self._together(fact):
            study, _ = self.fields.studies.of_key(key)
            values = sorted(several(study, fact["origin"]["fields"], row))
            told = sorted(numbers(text))
            yield FIELD, str(values), told in (values, sorted([*values, 1.0]))  # "1 ± 0.1" is the scale 0.1
        else:
            tried = [self._plain(FIELD, fact, value) for value in self.fields.candidates(fact, row)]
            yield next((each for each in tried if each[2]), tried[0])

    def _together(self, fact: Mapping[str, Any]) -> bool:
        """Whether the text prints several fields of a specification at once."""
        key, fields = fact["key"], fact["origin"]["fields"]
        if key.startswith(("model.", "cost.")) or (fields and fields[0].startswith("model.")):
            return False
        return len(fields) > 1 or (bool(fields) and "augment" in fields[0] and "=" in fact["text"])

    def _of_build(self, key: str, text: str) -> tuple[str, str, bool]:
        """The seal and the commit, as manifest.json has them where it lies beside; they are no results."""
        if not self.manifest:
            return NAMES, text, True
        seal, commit = str(self.manifest["seal"]), str(self.manifest["commit"])
        own = seal if key.endswith("seal") else commit + ("" if self.manifest["clean"] else " with changes")
        return NAMES, own, own == text

    def _plain(self, kind: str, fact: Mapping[str, Any], value: Value) -> tuple[str, str, bool]:
        """One value against the first number of the text, to the digits printed; names against names."""
        text = fact["text"]
        if isinstance(value, str):
            whole = plain(text) == plain(value)
            return kind, value, whole or (len(text) >= 12 and value.startswith(text) and " " not in text)
        if text in WORDS:
            return kind, f"{value:g}", value == WORDS.index(text)
        rounding = fact["rounding"]["kind"]
        scale = 100.0 if rounding in HUNDRED else PREFIX.get(fact["unit"], 1.0)
        own = abs(value * scale) if rounding == "magnitude" else value * scale
        told = numbers(text)
        near = 0.5 * 10.0 ** -decimals(text) + 1e-9 if rounding != "setting" else 1e-9
        return kind, f"{own:.10g}", bool(told) and abs(told[0] - own) <= near

    def _deviation(self, fact: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
        """The standard deviation over seeds behind a plus-minus, where there is one."""
        _, sign, behind = fact["text"].partition("±")
        if sign:
            own = float(self.known[fact["key"] + SPREAD])
            own *= 100.0 if fact["rounding"]["kind"] in HUNDRED else 1.0
            told, near = numbers(behind), 0.5 * 10.0 ** -decimals(behind) + 1e-9
            yield EXACT, f"± {own:.10g}", len(told) == 1 and abs(told[0] - own) <= near

    def _interval(self, text: str, left: str, right: str) -> Iterator[tuple[str, str, bool]]:
        """Bounds in brackets, where any are: Student's to the digits; of one seed near a bootstrap's."""
        if "[" not in text:
            return
        level, rounded = 1 - self.trials.alpha, 0.5 * 10.0 ** -decimals(text)
        told = numbers(text.partition("[")[2])
        checks = [(EXACT, self.trials.estimate(left, right).ends(level), rounded + 1e-6)]
        scores_RN = self.trials.averaged.scores(left, right)
        if len(scores_RN) == 1:
            one_image = 100 / scores_RN.shape[1]  # what a percentile cannot tell apart
            checks.append((CHANCE, bootstrap(scores_RN[0], level), rounded + METHODS + one_image))
        for kind, ends, near in checks:
            own = [100 * end for end in ends]
            agrees = len(told) == 2 and all(abs(a - b) <= near for a, b in zip(told, own, strict=True))
            yield kind, f"[{own[0]:.2f}, {own[1]:.2f}]", agrees

    def _probability(self, text: str, left: str, right: str, about: str) -> Iterator[tuple[str, str, bool]]:
        """A corrected p: to the digits by own sums, of one seed within the error of random signs too."""
        trials = self.trials
        tests = trials.asking(left, right, about)
        told, least = numbers(text)[-1], "<" in text
        found = [trials.corrected[test] for test in tests]  # a side may have been picked, or named
        agrees = [p < told == 0.001 if least else abs(p - told) <= 0.0005 + 1e-9 for p in found]
        at = agrees.index(True) if any(agrees) else 0
        scores_RN = trials.averaged.scores(left, right)
        exactly = about == EQUALITY or len(scores_RN) > 1 or trials.averaged.pair(left, right) is not None
        drawn = about == EQUALITY or len(scores_RN) > 1 or self._simulated(tests[at], scores_RN[0])
        yield EXACT if exactly else CHANCE, f"{found[at]:.6g}", agrees[at] and drawn

    def _simulated(self, test: Test, scores_N: np.ndarray) -> bool:
        """Whether random signs give this p too, times what the corrections have multiplied it by."""
        drawn = sign_flips(scores_N)
        raw, corrected = self.trials.raw(test.left, test.right), self.trials.corrected[test]
        times = corrected / raw if raw else 1.0
        return abs(drawn.value * times - corrected) <= times * (ERRORS * drawn.error + 0.05 * raw) + 1e-4

    def _resolvable(self, text: str) -> Iterator[tuple[str, str, bool]]:
        """What McNemar's test finds with that power: by the formula, and in test sets that are drawn."""
        study = self.trials.studies.main
        right = [study.cell(model).first.right_N for model in study.models]
        discordant = float(np.mean([(a != b).mean() for a, b in combinations(right, 2)]))
        told, near = numbers(text)[0] / 100, 0.005 * 10.0 ** -decimals(text)
        images, level = len(right[0]), 1 - self.trials.alpha
        own = resolvable(discordant, images, level)
        yield EXACT, f"{100 * own:.6g}", abs(told - own) <= near + 1e-11
        ends = [power(told + sign * near, discordant, images, level) for sign in (-1, 1)]
        (low, high), room = ends, ERRORS * ends[0].error + DRAWN_POWER
        agrees = low.value - room <= POWER <= high.value + room
        yield CHANCE, f"power {low.value:.3f} to {high.value:.3f}", agrees
