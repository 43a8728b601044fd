"""What follows from probabilities beyond single choices: a temperature, areas under curves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from stored import Predicted

SMALLEST = 1e-15  # keeps a logarithm finite
GOLDEN = (5**0.5 - 1) / 2
ENDS = (0.01, 100.0)  # between which a temperature is looked for


def softened(predicted: Predicted, temperature: float) -> Predicted:
    """The same images with the logarithms of their probabilities divided by the temperature."""
    logits_NK = np.log(np.maximum(predicted.probabilities, SMALLEST)) / temperature
    powers_NK = np.exp(logits_NK - logits_NK.max(axis=1, keepdims=True))
    return replace(predicted, probabilities=powers_NK / powers_NK.sum(axis=1, keepdims=True))


def temperature(validation: Predicted) -> float:
    """The temperature of the least negative log-likelihood, by golden sections of its logarithm.

    The likelihood has one valley in the inverse temperature, so also in its logarithm (Guo et al. 2017).
    """

    def loss(at: float) -> float:
        return softened(validation, float(np.exp(at))).metric("nll")

    low, high = np.log(ENDS)
    while high - low > 1e-7:
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return float(np.exp((low + high) / 2))


def macro_auc(predicted: Predicted) -> float:
    """The mean over classes of the chance that an image of the class outranks one of the rest; ties half."""
    return _mean_over_classes(predicted, _auc)


def macro_ap(predicted: Predicted) -> float:
    """The mean over classes of precision, weighed by what each threshold adds to recall."""
    return _mean_over_classes(predicted, _ap)


def _mean_over_classes(predicted: Predicted, area: Callable[[np.ndarray, np.ndarray], float]) -> float:
    """The mean of an area over the classes that have images, and are not all there is."""
    owned = [predicted.labels == label for label in range(predicted.probabilities.shape[1])]
    areas = [
        area(own_N, predicted.probabilities[:, label])
        for label, own_N in enumerate(owned)
        if own_N.any() and not own_N.all()
    ]
    return float(np.mean(areas))


def _auc(own_N: np.ndarray, score_N: np.ndarray) -> float:
    """Mann and Whitney's count, from ranks that ties share."""
    _, place_N, counts = np.unique(score_N, return_inverse=True, return_counts=True)
    rank_N = (np.cumsum(counts) - (counts - 1) / 2)[place_N]
    own, rest = int(own_N.sum()), int((~own_N).sum())
    return float((rank_N[own_N].sum() - own * (own + 1) / 2) / (own * rest))


def _ap(own_N: np.ndarray, score_N: np.ndarray) -> float:
    """Precision at each score from above, times the share of own images that have this score."""
    _, place_N = np.unique(-score_N, return_inverse=True)
    own, total = np.bincount(place_N, weights=own_N), np.bincount(place_N)
    return float((np.cumsum(own) / np.cumsum(total) * own).sum() / own.sum())
