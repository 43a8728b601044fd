"""What the networks scored on each test image, as arrays that a test can be made on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from paper_kit.analysis.facts._terms import Term
from paper_kit.analysis.predictions import Predictions
from paper_kit.core.errors import InputError
from paper_kit.stats.calibration import SMALLEST
from paper_kit.stats.metrics import Floats

if TYPE_CHECKING:
    from paper_kit.analysis.results import Results

DECIMALS = 12  # what is left of equal scores after subtraction is noise of the arithmetic, not of the images


def scores_RN(results: Results, terms: Sequence[Term]) -> Floats:
    """The weighted sum of the terms for R seeds and N images, whose mean is the fact that has the terms.

    Raises InputError where the terms stand on different images or on different numbers of seeds.
    """
    seeds = {len(term.readings) for term in terms}
    if len(seeds) != 1:
        raise InputError(
            "The two sides of a claim have different numbers of seeds: train the same seeds for both."
        )
    first = results.predictions(terms[0].readings[0])
    total_RN = np.zeros((seeds.pop(), len(first.labels)))
    for term in terms:
        for row, reading in enumerate(term.readings):
            predictions = results.predictions(reading)
            same = predictions.ids is first.ids  # as Results shares them
            if not same and not np.array_equal(predictions.ids, first.ids):
                raise InputError(
                    "The two sides of a claim stand on different test images; a paired test needs the same."
                )
            total_RN[row] += term.weight * score_N(predictions, term)
    return np.round(total_RN, DECIMALS)


def carriers(results: Results, terms: Sequence[Term]) -> int:
    """How many test images the scores can vary on: those of the rarest class among the terms, else all."""
    labels = results.predictions(terms[0].readings[0]).labels
    return min(len(labels) if term.label is None else int((labels == term.label).sum()) for term in terms)


def score_N(predictions: Predictions, term: Term) -> Floats:
    """What one network scored on each image; the mean is the term's metric."""
    from paper_kit.stats import influence

    labels, predicted = predictions.labels, predictions.predicted_N
    classes = predictions.probabilities.shape[1]
    if term.metric == "recall" and term.label is not None:
        return influence.recall_scores(labels, predicted, term.label)
    if term.metric == "confusion" and term.label is not None and term.predicted is not None:
        return influence.confusion_scores(labels, predicted, term.label, term.predicted)
    if term.metric == "macro_f1":
        return influence.macro_f1_scores(labels, predicted, classes)
    if term.metric == "balanced_accuracy":
        return influence.balanced_accuracy_scores(labels, predicted, classes)
    if term.metric not in ("brier", "nll"):
        return influence.accuracy_scores(labels, predicted)
    chosen = np.clip(predictions.probabilities[np.arange(len(labels)), labels], SMALLEST, 1.0)
    if term.metric == "brier":
        return np.asarray((predictions.probabilities**2).sum(axis=1) - 2 * chosen + 1, dtype=np.float64)
    return np.asarray(-np.log(chosen), dtype=np.float64)
