"""Predictions as one reading of a run gives them, and what the seeds of one cell of a study measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paper_kit.core.arrays import damaged_predictions, read_npz
from paper_kit.core.errors import InputError
from paper_kit.core.spec import Reading
from paper_kit.stats import calibration, metrics
from paper_kit.stats.metrics import Average, Floats, Integers


class RunReading(NamedTuple):
    """A run by its id, read one way: the origin of a number."""

    run: str
    views: tuple[str, ...]
    average: Average = "probability"
    split: str = "test"
    epoch: str = "selected"

    def __str__(self) -> str:
        return f"{self.run} {self.split} {self.epoch} {'+'.join(self.views)} {self.average}"


def run_reading(reading: Reading) -> RunReading:
    """The reading with its run named by id."""
    return RunReading(reading.run.id, tuple(reading.views), reading.average, reading.split, reading.epoch)


@dataclass(frozen=True)
class Predictions:
    """Class probabilities of N images with their labels and ids."""

    probabilities: Floats  # NK
    labels: Integers  # N
    ids: NDArray[Any]  # N

    @cached_property
    def predicted_N(self) -> Integers:
        """The most probable class of each image."""
        predicted_N: Integers = self.probabilities.argmax(axis=1).astype(np.int64)
        return predicted_N

    @property
    def right_N(self) -> NDArray[np.bool_]:
        """Which images were predicted as labelled."""
        right_N: NDArray[np.bool_] = self.predicted_N == self.labels
        return right_N

    @cached_property
    def counts_KK(self) -> Integers:
        """The confusion matrix: row is the label, column the prediction."""
        return metrics.confusion_matrix(self.labels, self.predicted_N, self.probabilities.shape[1])

    @cached_property
    def metrics(self) -> Mapping[str, float]:
        """Accuracy, macro F1, balanced accuracy, ECE, Brier score (fractions) and NLL (nats) by name."""
        return {
            "accuracy": metrics.accuracy(self.counts_KK),
            "macro_f1": metrics.macro_f1(self.counts_KK),
            "balanced_accuracy": metrics.balanced_accuracy(self.counts_KK),
            "ece": calibration.expected_calibration_error(self.probabilities, self.labels),
            "brier": calibration.brier_score(self.probabilities, self.labels),
            "nll": calibration.negative_log_likelihood(self.probabilities, self.labels),
        }


MOST_CLASSES = 100_000  # that embeddings may name
METRICS = ("accuracy", "macro_f1", "balanced_accuracy", "ece", "brier", "nll")


def read_predictions(path: Path, reading: RunReading, recorded_views: tuple[str, ...]) -> Predictions:
    """The predictions in a predictions.npz; InputError where the file lacks what the reading needs."""
    absent = [view for view in reading.views if view not in recorded_views]
    if absent:
        raise InputError(
            f"{path}: the views {', '.join(absent)} were not recorded, only {', '.join(recorded_views)}. "
            "Add them to base.views and type `paperkit run-all`."
        )
    places = [recorded_views.index(view) for view in reading.views]
    try:
        logits_VNK, labels_N, ids_N = _read(path, reading, len(recorded_views))
    except (OSError, ValueError) as error:
        raise damaged_predictions(path, error) from None
    logits_VNK = logits_VNK[places]
    if not np.isfinite(logits_VNK).all():
        raise InputError(
            f"{path}: its {reading.split} predictions hold numbers that are not finite. Delete the run's "
            "record.json and type `paperkit run-all` to train the run again."
        )
    return Predictions(metrics.probabilities(logits_VNK, reading.average), labels_N.astype(np.int64), ids_N)


def _read(path: Path, reading: RunReading, views: int) -> tuple[Floats, Integers, NDArray[Any]]:
    """Logits_VNK, labels_N and ids_N of the reading's split; ValueError where they do not fit together."""
    split = reading.split
    names = (f"{split}_{reading.epoch}_VNK", f"{split}_labels_N", f"{split}_ids_N")
    held = read_npz(path, names)
    check_arrays(held)
    logits_VNK, labels_N, ids_N = (held[name] for name in names)
    if len(logits_VNK) != views:
        raise ValueError(f"{names[0]} has {len(logits_VNK)} views, the record {views}")
    return logits_VNK, labels_N, ids_N


def check_arrays(held: Mapping[str, NDArray[Any]]) -> None:
    """Nothing; ValueError where logits, labels and ids of a split do not fit, or are of another kind."""
    for name in (name for name in held if name.endswith("_VNK")):
        split = name.partition("_")[0]
        logits_VNK = held[name]
        labels_N, ids_N = (held.get(f"{split}_{what}", np.zeros(0)) for what in ("labels_N", "ids_N"))
        if logits_VNK.ndim != 3 or logits_VNK.dtype.kind != "f" or not logits_VNK.size:
            raise ValueError(f"{name} holds no logits")
        images, classes = logits_VNK.shape[1:]
        if labels_N.shape != (images,) or ids_N.shape != (images,) or ids_N.dtype.kind != "U":
            raise ValueError(f"{images} images in {name}, labels {labels_N.shape}, ids {ids_N.shape}")
        if labels_N.dtype.kind not in "iu" or not 0 <= labels_N.min() <= labels_N.max() < classes:
            raise ValueError(f"{split}_labels_N holds what is none of {classes} classes")


def check_embeddings(features_ND: NDArray[Any], labels_N: NDArray[Any], ids_N: NDArray[Any]) -> None:
    """Nothing; ValueError where the embeddings of images do not fit together or hold what no run writes."""
    images = len(labels_N) if labels_N.ndim == 1 else -1
    if features_ND.ndim != 2 or len(features_ND) != images or ids_N.shape != (images,):
        raise ValueError("its arrays are not of one length")
    if features_ND.dtype.kind != "f" or not np.isfinite(features_ND).all():
        raise ValueError("its features are no finite numbers")
    known = labels_N.dtype.kind in "iu" and ((labels_N >= 0) & (labels_N < MOST_CLASSES)).all()
    if not known:
        raise ValueError("its labels are no classes")


@dataclass(frozen=True)
class Measured:
    """What the seeds of one cell measured: readings and seeds as planned, predictions of those finished."""

    readings: tuple[RunReading, ...]
    seeds: tuple[int, ...]
    predictions: tuple[Predictions, ...]

    @property
    def complete(self) -> bool:
        """Whether every seed of the cell is done."""
        return 0 < len(self.readings) == len(self.predictions)

    def values(self, metric: str) -> Floats:
        """One value of the metric a finished seed."""
        return np.array([one.metrics[metric] for one in self.predictions], dtype=np.float64)

    def mean(self, metric: str) -> float | None:
        """Mean over the seeds; None where a seed is missing: no mean of fewer is printed as the whole."""
        return _finite(self.values(metric).mean()) if self.complete else None

    def deviation(self, metric: str) -> float | None:
        """Standard deviation over the seeds (n - 1); None for one seed or where one is missing."""
        if not self.complete or len(self.readings) < 2:
            return None
        return _finite(self.values(metric).std(ddof=1))

    @cached_property
    def counts_KK(self) -> Integers | None:
        """The confusion matrix summed over the finished seeds; None where there are none."""
        if not self.predictions:
            return None
        total: Integers = np.sum([one.counts_KK for one in self.predictions], axis=0)
        return total


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
