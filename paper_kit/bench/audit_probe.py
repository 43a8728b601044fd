"""How long the audit of a dataset takes, from two audits of small parts of it. No torch here."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields

import numpy as np

from paper_kit.data.audit import audit
from paper_kit.data.dataset import Dataset
from paper_kit.data.sources import SPLITS, Split

IMAGES = 1500  # of all splits together, in the larger of the two


@dataclass(frozen=True)
class Part(Dataset):
    """The first images of each split, the same share of all."""

    share: float = 1.0

    def split(self, name: str) -> Split:
        """The part of the split."""
        found = super().split(name)
        return found.take(np.arange(max(1, round(self.share * len(found)))))


def audit_seconds(dataset: Dataset) -> float:
    """Seconds of the whole audit: one part of it grows with the images, one with their pairs."""
    images = sum(len(dataset.split(name)) for name in SPLITS)
    share = min(1.0, IMAGES / images)
    half, whole = (_seconds(dataset, part) for part in (share / 2, share))
    return extrapolated(half, whole, 1 / share)


def extrapolated(half: float, whole: float, times: float) -> float:
    """Seconds for `times` as many images, from those of a sample and of its half."""
    of_pairs = min(whole, max(0.0, 2 * (whole - 2 * half)))  # a n + b n^2, neither below nothing
    return (whole - of_pairs) * times + of_pairs * times**2


def _seconds(dataset: Dataset, share: float) -> float:
    given = {one.name: getattr(dataset, one.name) for one in fields(dataset)}
    start = time.perf_counter()
    audit(Part(**given, share=share))
    return time.perf_counter() - start
