"""Grey faces drawn from facial action units, with FER2013's seven classes: the embedded default."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from paper_kit.data.card import Card
from paper_kit.data.faces.labels import emotion_labels, with_noise
from paper_kit.data.faces.options import check_options
from paper_kit.data.faces.sample import Stream, draw
from paper_kit.data.faces.shapes import Array
from paper_kit.data.faces.units import CLASSES, DRAWS, express
from paper_kit.data.sources import Split, Splits

TRAIN, VALIDATION, TEST = 0, 1, 2  # numbers of the streams; the source task has its own

CARD = Card(
    name="synthetic_faces",
    title="Synthetic Faces",
    citation="ekman1978facial",
    licence="MIT (drawn by this package)",
    redistributable=True,
    synthetic=True,
    protocol="seven classes; no person is in two of train, validation and test; test labels carry no noise",
    classes=CLASSES,
)


def load(
    root: Path | None = None,
    *,
    train: int = 2400,
    validation: int = 600,
    test: int = 1200,
    size: int = 48,
    seed: int = 0,
    label_noise: float = 0.0,
    imbalance: float = 0.5,
    intensity: float = 1.0,
    occlusion: float = 0.08,
) -> Splits:
    """Splits of faces (N, size, size) uint8; a larger set begins with the faces of a smaller one.

    `label_noise` is the fraction of training and validation labels that name another class; `imbalance`
    goes from equal classes (0) to FER2013's shares (1); `intensity` scales how far the faces move;
    `occlusion` is the fraction with a hand, a patch or a lock of hair in front. Raises InputError.
    """
    del root
    check_options(
        {"train": train, "validation": validation, "test": test, "seed + 1": seed + 1},
        size,
        {"label_noise": label_noise, "imbalance": imbalance, "occlusion": occlusion},
    )

    parts = [
        _split(Stream(seed, number), count, size, imbalance, intensity, occlusion)
        for number, count in ((TRAIN, train), (VALIDATION, validation), (TEST, test))
    ]
    for number in (TRAIN, VALIDATION):
        labels_N = with_noise(Stream(seed, number), parts[number].labels, label_noise)
        parts[number] = replace(parts[number], labels=labels_N)
    return Splits(card=CARD, train=parts[TRAIN], validation=parts[VALIDATION], test=parts[TEST])


def _split(
    stream: Stream, count: int, size: int, imbalance: float, intensity: float, occlusion: float
) -> Split:
    """The first `count` faces of a stream with the emotions that they show."""

    def expression(indices_N: NDArray[np.int64], uniform_ND: Array) -> Array:
        return express(emotion_labels(stream, indices_N, imbalance), uniform_ND, intensity)

    drawn = draw(stream, count, size, expression, DRAWS, occlusion)
    return Split(drawn.images, emotion_labels(stream, np.arange(count), imbalance), np.array(drawn.ids))
