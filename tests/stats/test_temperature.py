"""The temperature that is fitted is the one that the labels were drawn with."""

from __future__ import annotations

import numpy as np
import pytest

from paper_kit.core.errors import InputError
from paper_kit.stats import calibration
from paper_kit.stats.metrics import softmax


def drawn(images: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn from their softmax."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (images, 5))
    return logits, (softmax(logits).cumsum(axis=1) < rng.random((images, 1))).sum(axis=1)


def test_labels_drawn_from_the_softmax_have_temperature_one():
    assert calibration.temperature(*drawn()) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("factor", [0.3, 2.5])
def test_logits_that_are_too_large_are_divided_by_that(factor):
    logits, labels = drawn()
    assert calibration.temperature(logits * factor, labels) == pytest.approx(
        factor * calibration.temperature(logits, labels), rel=1e-6
    )


def test_no_other_temperature_has_less_loss():
    logits, labels = drawn(300)
    best = calibration.temperature(logits, labels)
    losses = [
        calibration.negative_log_likelihood(softmax(logits / (best * factor)), labels)
        for factor in (1, 0.99, 1.01, 0.5, 2)
    ]
    assert losses[0] == min(losses)


def test_a_network_that_is_never_wrong_gets_the_least_temperature():
    logits = np.eye(3, dtype=np.float32) * 5
    assert calibration.temperature(logits, np.arange(3)) < 0.5
    assert calibration.temperature(np.float32(1e6) * logits, np.arange(3)) > 0  # and nothing overflows


def test_a_temperature_without_images_is_refused_with_the_fix():
    with pytest.raises(InputError, match="validation split"):
        calibration.temperature(np.zeros((0, 3)), np.zeros(0, np.int64))
