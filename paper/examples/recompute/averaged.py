"""What the sides of a comparison average: shares of images, network by network and class by class."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from results import Value
from stored import BASE, Study

SMALL = 1e-12  # what is left of equal numbers after subtraction
NOUGHT = "0"  # the side of a comparison with nothing


class Share(NamedTuple):
    """The share of a class's images that a network takes for another, or of all that it has right."""

    model: str
    ablation: str
    label: str = ""
    chosen: str = ""


@dataclass(frozen=True)
class Averaged:
    """The sides of comparisons as weighted sums of shares."""

    study: Study
    known: Mapping[str, Value]

    def difference(self, left: str, right: str) -> dict[Share, float]:
        """Share -> weight in left less right; KeyError for a key that is no sum of shares."""
        weights: dict[Share, float] = defaultdict(float)
        for sign, key in ((1.0, left), (-1.0, right)):
            for share, weight in self._side(key):
                weights[share] += sign * weight
        return {share: weight for share, weight in weights.items() if abs(weight) > SMALL}

    def question(self, left: str, right: str) -> tuple[object, ...]:
        """A name of left less right, the same whichever stands first and by whatever key it is called."""
        weights = sorted(self.difference(left, right).items())
        sign = -1.0 if weights and weights[0][1] < 0 else 1.0
        return tuple((share, round(sign * weight, 9)) for share, weight in weights)

    def scores(self, left: str, right: str) -> np.ndarray:
        """One score an image; their mean is left less right, unrounded."""
        total_N = np.zeros(len(self.study.cell(next(iter(self.study.models))).labels))
        for share, weight in self.difference(left, right).items():
            total_N += weight * self._scores(share)
        return total_N.round(12)

    def images(self, left: str, right: str) -> int:
        """On how many images the difference can vary: those of the rarest class in it."""
        labels = self.study.cell(next(iter(self.study.models))).labels
        counts = dict(zip(self.study.classes, np.bincount(labels), strict=True))
        shares = self.difference(left, right)
        return min((int(counts.get(share.label, len(labels))) for share in shares), default=len(labels))

    def pair(self, left: str, right: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Which images two networks have right, where their accuracies are what is compared; None else."""
        shares = self.difference(left, right)
        if sorted(shares.values()) != [-1.0, 1.0] or any(share.label for share in shares):
            return None
        first, second = (self._scores(share) for share in shares)
        return first, second

    def _scores(self, share: Share) -> np.ndarray:
        """Scores whose mean is the share.

        An image of another label scores the share, one of its own deviates N / n times as far: the error
        of the mean is then that of the share among the n images of the label.
        """
        cell, classes = self.study.cell(share.model, share.ablation), self.study.classes
        if not share.label:
            return cell.right_N
        own_N = cell.labels == classes.index(share.label)
        taken_N = cell.chosen_N == classes.index(share.chosen)
        mean = float(taken_N[own_N].mean())
        scores_N: np.ndarray = mean + own_N * (taken_N - mean) / own_N.mean()
        return scores_N

    def _side(self, key: str) -> Iterator[tuple[Share, float]]:
        if key == NOUGHT:
            return
        models = list(self.study.models)
        name = self.plain_key(key).removeprefix("results.")
        found = re.fullmatch(r"(\w+)\.(.+)", name)
        if found and found[1] in models:
            yield from self._of_model(found[1], found[2], key)
        elif gain := re.fullmatch(r"average\.gain\.(\w+)\.(.+)", name):
            yield from self._of_gain(gain[1], gain[2])
        elif found and found[1] == "average":
            ablation = found[2].removesuffix(".change")
            for model in models:
                yield Share(model, ablation), 1 / len(models)
                yield Share(model, BASE), -1 / len(models)
        elif found and found[1] in {"recall", "confusion"}:
            for model in models:
                yield self._of_class(model, BASE, found[2]), 1 / len(models)
        elif name == "gained.change":
            label, ablation = self._gained()
            for model in models:
                yield self._of_class(model, ablation, label), 1 / len(models)
                yield self._of_class(model, BASE, label), -1 / len(models)
        else:
            raise KeyError(key)

    def _of_model(self, model: str, name: str, key: str) -> Iterator[tuple[Share, float]]:
        changed = re.fullmatch(r"without\.(\w+)\.(accuracy|change)", name)
        if name == "accuracy":
            yield Share(model, BASE), 1.0
        elif changed:
            yield Share(model, changed[1]), 1.0
            if changed[2] == "change":
                yield Share(model, BASE), -1.0
        elif name.startswith("recall."):
            yield self._of_class(model, BASE, name.removeprefix("recall.")), 1.0
        else:
            raise KeyError(key)

    def _of_gain(self, ablation: str, label: str) -> Iterator[tuple[Share, float]]:
        """Recalls with what an ablation takes away less those without, over the models that it changes."""
        cell = self.study.cell
        changed = [model for model in self.study.models if cell(model, ablation) is not cell(model, BASE)]
        for model in changed:
            yield self._of_class(model, BASE, label), 1 / len(changed)
            yield self._of_class(model, ablation, label), -1 / len(changed)

    def _of_class(self, model: str, ablation: str, classes: str) -> Share:
        """Of "happy" the recall; of "1.3" the share of the second class that is taken for the fourth."""
        if found := re.fullmatch(r"(\d+)\.(\d+)", classes):
            names = self.study.classes
            return Share(model, ablation, names[int(found[1])], names[int(found[2])])
        return Share(model, ablation, classes, classes)

    def _gained(self) -> tuple[str, str]:
        words = {words: key for key, words in self.study.ablations.items()}
        return str(self.known["results.gained.class"]), words[str(self.known["results.gained.ablation"])]

    def plain_key(self, key: str) -> str:
        """The key without its rank: the class of best_class_recall, the model of best.accuracy."""
        if found := re.fullmatch(r"results\.(best|worst)_class_recall", key):
            return f"results.recall.{self.known[f'results.{found[1]}_class']}"
        if found := re.fullmatch(r"results\.(confused2?)\.rate", key):
            places = (
                self.study.classes.index(str(self.known[f"results.{found[1]}.{side}"]))
                for side in ("true", "predicted")
            )
            return f"results.confusion.{next(places)}.{next(places)}"
        if found := re.fullmatch(r"results\.(largest|smallest)_effect\.change", key):
            return self.effect(found[1])
        order = self.study.best_first
        ranked = {"best": order[0], "worst": order[-1], "baseline": next(iter(self.study.models))}
        found = re.fullmatch(r"results\.(best|worst|baseline)\.(.+)", key)
        return f"results.{ranked[found[1]]}.{found[2]}" if found else key

    def effect(self, word: str) -> str:
        """The key of the change that is the largest or the smallest in size."""
        models = {words: key for key, words in self.study.models.items()}
        ablations = {words: key for key, words in self.study.ablations.items()}
        model = models[str(self.known[f"results.{word}_effect.model"])]
        ablation = ablations[str(self.known[f"results.{word}_effect.ablation"])]
        return f"results.{model}.without.{ablation}.change"
