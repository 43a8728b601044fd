"""How sure a mean over seeds and images is, when every seed's network reads the same images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, sqrt
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paper_kit.core.errors import InputError
from paper_kit.stats.metrics import Floats

CROSSED_FROM = 3  # seeds; a variance between two seeds has one degree of freedom: its interval says nothing
DEGREES_AT = 0.95  # one level for the degrees, so that interval, p and equivalence test agree
CONSTANT = 1e-12  # scores that vary less are equal but for the arithmetic
CELLS = 2_000_000  # bootstrap weights held at a time, 16 MB

Noise = Literal["seeds and images", "images"]


class MeanSquares(NamedTuple):
    """Mean squares of the two-way table of seeds and images, one score in each cell."""

    seed: float
    image: float
    residual: float


@dataclass(frozen=True)
class Components:
    """The mean of a score, and its variance from seed to seed, from image to image, and what is left."""

    mean: float
    seed: float
    image: float
    residual: float


@dataclass(frozen=True)
class Estimate:
    """A mean with its interval, its t test, which noise they cover, and on how many images it varies."""

    mean: float
    low: float
    high: float
    standard_error: float
    degrees: float
    p: float
    seeds: int
    noise: Noise
    images: int


def mean_squares(scores_RN: NDArray[Any]) -> MeanSquares:
    """The mean squares of seeds, images and residual, in the scores' unit squared.

    InputError with fewer than two seeds or two images.
    Source: Cornfield & Tukey 1956, Average values of mean squares in factorials, the two-way table.
    """
    scores_RN = _table(scores_RN)
    seeds, images = scores_RN.shape
    if seeds < 2 or images < 2:
        raise InputError(
            f"Variance components need at least 2 seeds and 2 images; found {seeds} seeds, {images} images. "
            "Add seeds to the experiment and type `paperkit run-all`."
        )
    centred_RN = scores_RN - scores_RN.mean()
    of_seeds = images * float((centred_RN.mean(axis=1) ** 2).sum())
    of_images = seeds * float((centred_RN.mean(axis=0) ** 2).sum())
    left = max(float((centred_RN**2).sum()) - of_seeds - of_images, 0.0)  # rounding can leave -1e-17
    return MeanSquares(of_seeds / (seeds - 1), of_images / (images - 1), left / ((seeds - 1) * (images - 1)))


def components(scores_RN: NDArray[Any]) -> Components:
    """Mean, and the variances of seeds, images and residual in the scores' unit squared, none below 0.

    InputError with fewer than two seeds or two images.
    Source: Cornfield & Tukey 1956; Brennan 2001, Generalizability Theory, chapter 3, the p x i design; a
    negative estimate is set to 0.
    """
    squares = mean_squares(scores_RN)
    scores_RN = _table(scores_RN)
    seeds, images = scores_RN.shape
    return Components(
        mean=float(scores_RN.mean()),
        seed=max((squares.seed - squares.residual) / images, 0.0),
        image=max((squares.image - squares.residual) / seeds, 0.0),
        residual=squares.residual,
    )


def mean_interval(
    scores_RN: NDArray[Any], level: float = 0.95, null: float = 0.0, carriers: int = 0
) -> Estimate:
    """The mean score with its t interval and the two-sided p that it is `null`, in the scores' unit.

    From three seeds on, seeds and images are both drawn: the variance is (MS_seed + MS_image - MS_residual) /
    RN, with MS_image - MS_residual not below 0. For a comparison pass the differences of two models seed by
    seed and image by image. With one or two seeds the seeds' scores are averaged image by image, and the
    interval holds for these networks only: `noise` says so. `carriers` are the images on which the score can
    vary where these are fewer, such as those of one class: they set the degrees. InputError below two images.

    Scores that do not vary on n images say no more than that variation is rare: the interval then reaches to
    what n images would miss with a probability of 1 - level, and p is the chance that they all miss a share
    as large as the distance from `null` (Clopper & Pearson 1934 at zero successes, as the rule of three).

    Degrees: those of the t distribution whose critical value at 95 % is Cochran's, w t(R - 1) + (1 - w)
    t(N - 1), w the seeds' share of the variance, MS_seed / RN. Satterthwaite's are too many at three seeds.
    Simulated, three seeds, MS_seed drawn from its chi-square distribution, any share w: his 95 % interval
    covers 92.1 to 95.1 %, this one 94.9 to 97.2 %. On binary scores of 3,589 images, 3 to 10 seeds
    (benchmarks/coverage.py, 24 designs of 4,000 studies): his 91.4 to 95.6 %, this one 93.9 to 97.0 %.

    Source: variance by Cornfield & Tukey 1956, as for readers and cases in Obuchowski & Rockette 1995,
    Hypothesis testing of diagnostic accuracy for multiple readers and multiple tests; degrees by Cochran
    1964, Approximate significance levels of the Behrens-Fisher test.
    """
    scores_RN = _table(scores_RN)
    seeds, images = scores_RN.shape
    if images < 2:
        raise InputError(f"An interval needs at least 2 images; found {images}. Use a larger split.")
    carried = max(2, carriers or images)
    mean = float(scores_RN.mean())
    if float(np.ptp(scores_RN)) < CONSTANT:
        return _constant(mean, carried, seeds, level, null)
    if seeds < CROSSED_FROM:
        variance = float(scores_RN.mean(axis=0).var(ddof=1)) / images
        degrees = carried - 1.0
    else:
        variance, degrees = _crossed(mean_squares(scores_RN), seeds, images, carried)
    variance *= carried / (carried - 1) * (images - 1) / images  # n - 1 of the images that vary
    return _estimate(mean, sqrt(variance), degrees, (seeds, carried), level, null)


def bootstrap_interval(
    scores_RN: NDArray[Any], level: float = 0.95, draws: int = 10_000, seed: int = 0, null: float = 0.0
) -> Estimate:
    """The mean score with its percentile interval, from seeds and images drawn anew, in the scores' unit.

    With one or two seeds only the images are drawn. `p` is twice the smaller share of draws on either side of
    `null`, not below 2 / (draws + 1); `degrees` is infinite. With few seeds it is too narrow: drawing R seeds
    again shrinks their variance by (R - 1) / R. It is a check of mean_interval, for many seeds or odd scores.

    Source: Owen 2007, The pigeonhole bootstrap; by weights: each draw counts how often a seed and an image
    came. p as in Davison & Hinkley 1997, Bootstrap Methods and their Application, equation 4.11.
    """
    scores_RN = _table(scores_RN)
    seeds, images = scores_RN.shape
    rng = np.random.default_rng(seed)
    step = max(1, CELLS // images)
    means = []
    for start in range(0, draws, step):
        count = min(step, draws - start)
        drawn_BN = _counts(rng, count, images)
        drawn_BR = _counts(rng, count, seeds) if seeds >= CROSSED_FROM else np.ones((count, seeds))
        means.append(((drawn_BN @ scores_RN.T) * drawn_BR).sum(axis=1) / (images * seeds))
    means_B = np.concatenate(means)
    low, high = np.quantile(means_B, [(1 - level) / 2, (1 + level) / 2])
    tail = min((means_B <= null).sum(), (means_B >= null).sum())
    return Estimate(
        mean=float(scores_RN.mean()),
        low=float(low),
        high=float(high),
        standard_error=float(means_B.std(ddof=1)),
        degrees=inf,
        p=min(1.0, 2 * (float(tail) + 1) / (draws + 1)),
        seeds=seeds,
        noise=_noise(seeds),
        images=images,
    )


def _table(scores_RN: NDArray[Any]) -> Floats:
    scores: Floats = np.asarray(scores_RN, dtype=np.float64)
    if scores.ndim != 2 or not scores.size:
        raise InputError(
            f"Scores are a table of seeds x images; found the shape {scores.shape}. "
            "Pass scores_N[None] for one seed."
        )
    return scores


def _constant(mean: float, images: int, seeds: int, level: float, null: float) -> Estimate:
    """The estimate from scores that are all equal."""
    half = 1 - (1 - level) ** (1 / images)
    p = 1.0 if abs(mean - null) < CONSTANT else unseen(abs(mean - null), images)
    return Estimate(mean, mean - half, mean + half, 0.0, images - 1.0, p, seeds, _noise(seeds), images)


def unseen(share: float, images: int) -> float:
    """The probability that no one of the images is among a share of all images."""
    return float((1 - min(1.0, max(0.0, share))) ** images)


def _crossed(squares: MeanSquares, seeds: int, images: int, carried: int) -> tuple[float, float]:
    """(variance of the mean, its degrees) with seeds and images both drawn."""
    of_seeds = squares.seed / (seeds * images)  # this holds the residual too
    of_images = max((squares.image - squares.residual) / (seeds * images), 0.0)
    variance = of_seeds + of_images
    return variance, _degrees(of_seeds / variance if variance else 1.0, seeds, carried)


def _degrees(share: float, seeds: int, images: int) -> float:
    """The degrees whose critical value is the mean of that of seeds and of images, weighed by `share`."""
    from scipy.special import stdtridf, stdtrit

    tail = (1 + DEGREES_AT) / 2
    of_seeds, of_images = stdtrit(seeds - 1, tail), stdtrit(images - 1, tail)
    fewest, most = sorted((seeds - 1, images - 1))
    # the ends are where rounding or very many images leave the inverse without an answer
    found = float(stdtridf(tail, share * of_seeds + (1 - share) * of_images))
    return min(max(found, float(fewest)), float(most))


def _estimate(
    mean: float, standard_error: float, degrees: float, drawn: tuple[int, int], level: float, null: float
) -> Estimate:
    from scipy.special import stdtr, stdtrit

    seeds, images = drawn
    half = float(stdtrit(degrees, (1 + level) / 2)) * standard_error
    if standard_error < CONSTANT:
        return replace(_constant(mean, images, seeds, level, null), degrees=degrees)
    p = 2 * float(stdtr(degrees, -abs(mean - null) / standard_error))
    return Estimate(mean, mean - half, mean + half, standard_error, degrees, p, seeds, _noise(seeds), images)


def _noise(seeds: int) -> Noise:
    return "seeds and images" if seeds >= CROSSED_FROM else "images"


def _counts(rng: np.random.Generator, draws: int, things: int) -> Floats:
    """Counts_BT: how often each of the things came in each of the draws, things at a time."""
    drawn_BT = rng.integers(0, things, (draws, things)) + np.arange(draws)[:, None] * things
    counts = np.bincount(drawn_BT.ravel(), minlength=draws * things)
    return counts.reshape(draws, things).astype(np.float64)
