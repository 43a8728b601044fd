"""Drawn faces of a dataset's classes: what may be shown, and looked at, where the images may not."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from paper_kit.data.sources import Split
from paper_kit.data.sources.synthetic_faces import CARD, load

STAND_IN = {  # names of classes in datasets -> the drawn expression
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}
DRAWN_PER_FACE = 14  # drawn faces for each that is taken: enough of each of seven classes

Faces = tuple[NDArray[np.uint8], ...]


@lru_cache(maxsize=16)
def drawn_faces(classes: tuple[str, ...], per_class: int, seed: int) -> tuple[Faces, ...]:
    """`per_class` drawn faces (48, 48) uint8 of each class; none of a class that the drawings do not know."""
    made = load(
        train=DRAWN_PER_FACE * per_class, validation=1, test=1, imbalance=0.0, occlusion=0.0, seed=seed
    )
    known = {name: place for place, name in enumerate(CARD.classes)}
    faces = faces_of(made.train, len(known), per_class, seed)
    wanted = [known.get(STAND_IN.get(name.lower(), name.lower())) for name in classes]
    return tuple(faces[place] if place is not None else () for place in wanted)


def faces_of(split: Split, classes: int, per_class: int, seed: int) -> tuple[Faces, ...]:
    """`per_class` images of each class of a split, by chance; fewer where it has fewer."""
    random = np.random.default_rng(seed)
    found = []
    for label in range(classes):
        chosen = random.permutation(np.flatnonzero(split.labels == label))[:per_class]
        found.append(tuple(np.array(split.images[place]) for place in chosen))
    return tuple(found)


def fingerprint(faces: tuple[Faces, ...]) -> str:
    """16 hex digits of the pixels of drawn faces: whether two machines or versions drew the same."""
    digest = hashlib.sha256()
    for face in (face for each in faces for face in each):
        digest.update(repr(face.shape).encode() + face.tobytes())
    return digest.hexdigest()[:16]
