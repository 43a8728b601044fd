"""How far probabilities can be believed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from paper_kit.core.errors import InputError
from paper_kit.stats.metrics import Floats

BINS = 15  # Guo et al. 2017, section 4
SMALLEST = 1e-15  # keeps the logarithm finite; float64 probabilities this small are rounding noise
TEMPERATURES = (0.01, 100.0)  # searched; a network that is right on all of validation has none above 0


def expected_calibration_error(probabilities_NK: Floats, labels_N: NDArray[Any], bins: int = BINS) -> float:
    """Mean gap of confidence and accuracy over equal-width bins, weighted by their images; 0 to 1.

    Source: Guo et al. 2017, On calibration of modern neural networks, equation 3; bins are open to the left.
    """
    confidence = probabilities_NK.max(axis=1)
    right = probabilities_NK.argmax(axis=1) == labels_N
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(place, weights=confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence)) if len(confidence) else float("nan")


def brier_score(probabilities_NK: Floats, labels_N: NDArray[Any]) -> float:
    """Mean over images of the squared distance of probabilities and one-hot label; 0 to 2.

    Source: Brier 1950, Verification of forecasts expressed in terms of probability.
    """
    if not len(labels_N):
        return float("nan")
    chosen = probabilities_NK[np.arange(len(labels_N)), labels_N]
    return float(((probabilities_NK**2).sum(axis=1) - 2 * chosen + 1).mean())


def negative_log_likelihood(probabilities_NK: Floats, labels_N: NDArray[Any]) -> float:
    """Mean of -log p of the label, in nats."""
    if not len(labels_N):
        return float("nan")
    chosen = probabilities_NK[np.arange(len(labels_N)), labels_N]
    return float(-np.log(np.clip(chosen, SMALLEST, 1.0)).mean())


def temperature(logits_NK: NDArray[Any], labels_N: NDArray[Any]) -> float:
    """What to divide the logits by for the least negative log-likelihood, 0.01 to 100; 1 changes nothing.

    Fit it on validation and apply it to test: softmax(logits / temperature). InputError without images.
    Source: Guo et al. 2017, On calibration of modern neural networks, section 4.2; by scipy's bounded
    minimiser in the logarithm of the temperature.
    """
    from scipy.optimize import minimize_scalar

    if not len(labels_N):
        raise InputError(
            "A temperature is fitted on images; found none. Give the dataset a validation split."
        )
    logits_NK = logits_NK.astype(np.float64)
    # margins to the label: the likelihood needs only these, and its logarithm stays finite
    margins_NK = logits_NK - logits_NK[np.arange(len(labels_N)), labels_N][:, None]
    margins_KN = np.ascontiguousarray(margins_NK.T)  # numpy is slow over a short last axis

    def loss(log_temperature: float) -> float:
        scaled_KN = margins_KN * np.exp(-log_temperature)
        largest_N = scaled_KN.max(axis=0)
        return float((largest_N + np.log(np.exp(scaled_KN - largest_N).sum(axis=0))).mean())

    low, high = np.log(TEMPERATURES)
    found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-9})
    return float(np.exp(found.x))
