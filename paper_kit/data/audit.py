"""What is wrong with a dataset before any training: copies, conflicting labels, blank images."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paper_kit.data.dataset import Counts, Dataset
from paper_kit.data.sources import SPLITS

BLANK = 8  # grey levels, of 256, between the darkest and the brightest pixel of an image that shows nothing


@dataclass(frozen=True)
class Place:
    """One image: its split, its id, the name of its class."""

    split: str
    id: str
    label: str


@dataclass(frozen=True)
class Audit:
    """Counts, blank images, and `copies`: groups of other images with exactly the same pixels."""

    counts: Counts
    blank: tuple[Place, ...]
    copies: tuple[tuple[Place, ...], ...]

    @property
    def leaks(self) -> tuple[tuple[Place, ...], ...]:
        """The groups of copies that stand in more than one split."""
        return tuple(group for group in self.copies if len({place.split for place in group}) > 1)

    @property
    def conflicts(self) -> tuple[tuple[Place, ...], ...]:
        """The groups of copies that have more than one label."""
        return tuple(group for group in self.copies if len({place.label for place in group}) > 1)

    @property
    def leaked(self) -> dict[str, int]:
        """How many images of validation, and of test, have a copy in train."""
        groups = [group for group in self.leaks if any(place.split == "train" for place in group)]
        found = [place.split for group in groups for place in group]
        return {split: found.count(split) for split in SPLITS if split != "train"}

    @property
    def imbalance(self) -> float:
        """Images of the largest class in train over those of the smallest."""
        sizes = self.counts["train"].values()
        return max(sizes) / max(1, min(sizes)) if sizes else 1.0


def audit(dataset: Dataset) -> Audit:
    """The Audit of all three splits; copies are found by the hash of their pixels."""
    blank: list[Place] = []
    groups: dict[bytes, list[Place]] = defaultdict(list)
    for place, image in _images(dataset):
        if int(image.max()) - int(image.min()) <= BLANK:
            blank.append(place)
        else:
            groups[hashlib.blake2b(image.tobytes(), digest_size=16).digest()].append(place)
    copies = tuple(tuple(group) for group in groups.values() if len(group) > 1)
    return Audit(counts=dataset.counts, blank=tuple(blank), copies=copies)


def _images(dataset: Dataset) -> Iterator[tuple[Place, NDArray[np.uint8]]]:
    for name in SPLITS:
        split = dataset.split(name)
        for image, label, key in zip(split.images, split.labels.tolist(), split.ids.tolist(), strict=True):
            yield Place(name, key, dataset.classes[label] if dataset.classes else ""), image
