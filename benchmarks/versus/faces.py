"""Drawn faces, repeated until an epoch is as long as FER2013's, so that none ends while time is taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from paper_kit.data.sources import Split, Splits
from paper_kit.data.sources.synthetic_faces import load as drawn


def load(
    root: Path | None = None, *, train: int = 600, test: int = 128, size: int = 48, repeats: int = 48
) -> Splits:
    """Splits of synthetic faces; the training split holds each of its faces `repeats` times."""
    del root
    faces = drawn(train=train, validation=test, test=test, size=size)
    one = faces.train
    many = Split(
        np.tile(one.images, (repeats, 1, 1)),
        np.tile(one.labels, repeats),
        np.array([f"{name}/{number}" for number in range(repeats) for name in one.ids]),
    )
    return Splits(card=faces.card, train=many, validation=faces.validation, test=faces.test)
