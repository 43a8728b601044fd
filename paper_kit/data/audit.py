"""What is wrong with a dataset before any training: copies, conflicting labels, blank images, odd counts."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from paper_kit.core.part import Part
from paper_kit.core.record import AuditedImage, AuditRecord, NearCopy
from paper_kit.data.dataset import Counts, Dataset
from paper_kit.data.known import splits_differ
from paper_kit.data.near import SCAN, Pair, Prepared, near_pairs, prepare
from paper_kit.data.sources import SPLITS

BLANK = 8  # grey levels, of 256, between the darkest and the brightest pixel of an image that shows nothing
ACROSS = (("test", "train"), ("test", "validation"), ("validation", "train"))


@dataclass(frozen=True)
class Place:
    """One image: its split, its id, the name of its class."""

    split: str
    id: str
    label: str


@dataclass(frozen=True)
class Near:
    """An image, one of another split that differs in pixels and shows the same, and their score to 1."""

    image: Place
    partner: Place
    score: float
    mirrored: bool


@dataclass(frozen=True)
class Audit:
    """Counts, blank images, `copies` with exactly the same pixels, and `near` ones across splits, best first.

    `unofficial` says how the counts differ from the official ones: empty where they agree or there are none.
    """

    counts: Counts
    blank: tuple[Place, ...]
    copies: tuple[tuple[Place, ...], ...]
    near: tuple[Near, ...] = ()
    unofficial: tuple[str, ...] = ()

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
    def nearly_leaked(self) -> dict[str, int]:
        """How many images of validation, and of test, have a near copy in train but no exact one."""
        exact = {place.id for group in self.leaks for place in group}
        found = {near.image for near in self.near if near.partner.split == "train"}
        return {
            split: sum(place.split == split and place.id not in exact for place in found)
            for split in SPLITS
            if split != "train"
        }

    @property
    def imbalance(self) -> float:
        """Images of the largest class in train over those of the smallest."""
        sizes = self.counts["train"].values()
        return max(sizes) / max(1, min(sizes)) if sizes else 1.0


@dataclass(frozen=True, eq=False)
class _Scanned:
    """The images of a split that show something: places, hashes of their pixels, coarse pictures."""

    places: tuple[Place, ...]
    digests: tuple[bytes, ...]
    prepared: Prepared


def audit(dataset: Dataset) -> Audit:
    """The Audit of all three splits; exact copies are found by the hash of their pixels."""
    blank: list[Place] = []
    scanned = {name: _scan(dataset, name, blank) for name in SPLITS}
    groups: dict[bytes, list[Place]] = defaultdict(list)
    for split in scanned.values():
        for place, digest in zip(split.places, split.digests, strict=True):
            groups[digest].append(place)
    near = [found for left, right in ACROSS for found in _near(scanned[left], scanned[right])]
    return Audit(
        counts=dataset.counts,
        blank=tuple(blank),
        copies=tuple(tuple(group) for group in groups.values() if len(group) > 1),
        near=tuple(sorted(near, key=lambda found: -found.score)),
        unofficial=splits_differ(dataset.counts, dataset.card.official_counts or {}),
    )


def audit_record(part: Part, dataset: Dataset, found: Audit) -> AuditRecord:
    """The audit as the Store keeps it: ids and labels, no pixels; copies are those across splits."""
    return AuditRecord(
        dataset=part,
        fingerprint=dataset.fingerprint,
        counts=found.counts,
        blank=_images(found.blank),
        copies=tuple(_images(group) for group in found.leaks),
        conflicts=tuple(_images(group) for group in found.conflicts),
        near=tuple(
            NearCopy(
                image=_image(near.image),
                partner=_image(near.partner),
                score=round(near.score, 4),
                mirrored=near.mirrored,
            )
            for near in found.near
        ),
        scan=SCAN,
    )


def outdated(record: AuditRecord | None) -> bool:
    """Whether there is no audit, or one of another version of the scan."""
    return record is None or record.scan.get("version") != SCAN["version"]


def _scan(dataset: Dataset, name: str, blank: list[Place]) -> _Scanned:
    """The images of a split that show something; those that do not are added to `blank`."""
    split = dataset.split(name)
    labels = [dataset.classes[label] if dataset.classes else "" for label in split.labels.tolist()]
    places = [Place(name, key, label) for key, label in zip(split.ids.tolist(), labels, strict=True)]
    levels_N2 = np.array([(image.min(), image.max()) for image in split.images], dtype=np.int64)
    shows_N = levels_N2[:, 1] - levels_N2[:, 0] > BLANK
    kept = np.flatnonzero(shows_N).tolist()
    blank += [place for place, shows in zip(places, shows_N, strict=True) if not shows]
    digests = (hashlib.blake2b(split.images[row].tobytes(), digest_size=16).digest() for row in kept)
    images = split.images if shows_N.all() else split.images[kept]
    return _Scanned(tuple(places[row] for row in kept), tuple(digests), prepare(images))


def _near(left: _Scanned, right: _Scanned) -> list[Near]:
    """Near copies of `left` in `right`, without those that are exact ones."""

    def exact(pair: Pair) -> bool:
        return left.digests[pair.left] == right.digests[pair.right]

    return [
        Near(left.places[pair.left], right.places[pair.right], pair.score, pair.mirrored)
        for pair in near_pairs(left.prepared, right.prepared)
        if not exact(pair)
    ]


def _image(place: Place) -> AuditedImage:
    return AuditedImage(split=place.split, id=str(place.id), label=place.label)


def _images(places: Iterable[Place]) -> tuple[AuditedImage, ...]:
    return tuple(_image(place) for place in places)
