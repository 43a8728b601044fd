"""The tests behind the paper's comparisons, done again, and corrected together by Holm."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from chance import equivalence, holm, mcnemar_midp, two_sided
from results import Value
from stored import BASE, Study

Claim = tuple[str, str]  # the keys of two sides, "0" for nought
AVERAGE = re.compile(r"results\.average\.\w+\.change")  # what the paper calls equal, where a test shows it
LARGEST = "results.largest_effect.change"


@dataclass(frozen=True)
class Trials:
    """All tests of the paper. `claims`: claims.json, or what the manuscript is known to compare."""

    study: Study
    known: dict[str, Value]
    claims: Sequence[Claim]
    alpha: float
    margin: float

    def scores(self, left: str, right: str = "0") -> np.ndarray:
        """One score an image; their mean is left less right, unrounded. KeyError for keys that have none."""
        return self._side(left) - self._side(right)

    def _side(self, key: str) -> np.ndarray:
        study, models = self.study, list(self.study.models)
        if key == "0":
            return np.zeros(len(study.cell(models[0]).labels))
        name = self.plain_key(key).removeprefix("results.")
        if found := re.fullmatch(r"recall\.(.+)", name):
            return np.mean([self._of_class(model, BASE, found[1], found[1]) for model in models], axis=0)
        if name in {"confused.rate", "confused2.rate"}:
            pair = [str(self.known[key.replace("rate", side)]) for side in ("true", "predicted")]
            return np.mean([self._of_class(model, BASE, *pair) for model in models], axis=0)
        if name == "gained.change":
            return self._gained()
        if found := re.fullmatch(r"average\.(\w+)\.change", name):
            return np.mean([self._change(model, found[1]) for model in models], axis=0)
        if found := re.fullmatch(r"(\w+)\.without\.(\w+)\.(change|accuracy)", name):
            change = self._change(found[1], found[2])
            return change if found[3] == "change" else change + study.cell(found[1]).right_N
        if (found := re.fullmatch(r"(\w+)\.accuracy", name)) and found[1] in models:
            return study.cell(found[1]).right_N
        raise KeyError(key)

    def plain_key(self, key: str) -> str:
        """The key without its rank: the class of best_class_recall, the model of best.accuracy."""
        if found := re.fullmatch(r"results\.(best|worst)_class_recall", key):
            return f"results.recall.{self.known[f'results.{found[1]}_class']}"
        ranked = dict(
            zip(("best", "worst"), self.study.best_first[:: len(self.study.models) - 1], strict=True)
        )
        ranked["baseline"] = next(iter(self.study.models))
        if key == LARGEST:
            return self.largest
        found = re.fullmatch(r"results\.(best|worst|baseline)\.(\w+)", key)
        return f"results.{ranked[found[1]]}.{found[2]}" if found else key

    def _change(self, model: str, ablation: str) -> np.ndarray:
        return self.study.cell(model, ablation).right_N - self.study.cell(model).right_N

    def _of_class(self, model: str, ablation: str, label: str, chosen: str) -> np.ndarray:
        """Scores whose mean is the share of the label's images that get the chosen class.

        An image of another label scores this share, one of its own deviates N / n times as far: the error
        of the mean is then that of the share among the n images of the label.
        """
        cell, classes = self.study.cell(model, ablation), self.study.classes
        own_N = cell.labels == classes.index(label)
        share = float((cell.chosen_N[own_N] == classes.index(chosen)).mean())
        return share + own_N * ((cell.chosen_N == classes.index(chosen)) - share) / own_N.mean()

    def _gained(self) -> np.ndarray:
        label = str(self.known["results.gained.class"])
        words = {words: key for key, words in self.study.ablations.items()}
        ablation = words[str(self.known["results.gained.ablation"])]
        changes = [
            self._of_class(model, ablation, label, label) - self._of_class(model, BASE, label, label)
            for model in self.study.models
        ]
        return np.mean(changes, axis=0)

    def raw(self, left: str, right: str) -> float:
        """p before correction: McNemar's for two networks, else that of the mean, times the candidates."""
        pair = self.networks(left, right)
        if pair is not None:
            return min(1.0, mcnemar_midp(*pair) * self.candidates(left, right))
        return min(1.0, two_sided(self.scores(left, right)) * self.candidates(left, right))

    def networks(self, left: str, right: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Which images two networks have right, where these are compared; None else."""
        study, left, right = self.study, self.plain_key(left), self.plain_key(right)
        changed = re.fullmatch(r"results\.(\w+)\.without\.(\w+)\.change", left)
        if changed and right == "0":
            return study.cell(changed[1], changed[2]).right_N, study.cell(changed[1]).right_N
        accuracies = [re.fullmatch(r"results\.(\w+)\.accuracy", side) for side in (left, right)]
        if accuracies[0] and accuracies[1]:
            return study.cell(accuracies[0][1]).right_N, study.cell(accuracies[1][1]).right_N
        return None

    def candidates(self, left: str, right: str) -> int:
        """From how many a side was picked by looking: p is multiplied by it (Bonferroni)."""
        classes = len(self.study.classes)
        if left == LARGEST:
            return len(self.study.models) * len(self.study.ablations)
        if "gained" in left + right:
            return classes * len(self.study.ablations)
        if "_class_recall" in left + right:
            return classes - 1
        if "confused" in left + right:
            found = self.study.pooled_KK() + self.study.pooled_KK().T
            return int(np.count_nonzero(np.triu(found, 1))) - 1
        if left.endswith(".accuracy") and right.endswith(".accuracy"):
            return len(self.study.models) - 1
        return 1

    @cached_property
    def family(self) -> dict[str, float]:
        """Name of a test -> p before correction: each comparison once, then those of equality."""
        asked: dict[str, Claim] = {}
        for claim in self._expanded():
            asked.setdefault(self.name(*claim), claim)
        first = {name: self.raw(*claim) for name, claim in asked.items()}
        family, size = dict(first), 0
        while len(family) > size:  # a test of equality makes the family larger, which may ask for another
            size, corrected = len(family), holm(family)
            family |= {
                f"equal: {name}": equivalence(self.scores(*claim), self.margin)
                for name, claim in asked.items()
                if AVERAGE.fullmatch(claim[0]) and corrected[name] >= self.alpha
            }
        return family

    @cached_property
    def largest(self) -> str:
        """The key of the change that is largest in size."""
        keys = dict(zip(self.study.models.values(), self.study.models, strict=True))
        words = {words: key for key, words in self.study.ablations.items()}
        model, ablation = (
            str(self.known[f"results.largest_effect.{side}"]) for side in ("model", "ablation")
        )
        return f"results.{keys[model]}.without.{words[ablation]}.change"

    def name(self, left: str, right: str) -> str:
        """A name of a comparison, the same whichever side stands first."""
        if left == LARGEST:  # picked from all changes, which makes it another question than that of the table
            return f"largest: {self.largest}"
        return " - ".join(sorted((self.plain_key(left), self.plain_key(right))))

    def _expanded(self) -> list[Claim]:
        """The claims, each of a list of rivals with every rival, and the changes of the ablation table."""
        found = [
            (f"results.{m}.without.{a}.change", "0") for m in self.study.models for a in self.study.ablations
        ]
        for left, right in self.claims:
            if left == self.largest:
                found.append((LARGEST, right))
            elif re.fullmatch(r"results\.(best|worst)_class_recall", left):
                others = (f"results.recall.{label}" for label in self.study.classes)
                found += [(left, other) for other in others if other != self.plain_key(left)]
            else:
                found.append((left, right))
        best = f"results.{self.study.best_first[0]}.accuracy"
        return found + [(best, f"results.{model}.accuracy") for model in self.study.best_first[1:]]

    @cached_property
    def corrected(self) -> dict[str, float]:
        """Name of a test -> p after Holm's correction over the family."""
        return holm(self.family)


def spoken(study: Study) -> list[Claim]:
    """The comparisons of the manuscript as it ships, for a PDF without claims.json."""
    return [
        *((f"results.average.{ablation}.change", "0") for ablation in study.ablations),
        ("results.best_class_recall", ""),
        ("results.worst_class_recall", ""),
        ("results.confused.rate", "results.confused2.rate"),
        ("results.gained.change", "0"),
        (LARGEST, "0"),
        ("results.emotion_vit.without.no_transfer.change", "results.resemotenet.without.no_transfer.change"),
    ]


def sides(entry: Mapping[str, Any]) -> Claim:
    """The two sides of an entry of claims.json."""
    left, right = re.split(r" (?:>|<|==) ", entry["claim"])
    return left, right
