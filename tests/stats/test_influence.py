"""Scores of images average to the metric, and vary as the metric does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paper_kit.stats import influence, metrics

CLASSES = 4


def drawn(seed: int, images: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Labels of unequal classes, and predictions that are right more often than not."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(CLASSES, images, p=[0.5, 0.3, 0.15, 0.05])
    return labels, np.where(rng.random(images) < 0.6, labels, rng.integers(0, CLASSES, images))


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60))
def test_the_mean_of_the_scores_is_the_metric(seed, images):
    labels, predicted = drawn(seed, images)
    counts = metrics.confusion_matrix(labels, predicted, CLASSES)
    rates = metrics.row_rates(counts)
    pairs = [
        (influence.accuracy_scores(labels, predicted), metrics.accuracy(counts)),
        (influence.macro_f1_scores(labels, predicted, CLASSES), metrics.macro_f1(counts)),
        (influence.balanced_accuracy_scores(labels, predicted, CLASSES), metrics.balanced_accuracy(counts)),
    ]
    for k in range(CLASSES):
        pairs += [
            (influence.recall_scores(labels, predicted, k), metrics.recall(counts)[k]),
            (influence.precision_scores(labels, predicted, k), metrics.precision(counts)[k]),
            (influence.f1_scores(labels, predicted, k), metrics.f1(counts)[k]),
            (influence.confusion_scores(labels, predicted, k, 1), rates[k, 1]),
        ]
    for scores, metric in pairs:
        assert scores.shape == (images,)
        assert scores.mean() == pytest.approx(metric, abs=1e-12, nan_ok=True)


def test_recall_scores_are_those_of_the_formula():
    labels, predicted = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    recall = 2 / 3
    expected = recall + 4 / 3 * np.array([1 - recall, 1 - recall, -recall, 0])
    assert influence.recall_scores(labels, predicted, 0) == pytest.approx(expected)


@pytest.mark.parametrize("metric", ["recall", "precision", "f1", "confusion", "macro_f1", "balanced"])
def test_the_scores_vary_as_a_bootstrap_of_the_metric(metric):
    labels, predicted = drawn(7, 3000)
    counts = metrics.confusion_matrix(labels, predicted, CLASSES)
    scores, of_counts = {
        "recall": (influence.recall_scores(labels, predicted, 2), lambda c: metrics.recall(c)[2]),
        "precision": (influence.precision_scores(labels, predicted, 2), lambda c: metrics.precision(c)[2]),
        "f1": (influence.f1_scores(labels, predicted, 2), lambda c: metrics.f1(c)[2]),
        "confusion": (
            influence.confusion_scores(labels, predicted, 1, 0),
            lambda c: metrics.row_rates(c)[1, 0],
        ),
        "macro_f1": (influence.macro_f1_scores(labels, predicted, CLASSES), metrics.macro_f1),
        "balanced": (
            influence.balanced_accuracy_scores(labels, predicted, CLASSES),
            metrics.balanced_accuracy,
        ),
    }[metric]
    rng = np.random.default_rng(8)
    drawn_counts = rng.multinomial(3000, (counts / 3000).ravel(), 4000).reshape(-1, CLASSES, CLASSES)
    bootstrap = np.std([of_counts(c) for c in drawn_counts])  # images drawn anew only move the cells' counts
    assert scores.std(ddof=1) / np.sqrt(3000) == pytest.approx(bootstrap, rel=0.05)


def test_a_class_that_does_not_occur_is_not_known_and_leaves_the_means_alone():
    labels, predicted = np.array([0, 0, 1]), np.array([0, 1, 1])
    assert np.isnan(influence.recall_scores(labels, predicted, 2)).all()
    assert influence.macro_f1_scores(labels, predicted, 3) == pytest.approx(
        influence.macro_f1_scores(labels, predicted, 2)
    )
    none = np.zeros(0, np.int64)
    assert influence.macro_f1_scores(none, none, 3).shape == (0,)
