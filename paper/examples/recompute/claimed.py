"""claims.json against the tests done again: each test of the family, then each claim with its verdict."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from judge import EXACT, OPEN, Finding
from picked import multipliers
from printed import numbers
from trials import DIFFERENCE, EQUALITY, Test, Trials

SAME = 1e-5  # relative, between two ways to add up one tail
RELATION = re.compile(r"(.+) (>|<|==) (.+)")


def of_family(trials: Trials) -> Iterator[Finding]:
    """Each test: its p before and after Holm, its candidates and images; then whether one is missing."""
    for test in trials.family:
        if test in trials.unknown:
            what = f"nothing is known of {trials.unknown[test]}"
            yield Finding(OPEN, 0, f"family: {test.name}", f"{test.p:.6g}", what, True)
            continue
        told = (test.p, test.p_holm)
        own = (trials.uncorrected[test], trials.corrected[test])
        agrees = all(_near(a, b) for a, b in zip(told, own, strict=True))
        yield _finding("family", test.name, _listed(*told), _listed(*own), agrees)
        sides = trials.paid(test.left, test.right, test.about, test.candidates)
        yield _finding("hardest", test.name, _listed(sides), _listed(own[0]), _near(sides, own[0]))
        same = trials.same(test.left, test.right)
        allowed = {1} if same else multipliers(trials.averaged, test.left, test.right)
        rule = " or ".join(map(str, sorted(allowed)))
        yield _finding("candidates", test.name, str(test.candidates), rule, test.candidates in allowed)
        images = trials.averaged.images(test.left, test.right)
        yield _finding("images", test.name, str(test.images), str(images), test.images == images)
    yield from _whole(trials)


def _whole(trials: Trials) -> Iterator[Finding]:
    """Whether each comparison that must be tested is, and each question stands once in the family."""
    for left, right in trials.owed():
        try:
            trials.asking(left, right)
        except KeyError as error:
            yield _finding("family", f"{left} - {right}", "", f"there is no {error}", False)
    asked = Counter((trials.questions[test], test.about, test.candidates) for test in trials.family)
    for test in trials.family:
        if asked[trials.questions[test], test.about, test.candidates] > 1 and trials.questions[test]:
            yield _finding("family", test.name, "", "stands twice in the family", False)
        if test.about == EQUALITY:
            yield _equality(trials, test)


def _equality(trials: Trials, test: Test) -> Finding:
    """Equality is asked only of what the test of a difference leaves undecided.

    Of a side that is held against several, the test of a difference may stand against another of them.
    """
    p = [
        trials.corrected[each]
        for each in trials.family
        if each.about == DIFFERENCE
        and (
            trials.questions[each] == trials.questions[test]
            or (
                each.left == test.left
                and each.candidates == test.candidates
                and test.right in trials.rivals(each.left, each.right, each.candidates)
            )
        )
    ]
    return _finding("asked", test.name, "undecided", _listed(*p), max(p, default=0.0) >= trials.alpha)


def of_claims(trials: Trials, claims: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Each claim: its difference, interval, p's, and its verdict, which chooses the sentence printed."""
    for entry in claims:
        found = RELATION.fullmatch(entry["claim"])
        if found is None or entry["verdict"] == "pending":
            yield Finding(OPEN, 0, entry["claim"], entry["verdict"], "no claim with numbers", True)
        elif entry["p"] is None:
            yield _counted(entry, found[2])
        else:
            yield from _tested(trials, entry, *found.groups())


def _tested(
    trials: Trials, entry: Mapping[str, Any], left: str, relation: str, right: str
) -> Iterator[Finding]:
    name, times = entry["claim"], entry["candidates"]
    try:
        own_verdict = trials.verdict(left, relation, right, times)
        test = next(each for each in trials.asking(left, right) if each.candidates == times)
        images, same = trials.averaged.images(left, right), trials.same(left, right)
        told = trials.estimate(left, right)
        own = [told.mean, *((0.0, 0.0) if same else told.ends(1 - trials.alpha))]
        p: list[float | None] = [trials.uncorrected[test], trials.corrected[test]]
        p.append(None if same else min(1.0, trials.raw(left, right, EQUALITY) * times))
        if entry["p_equivalence_holm"] is not None:
            equal = [each for each in trials.asking(left, right, EQUALITY) if each.candidates == times]
            p.append(trials.corrected[equal[0]])
    except (KeyError, IndexError) as error:
        yield Finding(OPEN, 0, name, entry["verdict"], f"nothing is known of {error}", True)
        return
    written = [entry["difference"], *entry["interval"]]
    agrees = all(abs(a - b) < 1e-6 for a, b in zip(written, own, strict=True))
    yield _finding("difference", name, _listed(*written), _listed(*own), agrees)
    names = ("p", "p_holm", "p_equivalence", "p_equivalence_holm")[: len(p)]
    agrees = all(_near(entry[key], each) for key, each in zip(names, p, strict=True))
    yield _finding("p", name, _listed(*(entry[key] for key in names)), _listed(*p), agrees)
    seeds = 0 if same else len(trials.averaged.scores(left, right))
    agrees = (entry["images"], entry["seeds"]) == (images, seeds)
    yield _finding("images", name, _listed(entry["images"], entry["seeds"]), _listed(images, seeds), agrees)
    yield _finding("verdict", name, entry["verdict"], own_verdict, entry["verdict"] == own_verdict)


def _counted(entry: Mapping[str, Any], relation: str) -> Finding:
    """The verdict on two numbers that are counted, by the numbers as printed."""
    left, right = (numbers(entry[side])[0] for side in ("left", "right"))
    verdict = {True: "holds", False: "reversed"}[
        left == right if relation == "==" else (left > right) == (relation == ">")
    ]
    own = "undecided" if left == right and relation != "==" else verdict
    agrees = own == entry["verdict"] and _unit(entry["left"]) == _unit(entry["right"])
    return _finding("verdict", entry["claim"], entry["verdict"], own, agrees)


def _unit(text: str) -> str:
    return re.sub(r"[\d.,\s+−-]", "", text)


def _near(told: float | None, own: float | None) -> bool:
    if told is None or own is None:
        return told is own
    return abs(told - own) <= SAME * own + 1e-300


def _listed(*values: float | None) -> str:
    return ", ".join("none" if each is None else f"{each:.6g}" for each in values)


def _finding(what: str, name: str, told: str, own: str, agrees: bool) -> Finding:
    return Finding(EXACT, 0, f"{what}: {name}", told, own, agrees)
