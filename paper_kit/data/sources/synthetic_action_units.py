"""Faces with random action units and their intensities and pose as targets: the source task for transfer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from paper_kit.data.card import Card
from paper_kit.data.faces.options import check_options
from paper_kit.data.faces.ranges import PICTURE, standard_deviation
from paper_kit.data.faces.sample import Drawn, Stream, draw
from paper_kit.data.faces.shapes import Array
from paper_kit.data.faces.units import MIX_DRAWS, NAMES, mix, unit_variance
from paper_kit.data.sources import Split, Splits

TRAIN, VALIDATION, TEST = 10, 11, 12  # numbers of streams that no other dataset uses
POSE = ("yaw", "pitch", "roll")
TARGETS = (*NAMES, *POSE)

CARD = Card(
    name="synthetic_action_units",
    title="Synthetic Action Units",
    citation="ekman1978facial",
    licence="MIT (drawn by this package)",
    redistributable=True,
    synthetic=True,
    protocol="regression of unit intensities and pose; its persons appear in no other dataset",
    classes=TARGETS,
    targets=TARGETS,
)


def load(
    root: Path | None = None,
    *,
    train: int = 2400,
    validation: int = 300,
    test: int = 300,
    size: int = 48,
    seed: int = 0,
    occlusion: float = 0.08,
) -> Splits:
    """Splits of faces (N, size, size) uint8 with targets (N, T), scaled to unit variance; all labels are 0.

    Raises InputError for an option that cannot be drawn.
    """
    del root
    check_options(
        {"train": train, "validation": validation, "test": test, "seed + 1": seed + 1},
        size,
        {"occlusion": occlusion},
    )

    def split(number: int, count: int) -> Split:
        drawn = draw(Stream(seed, number), count, size, expression, MIX_DRAWS, occlusion)
        return Split(drawn.images, np.zeros(count, np.int64), np.array(drawn.ids), targets(drawn))

    return Splits(
        card=CARD, train=split(TRAIN, train), validation=split(VALIDATION, validation), test=split(TEST, test)
    )


def expression(_: NDArray[np.int64], uniform_ND: Array) -> Array:
    """Unit intensities (N, U) that depend on the draws alone."""
    return mix(uniform_ND)


def targets(drawn: Drawn) -> Array:
    """Units and pose (N, T), each shifted and scaled to mean 0 and variance 1 over all that can be drawn."""
    pose_N3 = np.stack([drawn.view[name] / standard_deviation(PICTURE[name]) for name in POSE], axis=1)
    return np.concatenate([unit_variance(drawn.units), pose_N3], axis=1, dtype=np.float32)
