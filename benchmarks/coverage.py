"""How often the 95 % interval of stats.variance.mean_interval holds the truth, as a table.

    OMP_NUM_THREADS=1 python benchmarks/coverage.py [--replicates 4000]

Simulated studies with 3,589 test images (FER2013's private test). An image's difficulty is normal on the
logit scale and shared by all seeds; a seed's accuracy is normal around the model's, which is drawn from 50
to 75 % for each study; whether one seed is right on one image is then a coin. A difference is that of two
models, up to 5 points apart, with as many seeds each on the same images. The target is 93 to 98 % in every
row; the exit code is 1 where one is missed. `Satterthwaite` is what the intervals hold with his degrees.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, stdtrit

from paper_kit.stats.variance import mean_interval, mean_squares

IMAGES, LEVEL, LOWEST, HIGHEST = 3589, 0.95, 0.93, 0.98
SEEDS, SEED_SD = (3, 4, 5, 10), (0.005, 0.01, 0.02)
DIFFICULTY_SD = 2.0  # logits: half of the variance of one score is then the image's
OF_MODEL_SD = 1.0  # the part of it that another model does not share
ACCURACIES, LARGEST_GAP = (0.50, 0.75), 0.05
BLOCK = 20  # studies at a time: 20 x 3,589 float32 stay in the cache

Floats = NDArray[np.float64]


class Row(NamedTuple):
    """The share of simulated studies whose interval held the truth."""

    seeds: int
    seed_sd: float
    difference: bool
    coverage: float
    satterthwaite: float
    half_width: float

    @property
    def holds(self) -> bool:
        """Whether the coverage is in the target."""
        return LOWEST <= self.coverage <= HIGHEST


def intercepts(accuracies: Floats) -> Floats:
    """The logit that an image of mean difficulty needs for these accuracies over all images."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    grid = np.linspace(-6, 6, 2001)
    means = (expit(grid[:, None] + DIFFICULTY_SD * nodes) * weights).sum(axis=1) / weights.sum()
    return np.interp(accuracies, means, grid)


def right_BRN(
    rng: np.random.Generator, difficulty_BN: NDArray[np.float32], accuracies_BR: Floats
) -> NDArray[np.int8]:
    """1 where a seed's network of a study is right on an image."""
    shape = (*accuracies_BR.shape, difficulty_BN.shape[1])
    right, easy_BN = np.empty(shape, np.int8), np.exp(difficulty_BN)
    factors_BR = np.exp(intercepts(accuracies_BR)).astype(np.float32)
    for r in range(shape[1]):
        odds_BN = easy_BN * factors_BR[:, r, None]
        np.less(rng.random(odds_BN.shape, np.float32) * (1 + odds_BN), odds_BN, out=right[:, r])
    return right


def studies(
    rng: np.random.Generator, seeds: int, seed_sd: float, difference: bool, replicates: int, images: int
) -> Iterator[tuple[NDArray[np.int8], float]]:
    """(scores_RN, true mean) of one study after the other."""
    shared_sd = np.sqrt(DIFFICULTY_SD**2 - OF_MODEL_SD**2) if difference else DIFFICULTY_SD
    for start in range(0, replicates, BLOCK):
        block = min(BLOCK, replicates - start)
        shared_BN = rng.standard_normal((block, images), np.float32) * np.float32(shared_sd)
        truth_B = rng.uniform(*ACCURACIES, block)
        models = [truth_B] if not difference else [truth_B, truth_B - rng.uniform(0, LARGEST_GAP, block)]
        scores = []
        for model_B in models:
            own = rng.standard_normal(shared_BN.shape, np.float32) * np.float32(OF_MODEL_SD * difference)
            accuracies_BR = model_B[:, None] + seed_sd * rng.standard_normal((block, seeds))
            scores.append(right_BRN(rng, shared_BN + own, accuracies_BR))
        both = scores[0] - scores[1] if difference else scores[0]
        yield from zip(both, models[0] - models[1] if difference else models[0], strict=True)


def satterthwaite(scores_RN: NDArray[np.int8]) -> float:
    """The plain degrees of the variance (MS_seed + MS_image - MS_residual) / RN."""
    seeds, images = scores_RN.shape
    squares = mean_squares(scores_RN)
    variance = squares.seed + max(squares.image - squares.residual, 0.0)
    degrees = (seeds - 1, images - 1, (seeds - 1) * (images - 1))
    return variance**2 / sum(square**2 / count for square, count in zip(squares, degrees, strict=True))


def coverage(
    seeds: int, seed_sd: float, difference: bool, replicates: int = 4000, images: int = IMAGES
) -> Row:
    """The row of one design; the same for the same arguments."""
    rng = np.random.default_rng([seeds, int(seed_sd * 1e4), difference])
    held = plain = width = 0.0
    for scores_RN, truth in studies(rng, seeds, seed_sd, difference, replicates, images):
        estimate = mean_interval(scores_RN, LEVEL)
        off = abs(estimate.mean - truth) / estimate.standard_error
        held += estimate.low <= truth <= estimate.high
        plain += off <= float(stdtrit(satterthwaite(scores_RN), (1 + LEVEL) / 2))
        width += (estimate.high - estimate.low) / 2
    return Row(seeds, seed_sd, difference, held / replicates, plain / replicates, width / replicates)


def main() -> int:
    """The exit code; prints a row for each design."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=4000)
    replicates = parser.parse_args().replicates
    start, rows = time.perf_counter(), []
    print(f"{'':12}{'seeds':>6}{'seed sd':>9}{'half width':>12}{'coverage':>10}{'Satterthwaite':>15}")
    for difference, seeds, seed_sd in product((False, True), SEEDS, SEED_SD):
        row = coverage(seeds, seed_sd, difference, replicates)
        rows.append(row)
        print(
            f"{'difference' if difference else 'accuracy':12}{seeds:6}{100 * seed_sd:9.1f}"
            f"{100 * row.half_width:12.2f}{100 * row.coverage:9.1f}%{100 * row.satterthwaite:14.1f}%"
            f"{'' if row.holds else '  missed'}",
            flush=True,
        )
    error = 100 * np.sqrt(LEVEL * (1 - LEVEL) / replicates)
    print(f"{replicates:,} studies a row, standard error {error:.2f}; {time.perf_counter() - start:.0f} s")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
