"""Which emotion picture i of a stream shows, and how labels go wrong."""

import numpy as np
from numpy.typing import NDArray

from paper_kit.data.faces.sample import Stream

# Training images per class of FER2013 (Goodfellow et al. 2015), in the order of the classes.
FER2013_COUNTS = (3995, 436, 4097, 7215, 4830, 3171, 4965)
CLASS_COUNT = len(FER2013_COUNTS)
GOLDEN = 0.6180339887498949  # steps of the golden ratio keep every prefix near the class shares
ORDER_KEY, NOISE_KEY = 2, 3  # kinds of random numbers beside those of persons and pictures


def class_shares(imbalance: float) -> NDArray[np.float64]:
    """Share of each class (7,): equal at 0, FER2013's at 1."""
    official = np.array(FER2013_COUNTS) / sum(FER2013_COUNTS)
    return (1.0 - imbalance) / CLASS_COUNT + imbalance * official


def emotion_labels(stream: Stream, indices_N: NDArray[np.int64], imbalance: float) -> NDArray[np.int64]:
    """Labels (N,) of the pictures with the given numbers."""
    start = stream.generator(ORDER_KEY, 0).random()
    ladder_N = (start + GOLDEN * indices_N) % 1.0
    steps_K = np.cumsum(class_shares(imbalance))[:-1]
    return np.searchsorted(steps_K, ladder_N, side="right").astype(np.int64)


def with_noise(stream: Stream, labels_N: NDArray[np.int64], fraction: float) -> NDArray[np.int64]:
    """The labels with about `fraction` of them changed, each to any other class."""
    draws_N2 = stream.generator(NOISE_KEY, 0).random((len(labels_N), 2))
    steps_N = 1 + np.floor(draws_N2[:, 1] * (CLASS_COUNT - 1)).astype(np.int64)
    return np.where(draws_N2[:, 0] < fraction, (labels_N + steps_N) % CLASS_COUNT, labels_N)
