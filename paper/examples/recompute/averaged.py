"""What the sides of a comparison average: shares of images, cell by cell and class by class."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from results import Value
from stored import Predicted, Reading, Records
from study import BASE, Studies, Study, slug

SMALL = 1e-12  # what is left of equal numbers after subtraction
NOUGHT = "0"  # the side of a comparison with nothing
WHOLE = -1  # in place of a class: all images


class Share(NamedTuple):
    """The share of a class's images that a cell's networks take for another, or of all that they have right.

    A cell is told by what is read of which runs, one a seed: two names of one cell are one share.
    """

    readings: tuple[Reading, ...]
    label: int = WHOLE
    chosen: int = WHOLE


@dataclass(frozen=True)
class Averaged:
    """The sides of comparisons as weighted sums of shares."""

    studies: Studies
    known: Mapping[str, Value]

    @property
    def main(self) -> Study:
        """The study that keys without a name speak of."""
        return self.studies.main

    @property
    def records(self) -> Records:
        """What the networks are read from."""
        return self.main.records

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
        """(R, N) one score a seed and image; their mean is left less right, unrounded.

        KeyError where the cells have different images, or different numbers of seeds.
        """
        weights = self.difference(left, right)
        if not weights:
            cell = self.main.cell(next(iter(self.main.models)))
            return np.zeros((len(cell.seeds), len(cell.labels)))
        seeds = {len(share.readings) for share in weights}
        if len(seeds) > 1:
            raise KeyError(f"{left} less {right}: cells of {sorted(seeds)} seeds")
        first = self.records.predicted(next(iter(weights)).readings[0])
        total_RN = np.zeros((seeds.pop(), len(first.labels)))
        for share, weight in weights.items():
            for row, reading in enumerate(share.readings):
                found = self.records.predicted(reading)
                if not all(map(np.array_equal, (found.ids, found.labels), (first.ids, first.labels))):
                    raise KeyError(f"{left} less {right}: other test images, or labels, on either side")
                total_RN[row] += weight * _scores(found, share)
        return total_RN.round(12)

    def images(self, left: str, right: str) -> int:
        """On how many images the difference can vary: those of the rarest class in it; none where it is 0."""
        return min(map(self._carried, self.difference(left, right)), default=0)

    def _carried(self, share: Share) -> int:
        labels = self.records.predicted(share.readings[0]).labels
        return len(labels) if share.label == WHOLE else int((labels == share.label).sum())

    def pair(self, left: str, right: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Which images two networks of one seed have right, where that is what is compared; None else."""
        shares = self.difference(left, right)
        single = all(share.label == WHOLE and len(share.readings) == 1 for share in shares)
        if sorted(shares.values()) != [-1.0, 1.0] or not single:
            return None
        first, second = (self.records.predicted(share.readings[0]).right_N for share in shares)
        return first, second

    def _side(self, key: str) -> Iterator[tuple[Share, float]]:
        if key == NOUGHT:
            return
        study, name = self.studies.of_key(self.plain_key(key))
        topic, _, name = name.partition(".")
        if topic != "results":
            raise KeyError(key)
        model, _, rest = name.partition(".")
        if model in study.models:
            yield from _of_model(study, model, rest, key)
        elif gain := re.fullmatch(r"average\.gain\.(\w+)\.(.+)", name):
            yield from ((share, -weight) for share, weight in _changed(study, gain[1], gain[2]))
        elif found := re.fullmatch(r"average\.(\w+)\.change", name):
            models = [one for one in study.models if study.applies(one, found[1])]
            for one in models:
                yield Share(study.readings(one, found[1])), 1 / len(models)
                yield Share(study.readings(one)), -1 / len(models)
        elif model in {"recall", "confusion"}:
            for one in study.models:
                yield _of_class(study, one, BASE, rest), 1 / len(study.models)
        elif name == "gained.change" and study is self.main:
            yield from _changed(study, *self._gained())
        else:
            raise KeyError(key)

    def _gained(self) -> tuple[str, str]:
        """Key of the ablation, and class, of the lowest change of a recall."""
        words = {words: key for key, words in self.main.ablations.items()}
        ablation = words[str(self.known["results.gained.ablation"])]
        return ablation, slug(str(self.known["results.gained.class"]))

    def plain_key(self, key: str) -> str:
        """The key without its rank: the class of best_class_recall, the model of best.accuracy."""
        if found := re.fullmatch(r"results\.(best|worst)_class_recall", key):
            return f"results.recall.{slug(str(self.known[f'results.{found[1]}_class']))}"
        if found := re.fullmatch(r"results\.(confused2?)\.rate", key):
            places = (
                self.main.classes.index(str(self.known[f"results.{found[1]}.{side}"]))
                for side in ("true", "predicted")
            )
            return f"results.confusion.{next(places)}.{next(places)}"
        if found := re.fullmatch(r"results\.(largest|smallest)_effect\.change", key):
            return self.effect(self.main, found[1])
        order = self.main.best_first
        ranked = {"best": order[0], "worst": order[-1], "baseline": next(iter(self.main.models))}
        found = re.fullmatch(r"results\.(best|worst|baseline)\.(.+)", key)
        return f"results.{ranked[found[1]]}.{found[2]}" if found else key

    def effect(self, study: Study, word: str) -> str:
        """The key of the change that is the largest or the smallest in size; "" without ablations."""
        sizes = {
            pair: abs(study.cell(*pair).metric("accuracy") - study.cell(pair[0]).metric("accuracy"))
            for pair in study.changed
        }
        if not sizes:
            return ""
        model, ablation = {"largest": max, "smallest": min}[word](sizes, key=lambda pair: sizes[pair])
        topic = "results" if study is self.main else f"results of {study.name}"
        return f"{topic}.{model}.without.{ablation}.change"


