"""What each technique adds to the recall of each class, tested as one family of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from paper_kit.analysis.comparison import ZERO
from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._effects import applies
from paper_kit.analysis.facts._gains import change_terms, pooled_recall
from paper_kit.analysis.facts._sheet import measured_origin
from paper_kit.analysis.facts._terms import scaled
from paper_kit.analysis.facts._tree import slugs
from paper_kit.analysis.predictions import Measured
from paper_kit.analysis.results import Results
from paper_kit.analysis.tables._parts import key_of
from paper_kit.core.experiment import AblationEntry

WITHOUT = ("w/o ", "without ", "no ")  # how labels of ablations begin
FORMULA = "recall with the technique less recall without it, mean over the models"


@dataclass(frozen=True)
class Gain:
    """One technique and class: the gain as a fact with its interval, p, and p after Holm over all gains."""

    ablation: str
    label: int
    fact: Fact
    p: float
    p_holm: float = 1.0
    told: bool = False

    @property
    def value(self) -> float:
        """The gain as a fraction."""
        return float(self.fact.value) if isinstance(self.fact.value, float) else float("nan")


def technique(label: str) -> str:
    """What an ablation removes, by its label: "w/o focal loss" is about focal loss."""
    for start in WITHOUT:
        if label.lower().startswith(start) and label[len(start) :].strip():
            return label[len(start) :].strip()
    return label


def used_by(results: Results, ablation: str, models: Sequence[str], experiment: str) -> list[str]:
    """The models among these that have the technique which the ablation removes."""
    return [key for key in models if applies(results, key, ablation, experiment)]


def complete(results: Results, ablation: str, models: Sequence[str], experiment: str) -> bool:
    """Whether every seed of these models is measured, with the technique and without it."""
    return all(
        results.measured(key, experiment=experiment).complete
        and results.measured(key, ablation, experiment).complete
        for key in models
    )


def gains_of(
    results: Results, ablations: Sequence[AblationEntry], models: Sequence[str], experiment: str
) -> list[Gain]:
    """The gains of all techniques and classes with test images, p corrected by Holm over all of them."""
    from paper_kit.stats.tests import holm

    found: list[Gain] = []
    for ablation in ablations:
        own = used_by(results, ablation.key, models, experiment)
        found += _gains(results, ablation.key, own, experiment)
    adjusted = holm([gain.p for gain in found])
    return [
        replace(gain, p_holm=float(p), told=bool(p < results.claims.alpha))
        for gain, p in zip(found, adjusted, strict=True)
    ]


def _gains(results: Results, ablation: str, models: list[str], experiment: str) -> list[Gain]:
    """The gain of each class that has test images, averaged over the models."""
    base = [results.measured(key, experiment=experiment) for key in models]
    without = [results.measured(key, ablation, experiment) for key in models]
    values_K = pooled_recall(base) - pooled_recall(without)
    who, origin, found = models[0] if len(models) == 1 else "average", _origin([*base, *without]), []
    for label, step in enumerate(slugs(results.classes(experiment))):
        if not np.isfinite(values_K[label]):
            continue
        key = key_of(results, f"{who}.gain.{ablation}.{step}", experiment)
        terms = scaled(change_terms(without, base, label), -1.0)
        fact = Fact(key, float(values_K[label]), "points", 1, origin=origin, terms=terms)
        tested = results.claims.compare(fact, ZERO)
        bounds = (tested.low, tested.high) if tested.low is not None and tested.high is not None else None
        p = 1.0 if tested.p is None else tested.p
        found.append(Gain(ablation, label, replace(fact, bounds=bounds), p))
    return found


def _origin(cells: list[Measured]) -> Origin:
    """All that the cells were read from."""
    origins = [measured_origin(cell, FORMULA) for cell in cells]
    return reduce(lambda one, other: one.joined(other, FORMULA), origins)
