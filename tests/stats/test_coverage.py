"""The 95 % interval holds the truth in 93 to 98 % of simulated studies."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from benchmarks.coverage import (
    DIFFICULTY_SD,
    HIGHEST,
    LOWEST,
    SEED_SD,
    SEEDS,
    coverage,
    intercepts,
    right_BRN,
    satterthwaite,
)
from paper_kit.stats.variance import components, mean_interval


def test_the_simulated_scores_have_the_accuracy_and_the_shared_difficulty_that_they_claim():
    rng = np.random.default_rng(0)
    difficulty = (DIFFICULTY_SD * rng.standard_normal((1, 200_000))).astype(np.float32)
    scores = right_BRN(rng, difficulty, np.array([[0.5, 0.62, 0.75]]))[0]
    assert scores.mean(axis=1) == pytest.approx([0.5, 0.62, 0.75], abs=0.004)
    parts = components(scores)
    assert 0.3 < parts.image / (parts.image + parts.residual) < 0.5
    assert intercepts(np.array([0.5])) == pytest.approx([0.0], abs=1e-6)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_the_interval_of_three_seeds_holds_the_truth_whatever_the_share_of_the_seeds(share):
    rng, images, studies = np.random.default_rng(int(10 * share)), 200, 1500
    held = plain = 0
    for _ in range(studies):
        of_seeds = rng.normal(0, np.sqrt(3 * share), (3, 1))
        of_images = rng.normal(0, np.sqrt(images * (1 - share)), (1, images))
        estimate = mean_interval(of_seeds + of_images)
        held += estimate.low <= 0 <= estimate.high
        plain += estimate.degrees <= satterthwaite(of_seeds + of_images)
    # expected 95.0 to 97.2 %; three standard errors of 1,500 studies are 1.7 points
    assert LOWEST < held / studies < HIGHEST + 0.01
    assert plain == studies  # the degrees are never more than Satterthwaite's


@pytest.mark.parametrize("difference", [False, True], ids=["accuracy", "difference"])
def test_the_interval_of_few_small_studies_holds_the_truth(difference):
    row = coverage(3, 0.02, difference, replicates=400, images=900)
    assert LOWEST - 0.03 < row.coverage <= HIGHEST + 0.01  # the standard error of 400 studies is 1.1 points


@pytest.mark.slow
@pytest.mark.parametrize(("difference", "seeds", "seed_sd"), list(product((False, True), SEEDS, SEED_SD)))
def test_the_interval_holds_the_truth_in_every_design(difference, seeds, seed_sd):
    row = coverage(seeds, seed_sd, difference, replicates=4000)
    assert row.holds, row