def _of_model(study: Study, model: str, name: str, key: str) -> Iterator[tuple[Share, float]]:
    changed = re.fullmatch(r"without\.(\w+)\.(accuracy|change)", name)
    if name == "accuracy":
        yield Share(study.readings(model)), 1.0
    elif changed and changed[1] in study.ablations:
        yield Share(study.readings(model, changed[1])), 1.0
        if changed[2] == "change":
            yield Share(study.readings(model)), -1.0
    elif name.startswith(("recall.", "confusion.")):
        yield _of_class(study, model, BASE, name.partition(".")[2]), 1.0
    else:
        raise KeyError(key)


def _changed(study: Study, ablation: str, label: str) -> Iterator[tuple[Share, float]]:
    """Recalls with an ablation less those without it, over the models that it changes."""
    models = [model for model in study.models if study.applies(model, ablation)]
    for model in models:
        yield _of_class(study, model, ablation, label), 1 / len(models)
        yield _of_class(study, model, BASE, label), -1 / len(models)


def _of_class(study: Study, model: str, ablation: str, classes: str) -> Share:
    """Of "happy" the recall; of "1.3" the share of the second class that is taken for the fourth."""
    if found := re.fullmatch(r"(\d+)\.(\d+)", classes):
        return Share(study.readings(model, ablation), int(found[1]), int(found[2]))
    place = {slug(name): place for place, name in enumerate(study.classes)}[classes]
    return Share(study.readings(model, ablation), place, place)


def _scores(found: Predicted, share: Share) -> np.ndarray:
    """Scores whose mean is the share.

    An image of another label scores the share, one of its own deviates N / n times as far: the error of the
    mean is then that of the share among the n images of the label.
    """
    if share.label == WHOLE:
        return found.right_N
    own_N = found.labels == share.label
    taken_N = found.chosen_N == share.chosen
    mean = float(taken_N[own_N].mean())
    scores_N: np.ndarray = mean + own_N * (taken_N - mean) / own_N.mean()
    return scores_N
