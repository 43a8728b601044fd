"""Whether a run that was trained again came out the same, within what chance explains."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np

from paper_kit.analysis.predictions import Predictions, read_predictions, run_reading
from paper_kit.analysis.results import Results
from paper_kit.core.arrays import read_npz
from paper_kit.core.plan import Row
from paper_kit.core.store import Store
from paper_kit.stats.intervals import wilson
from paper_kit.stats.tests import mcnemar

LEVEL = 0.95


@dataclass(frozen=True)
class Repeat:
    """The accuracy of a run, then and again (fractions), and what it may differ by.

    `noise` says what `tolerance` is made of; `p` is McNemar's, for the two on the same images (nan where
    the images are others).
    """

    run: str
    before: float
    again: float
    tolerance: float
    noise: str
    p: float
    identical: bool

    @property
    def change(self) -> float:
        """The new accuracy less the old one."""
        return self.again - self.before

    @property
    def holds(self) -> bool:
        """Whether the two agree: bit for bit, or within the noise."""
        return self.identical or abs(self.change) <= self.tolerance


def repeated(results: Results, row: Row, again: Store) -> Repeat:
    """The Repeat of a row's run, whose second training lies in the Store `again`.

    With two seeds or more the tolerance is what two runs of the cell differ by in 95 % of cases, from the
    deviation over its seeds (Student's t); with one seed it is half of Wilson's 95 % interval.
    """
    reading = run_reading(row.reading)
    views = tuple(results.record(reading.run).spec["views"])
    files = [store.file(reading.run, "predictions.npz") for store in (results.store, again)]
    old, new = (read_predictions(file, reading, views) for file in files)
    before, after = (float(one.metrics["accuracy"]) for one in (old, new))
    tolerance, noise = _tolerance(results, row, old)
    return Repeat(reading.run, before, after, tolerance, noise, _paired(old, new), _identical(*files))


def _tolerance(results: Results, row: Row, old: Predictions) -> tuple[float, str]:
    """What two runs of the cell may differ by, as a fraction, and what that rests on."""
    accuracy_R = results.measured(row.model_key, row.ablation_key, row.experiment).values("accuracy")
    seeds, images = len(accuracy_R), len(old.labels)
    if seeds > 1:
        from scipy.stats import t

        half = float(t.ppf((1 + LEVEL) / 2, seeds - 1)) * sqrt(2) * float(accuracy_R.std(ddof=1))
        return half, f"noise of {seeds} seeds"
    low, high = wilson(round(old.metrics["accuracy"] * images), images, LEVEL)
    return (high - low) / 2, f"noise of {images} images"


def _paired(old: Predictions, new: Predictions) -> float:
    """McNemar's p-value of two runs on the same images; nan where these are others."""
    if not np.array_equal(old.ids, new.ids) or not np.array_equal(old.labels, new.labels):
        return float("nan")
    return mcnemar(old.predicted_N == old.labels, new.predicted_N == new.labels)


def _identical(left: Path, right: Path) -> bool:
    """Whether two files of predictions hold the same arrays, bit for bit."""
    try:
        one, other = read_npz(left), read_npz(right)
    except ValueError:  # a damaged file is like no other
        return False
    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype and one[name].tobytes() == other[name].tobytes() for name in one
    )
