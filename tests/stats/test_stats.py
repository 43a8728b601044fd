"""The statistics agree with scikit-learn and statsmodels, and with published examples."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from paper_kit.stats import calibration, intervals, metrics, tests


@pytest.fixture(scope="module")
def sample():
    random = np.random.default_rng(0)
    labels = random.integers(0, 5, 400)
    logits = random.normal(size=(2, 400, 5)).astype(np.float32)
    logits[:, np.arange(400), labels] += 1
    return logits, labels


def test_classification_metrics_agree_with_scikit_learn(sample):
    logits, labels = sample
    predicted = metrics.probabilities(logits).argmax(1)
    counts = metrics.confusion_matrix(labels, predicted, 5)
    assert (counts == reference.confusion_matrix(labels, predicted)).all()
    precision, recall, f1, _ = reference.precision_recall_fscore_support(labels, predicted)
    assert metrics.precision(counts) == pytest.approx(precision, abs=1e-12)
    assert metrics.recall(counts) == pytest.approx(recall, abs=1e-12)
    assert metrics.f1(counts) == pytest.approx(f1, abs=1e-12)
    assert metrics.accuracy(counts) == pytest.approx(reference.accuracy_score(labels, predicted))
    assert metrics.macro_f1(counts) == pytest.approx(reference.f1_score(labels, predicted, average="macro"))
    assert metrics.balanced_accuracy(counts) == pytest.approx(
        reference.balanced_accuracy_score(labels, predicted)
    )


def test_a_class_without_images_is_left_out_of_the_means_as_scikit_learn_does():
    labels, predicted = np.array([0, 0, 1]), np.array([0, 1, 1])
    counts = metrics.confusion_matrix(labels, predicted, 4)
    assert np.isnan(metrics.recall(counts)[2:]).all()
    assert metrics.macro_f1(counts) == pytest.approx(reference.f1_score(labels, predicted, average="macro"))
    assert metrics.balanced_accuracy(counts) == pytest.approx(0.75)


def test_without_images_every_metric_is_nan_and_nothing_warns():
    counts = np.zeros((3, 3), np.int64)
    none, empty = np.zeros(0, np.int64), np.zeros((0, 3))
    values = [metrics.accuracy(counts), metrics.macro_f1(counts), metrics.balanced_accuracy(counts)]
    values += [calibration.expected_calibration_error(empty, none), calibration.brier_score(empty, none)]
    assert np.isnan([*values, calibration.negative_log_likelihood(empty, none)]).all()
    assert metrics.most_confused(counts) == []


def test_views_are_averaged_as_probabilities_or_as_logits(sample):
    logits, _ = sample
    each = metrics.softmax(logits)
    assert metrics.probabilities(logits) == pytest.approx(each.mean(0))
    assert metrics.probabilities(logits, "logit") == pytest.approx(metrics.softmax(logits.mean(0)), abs=1e-6)
    assert metrics.probabilities(logits).sum(1) == pytest.approx(np.ones(400))


def test_very_large_logits_do_not_overflow():
    assert metrics.softmax(np.array([[1000.0, 0.0]])).tolist() == [[1.0, 0.0]]


def test_confused_pairs_come_most_frequent_first():
    counts = np.array([[8, 2, 0], [5, 5, 0], [0, 1, 9]])
    assert metrics.most_confused(counts)[:2] == [(1, 0, 0.5), (0, 1, 0.2)]


def test_brier_and_likelihood_agree_with_scikit_learn(sample):
    logits, labels = sample
    probabilities = metrics.probabilities(logits)
    onehot = np.eye(5)[labels]
    assert calibration.brier_score(probabilities, labels) == pytest.approx(
        ((probabilities - onehot) ** 2).sum(1).mean()
    )
    assert calibration.negative_log_likelihood(probabilities, labels) == pytest.approx(
        reference.log_loss(labels, probabilities)
    )


def test_calibration_error_of_a_hand_worked_example():
    # two images at confidence 0.85, one right: gap 0.35; two at 0.65, both right: gap 0.35
    probabilities = np.array([[0.85, 0.15], [0.85, 0.15], [0.65, 0.35], [0.65, 0.35]])
    labels = np.array([0, 1, 0, 0])
    assert calibration.expected_calibration_error(probabilities, labels) == pytest.approx(0.35)


def test_calibration_error_agrees_with_a_loop_over_bins(sample):
    logits, labels = sample
    probabilities = metrics.probabilities(logits)
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    total = 0.0
    for low in range(15):
        inside = (confidence > low / 15) & (confidence <= (low + 1) / 15)
        if inside.any():
            total += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    assert calibration.expected_calibration_error(probabilities, labels) == pytest.approx(total, abs=1e-12)


@pytest.mark.parametrize("total", [1, 20, 36, 60, 3589])
def test_wilson_interval_holds_its_proportion_also_where_all_or_none_succeeded(total):
    assert intervals.wilson(total, total)[1] == 1.0
    assert intervals.wilson(0, total)[0] == 0.0


def test_wilson_interval_is_that_of_the_formula():
    z, k, n = 1.959963984540054, 7, 20
    middle = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * np.sqrt(k * (n - k) / n + z * z / 4)
    assert intervals.wilson(k, n) == pytest.approx((middle - half, middle + half), abs=1e-9)
    assert intervals.wilson(0, 0) == (0.0, 1.0)


def test_mcnemar_of_a_published_example():
    # 2 against 10 discordant pairs: the exact two-sided binomial p is 0.0386
    first = np.array([True] * 20 + [True] * 2 + [False] * 10)
    second = np.array([True] * 20 + [False] * 2 + [True] * 10)
    assert tests.mcnemar(first, second) == pytest.approx(0.03857421875)
    assert tests.mcnemar(first, first) == 1.0
