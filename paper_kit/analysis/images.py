"""Faces for figures: the dataset's own where they may be shown and are at hand, else drawn ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paper_kit.analysis.results import Results
from paper_kit.core.part import Part, load
from paper_kit.core.spec import RunSpec
from paper_kit.data.cache import fingerprint_at_hand, open_dataset
from paper_kit.data.sources import Split

STAND_IN = {  # names of classes in datasets -> the drawn expression
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}
NOT_ALLOWED = "no licence permits its images to be shown"
NOT_AT_HAND = "the dataset's images are not at hand"
DRAWN_PER_FACE = 14  # drawn faces for each that is shown: enough of each of seven classes


@dataclass(frozen=True)
class Faces:
    """`images[k]` are faces of class k, (H, W) or (H, W, 3) uint8; `stand_in`: why drawn."""

    images: tuple[tuple[NDArray[Any], ...], ...]
    stand_in: str = ""


def may_show(results: Results, experiment: str = "") -> bool:
    """Whether the dataset's Card, or the person who builds the paper, allows its images to be shown."""
    card = results.card(experiment)
    return results.show_images or bool(card and (card.redistributable or card.synthetic))


def faces_by_class(results: Results, per_class: int, seed: int, experiment: str = "") -> Faces:
    """Training images of each class by chance; drawn faces of the same classes if these cannot be shown."""
    classes = results.classes(experiment)
    spec = results.plan(experiment).rows[0].reading.run
    if not may_show(results, experiment):
        return Faces(_drawn(classes, per_class, seed), NOT_ALLOWED)
    split = _training(results, spec)
    if split is None:
        return Faces(_drawn(classes, per_class, seed), NOT_AT_HAND)
    return Faces(_chosen(split, len(classes), per_class, seed))


def _training(results: Results, spec: RunSpec) -> Split | None:
    """The training images, without decoding a dataset only for a figure; None where not at hand."""
    resources = results.resources
    if fingerprint_at_hand(spec.dataset, resources.data_roots, resources.cache):
        return open_dataset(spec.dataset, resources.data_roots, resources.cache, skip_bad=True).split("train")
    if spec.dataset.name == "synthetic_faces":  # a larger set begins with the faces of a smaller one
        arguments = {**spec.dataset.arguments, "train": 128, "validation": 1, "test": 1}
        train: Split = load("dataset", "synthetic_faces")(**arguments).train
        return train
    return None


def _drawn(classes: tuple[str, ...], per_class: int, seed: int) -> tuple[tuple[NDArray[Any], ...], ...]:
    """Drawn faces of each class; none for a class that the drawings do not know."""
    part = Part(name="synthetic_faces")
    made = load("dataset", part.name)(
        train=DRAWN_PER_FACE * per_class, validation=1, test=1, imbalance=0.0, occlusion=0.0, seed=seed
    )
    known = {name: place for place, name in enumerate(made.card.classes)}
    faces = _chosen(made.train, len(known), per_class, seed)
    wanted = [known.get(STAND_IN.get(name.lower(), name.lower())) for name in classes]
    return tuple(faces[place] if place is not None else () for place in wanted)


def _chosen(split: Split, classes: int, per_class: int, seed: int) -> tuple[tuple[NDArray[Any], ...], ...]:
    random = np.random.default_rng(seed)
    found = []
    for label in range(classes):
        places = np.flatnonzero(split.labels == label)
        chosen = random.permutation(places)[:per_class]
        found.append(tuple(np.array(split.images[place]) for place in chosen))
    return tuple(found)
