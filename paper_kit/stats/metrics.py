"""How good predictions are: probabilities of views, the confusion matrix, and what follows from it."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Average = Literal["probability", "logit"]


def softmax(logits: NDArray[Any]) -> Floats:
    """Probabilities along the last axis, in float64."""
    by_class = np.ascontiguousarray(np.moveaxis(logits, -1, 0))  # numpy is slow over a short last axis
    shifted: Floats = logits.astype(np.float64) - by_class.max(axis=0)[..., None]
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum(axis=-1, keepdims=True)
    return shifted


def probabilities(logits_VNK: NDArray[Any], average: Average = "probability") -> Floats:
    """Probabilities_NK of V views of N images: the mean of the softmaxes, or the softmax of the mean logits.

    Source: test-time augmentation by averaging, Krizhevsky et al. 2012, section 4.1 (probabilities).
    """
    if average == "logit":
        return softmax(logits_VNK.astype(np.float64).mean(axis=0))
    mean_NK: Floats = softmax(logits_VNK).mean(axis=0)
    return mean_NK


def confusion_matrix(labels_N: NDArray[Any], predicted_N: NDArray[Any], classes: int) -> Integers:
    """Counts_KK: row is the label, column the prediction."""
    cells = labels_N.astype(np.int64) * classes + predicted_N.astype(np.int64)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def accuracy(counts_KK: Integers) -> float:
    """Fraction of images on the diagonal; nan without images."""
    return _ratio(np.trace(counts_KK), counts_KK.sum())


def recall(counts_KK: Integers) -> Floats:
    """Recall_K: fraction of each class's images that were found; nan for a class without images."""
    return _ratios(np.diag(counts_KK), counts_KK.sum(axis=1))


def precision(counts_KK: Integers) -> Floats:
    """Precision_K: fraction of each class's predictions that are right; nan for a class never predicted."""
    return _ratios(np.diag(counts_KK), counts_KK.sum(axis=0))


def f1(counts_KK: Integers) -> Floats:
    """F1_K = 2 TP / (2 TP + FP + FN); nan for a class that is neither there nor predicted.

    Source: van Rijsbergen 1979, Information Retrieval, chapter 7, with equal weights.
    """
    return _ratios(2 * np.diag(counts_KK), counts_KK.sum(axis=0) + counts_KK.sum(axis=1))


def macro_f1(counts_KK: Integers) -> float:
    """Mean of F1 over the classes that are there or predicted, as scikit-learn's `average="macro"`."""
    return _mean(f1(counts_KK))


def balanced_accuracy(counts_KK: Integers) -> float:
    """Mean of recall over the classes that have images.

    Source: Brodersen et al. 2010, The balanced accuracy and its posterior distribution.
    """
    return _mean(recall(counts_KK))


def row_rates(counts_KK: Integers) -> Floats:
    """Rates_KK: each row divided by its sum; a row without images is nan."""
    return _ratios(counts_KK, counts_KK.sum(axis=1, keepdims=True))


def most_confused(counts_KK: Integers) -> list[tuple[int, int, float]]:
    """(label, prediction, rate of the label's images) of each wrong cell, most frequent first."""
    rates = row_rates(counts_KK)
    wrong = ~np.eye(len(rates), dtype=bool) & np.isfinite(rates)
    cells = [(int(i), int(j), float(rates[i, j])) for i, j in np.argwhere(wrong)]
    return sorted(cells, key=lambda cell: (-cell[2], cell[0], cell[1]))


def _ratios(above: NDArray[Any], below: NDArray[Any]) -> Floats:
    above, below = np.broadcast_arrays(above.astype(np.float64), below.astype(np.float64))
    ratios: Floats = np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
    return ratios


def _ratio(above: Any, below: Any) -> float:
    return float(above) / float(below) if below else float("nan")


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
