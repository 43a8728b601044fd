"""Faces for figures: the dataset's own where they may be shown and are at hand, else drawn ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paper_kit.analysis.results import Results
from paper_kit.core.arrays import read_npz
from paper_kit.core.errors import InputError
from paper_kit.core.part import load
from paper_kit.core.spec import RunSpec
from paper_kit.data.cache import fingerprint_at_hand, open_dataset
from paper_kit.data.drawn import drawn_faces, faces_of
from paper_kit.data.sources import Split

NOT_ALLOWED = "no licence permits its images to be shown"
NOT_AT_HAND = "the dataset's images are not at hand"


@dataclass(frozen=True)
class Faces:
    """`images[k]` are faces of class k, (H, W) or (H, W, 3) uint8; `stand_in`: why drawn."""

    images: tuple[tuple[NDArray[Any], ...], ...]
    stand_in: str = ""


@dataclass(frozen=True)
class FacesById:
    """Test images by id; `hidden` says why none is shown."""

    images: dict[str, NDArray[Any]]
    hidden: str = ""


def may_show(results: Results, experiment: str = "") -> bool:
    """Whether the dataset's Card, or the person who builds the paper, allows its images to be shown."""
    card = results.card(experiment)
    return results.show_images or bool(card and (card.redistributable or card.synthetic))


def faces_by_class(results: Results, per_class: int, seed: int, experiment: str = "") -> Faces:
    """Training images of each class by chance; drawn faces of the same classes if these cannot be shown."""
    classes = results.classes(experiment)
    spec = results.plan(experiment).rows[0].reading.run
    if not may_show(results, experiment):
        return Faces(drawn_faces(classes, per_class, seed), NOT_ALLOWED)
    split = _training(results, spec)
    if split is None:
        return Faces(drawn_faces(classes, per_class, seed), NOT_AT_HAND)
    return Faces(faces_of(split, len(classes), per_class, seed))


def faces_of_test(results: Results, ids: set[str], experiment: str = "") -> FacesById:
    """The test images with these ids, all of them, or why they are not shown."""
    if not may_show(results, experiment):
        return FacesById({}, NOT_ALLOWED)
    split = _at_hand(results, results.plan(experiment).rows[0].reading.run, "test")
    places = {} if split is None else {str(name): place for place, name in enumerate(split.ids)}
    if split is None or not ids <= places.keys():
        return FacesById({}, NOT_AT_HAND)
    return FacesById({name: np.array(split.images[places[name]]) for name in ids})


def recorded(results: Results, run_id: str, name: str) -> dict[str, NDArray[Any]] | None:
    """The arrays of a file that a run or `paperkit explain` left; None where it is not there."""
    path = results.store.file(run_id, name)
    if not path.is_file():
        return None
    try:
        return read_npz(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: not a whole file ({error}). Delete it and type `paperkit explain`."
        ) from None


def _training(results: Results, spec: RunSpec) -> Split | None:
    """The training images, without decoding a dataset only for a figure; None where not at hand."""
    found = _at_hand(results, spec, "train")
    if found is None and spec.dataset.name == "synthetic_faces":
        arguments = {**spec.dataset.arguments, "train": 128, "validation": 1, "test": 1}
        train: Split = load("dataset", "synthetic_faces")(**arguments).train
        return train  # a larger set begins with the faces of a smaller one
    return found


def _at_hand(results: Results, spec: RunSpec, split: str) -> Split | None:
    resources = results.resources
    if fingerprint_at_hand(spec.dataset, resources.data_roots, resources.cache) is None:
        return None
    return open_dataset(spec.dataset, resources.data_roots, resources.cache, skip_bad=True).split(split)
