"""Scores of single images whose mean is a metric, so that sums of metrics can be tested on the same images.

A ratio of means, such as recall, is replaced by its value plus each image's influence on it. The mean over
images is the metric to the last digits; the variance of the mean is that of the metric to the first order.

Source: Hampel 1974, The influence curve and its role in robust estimation; for ratios Särndal, Swensson &
Wretman 1992, Model Assisted Survey Sampling, sections 5.5 and 5.6.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from paper_kit.stats.metrics import Floats


def accuracy_scores(labels_N: NDArray[Any], predicted_N: NDArray[Any]) -> Floats:
    """Scores_N: 1 for a right image, 0 for a wrong one; their mean is the accuracy, exactly."""
    scores_N: Floats = (labels_N == predicted_N).astype(np.float64)
    return scores_N


def recall_scores(labels_N: NDArray[Any], predicted_N: NDArray[Any], label: int) -> Floats:
    """Scores_N whose mean is the recall of `label`: recall + N / N_k 1[y = k] (right - recall).

    nan where no image has the label. Source: see the module.
    """
    return confusion_scores(labels_N, predicted_N, label, label)


def confusion_scores(labels_N: NDArray[Any], predicted_N: NDArray[Any], label: int, as_: int) -> Floats:
    """Scores_N whose mean is the fraction of the images of `label` that are predicted `as_`.

    nan where no image has the label. Source: see the module.
    """
    there_N = labels_N == label
    return _ratio_scores(there_N & (predicted_N == as_), there_N)


def precision_scores(labels_N: NDArray[Any], predicted_N: NDArray[Any], label: int) -> Floats:
    """Scores_N whose mean is the precision of `label`; nan where it is never predicted.

    Source: see the module.
    """
    named_N = predicted_N == label
    return _ratio_scores(named_N & (labels_N == label), named_N)


def f1_scores(labels_N: NDArray[Any], predicted_N: NDArray[Any], label: int) -> Floats:
    """Scores_N whose mean is F1 = 2 TP / (P + L) of `label`; nan where it is neither there nor predicted.

    Source: see the module.
    """
    there_N, named_N = labels_N == label, predicted_N == label
    return _ratio_scores(2.0 * (there_N & named_N), there_N.astype(np.float64) + named_N)


def macro_f1_scores(labels_N: NDArray[Any], predicted_N: NDArray[Any], classes: int) -> Floats:
    """Scores_N whose mean is macro F1 over the classes that are there or predicted.

    Source: see the module; the delta method through each class's F1.
    """
    return _mean_scores([f1_scores(labels_N, predicted_N, label) for label in range(classes)])


def balanced_accuracy_scores(labels_N: NDArray[Any], predicted_N: NDArray[Any], classes: int) -> Floats:
    """Scores_N whose mean is the mean recall over the classes that have images. Source: see the module."""
    return _mean_scores([recall_scores(labels_N, predicted_N, label) for label in range(classes)])


def _ratio_scores(above_N: NDArray[Any], below_N: NDArray[Any]) -> Floats:
    """Scores_N whose mean is sum(above) / sum(below): that ratio and each image's influence on it."""
    above_N, below_N = above_N.astype(np.float64), below_N.astype(np.float64)
    if not below_N.any():
        return np.full(len(below_N), np.nan)
    ratio = above_N.sum() / below_N.sum()
    scores_N: Floats = ratio + (above_N - ratio * below_N) / below_N.mean()
    return scores_N


def _mean_scores(scores_KN: list[Floats]) -> Floats:
    known = [scores_N for scores_N in scores_KN if not np.isnan(scores_N).any()]
    if not known:
        return np.full(len(scores_KN[0]) if scores_KN else 0, np.nan)
    mean_N: Floats = np.mean(known, axis=0)
    return mean_N
