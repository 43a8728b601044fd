"""From how many candidates the sides of a comparison were picked by looking: p is multiplied by it."""

from __future__ import annotations

import re
from itertools import product

from averaged import NOUGHT, Averaged
from study import Study


def multipliers(averaged: Averaged, left: str, right: str) -> set[int]:
    """The numbers that p may be multiplied by, by the rule of Bonferroni over what was looked at.

    Two of c candidates have c (c - 1) / 2 pairs; one of c has c - 1 rivals; one of c tests is one of c. A key
    that names the best model does not say whether it was picked or named beforehand: accuracies count as
    picked, changes as either.
    """
    sides = (_picked_of(averaged, left), _picked_of(averaged, right))
    found = {_multiplier(a, b, right == NOUGHT) for a, b in product(*sides)}
    several = max(max(each) for each in sides) > 2  # of two, one is picked of its one rival
    ranked = [_ranked_accuracy(averaged, side) for side in (left, right)]
    return found - {1} if any(ranked) and several else found


def _multiplier(left: int, right: int, alone: bool) -> int:
    most = max(left, right)
    if left > 1 and right > 1:
        return most * (most - 1) // 2
    return most if alone or most == 1 else most - 1


def _picked_of(averaged: Averaged, key: str) -> set[int]:
    """Of how many a side may have been picked; 1 where it was named beforehand."""
    study, plain = averaged.studies.of_key(key)
    classes = len(study.classes)
    if re.fullmatch(r"results\.(best|worst)_class_recall", key):
        return {classes}
    if re.fullmatch(r"results\.confused2?\.rate", key):
        return {classes * (classes - 1)}
    if key == "results.gained.change":
        return {classes * len({ablation for _, ablation in study.changed})}
    found = {1}
    if key in {averaged.effect(study, "largest"), averaged.effect(study, "smallest")}:
        found.add(len(study.changed))
    if re.match(rf"results\.({'|'.join(_ends(study))})\.", plain):
        found.add(len(study.models))
    return found


def _ranked_accuracy(averaged: Averaged, key: str) -> bool:
    """Whether this is the accuracy of the best or of the worst of several models."""
    study, plain = averaged.studies.of_key(key)
    ranked = re.fullmatch(rf"results\.({'|'.join(_ends(study))})\.(without\.\w+\.)?accuracy", plain)
    return bool(ranked) and len(study.models) > 1


def _ends(study: Study) -> tuple[str, str]:
    return study.best_first[0], study.best_first[-1]
