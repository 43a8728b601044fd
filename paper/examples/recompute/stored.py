"""What the packed records hold: runs with their settings, and logits read anew, one network or one a seed."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

ECE_BINS = 15  # Guo et al. 2017, section 4, which the paper cites for its ECE
Reading = tuple[str, tuple[str, ...]]  # a run, and the views that are averaged


@dataclass(frozen=True)
class Predicted:
    """Class probabilities of N images with their labels and ids, and what follows from them."""

    probabilities: np.ndarray  # NK
    labels: np.ndarray  # N
    ids: np.ndarray  # N

    @cached_property
    def chosen_N(self) -> np.ndarray:
        """The most probable class of each image."""
        return self.probabilities.argmax(axis=1)

    @cached_property
    def right_N(self) -> np.ndarray:
        """1.0 where the chosen class is the label, else 0.0."""
        return (self.chosen_N == self.labels).astype(float)

    @cached_property
    def counts_KK(self) -> np.ndarray:
        """The confusion matrix: label by chosen class."""
        counts_KK = np.zeros((self.probabilities.shape[1],) * 2, dtype=int)
        for label, chosen in zip(self.labels, self.chosen_N, strict=True):
            counts_KK[label, chosen] += 1
        return counts_KK

    @cached_property
    def recall_K(self) -> np.ndarray:
        """The share of each class's images that is recognised; nan of a class without images."""
        with np.errstate(invalid="ignore"):
            return np.diag(self.counts_KK) / self.counts_KK.sum(axis=1)

    def metric(self, name: str) -> float:
        """The metric of this name; KeyError for one that the paper does not print."""
        counts_KK = self.counts_KK.astype(float)
        hits_K, of_label_K, of_choice_K = np.diag(counts_KK), counts_KK.sum(axis=1), counts_KK.sum(axis=0)
        own_N = self.probabilities[np.arange(len(self.labels)), self.labels]
        there_K = of_label_K + of_choice_K > 0
        each = {
            "accuracy": lambda: hits_K.sum() / counts_KK.sum(),
            "macro_f1": lambda: np.mean((2 * hits_K / np.maximum(of_label_K + of_choice_K, 1))[there_K]),
            "balanced_accuracy": lambda: np.nanmean(self.recall_K),
            "mean_recall": lambda: np.nanmean(self.recall_K),
            "ece": self._ece,
            "brier": lambda: np.mean(((self.probabilities - np.eye(len(hits_K))[self.labels]) ** 2).sum(1)),
            "nll": lambda: -np.mean(np.log(np.maximum(own_N, 1e-15))),
        }
        return float(each[name]())

    def _ece(self) -> float:
        """Confidence less accuracy, in size, bin by bin; each bin counts by its images."""
        sure_N, total = self.probabilities.max(axis=1), 0.0
        for low in np.arange(ECE_BINS) / ECE_BINS:
            inside_N = (sure_N > low) & (sure_N <= low + 1 / ECE_BINS)
            if inside_N.any():
                total += inside_N.mean() * abs(sure_N[inside_N].mean() - self.right_N[inside_N].mean())
        return total


@dataclass(frozen=True)
class Cell:
    """What the networks of one cell of a study predicted, one a seed, on the same images."""

    readings: tuple[Reading, ...]
    seeds: tuple[Predicted, ...]

    @property
    def first(self) -> Predicted:
        """The network of the first seed."""
        return self.seeds[0]

    @property
    def ids(self) -> np.ndarray:
        """Names of the images."""
        return self.first.ids

    @property
    def labels(self) -> np.ndarray:
        """Labels of the images."""
        return self.first.labels

    def values(self, name: str) -> np.ndarray:
        """The metric of each seed."""
        return np.array([each.metric(name) for each in self.seeds])

    def metric(self, name: str) -> float:
        """The metric's mean over the seeds."""
        return float(self.values(name).mean())

    @cached_property
    def counts_KK(self) -> np.ndarray:
        """The confusion matrices of all seeds, added up."""
        total_KK: np.ndarray = np.sum([each.counts_KK for each in self.seeds], axis=0)
        return total_KK


class Records:
    """records.zip, each file held against the SHA-256 in its manifest."""

    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path)
        self.files: dict[str, Any] = json.loads(self._archive.read("manifest.json"))["files"]
        self.damaged = [
            name
            for name, entry in self.files.items()
            if hashlib.sha256(self._archive.read(name)).hexdigest() != entry["sha256"]
        ]
        ids = sorted(name.split("/")[0] for name in self.files if name.endswith("/record.json"))
        self.records = {run: self.json(f"{run}/record.json") for run in ids}
        self.specs = {run: self.json(f"{run}/spec.json") for run in ids}
        self.costs = {name[:-5]: self.json(name) for name in self.files if name.startswith("costs/")}
        self.searches = [self.json(name) for name in self.files if name.startswith("tuning/")]
        self.audits = [self.json(name) for name in self.files if name.startswith("audits/")]
        self._read: dict[tuple[object, ...], Predicted] = {}

    def json(self, name: str) -> Any:
        """The content of a JSON file."""
        return json.loads(self._archive.read(name))

    def history(self, run: str) -> list[dict[str, Any]]:
        """What a run noted after each epoch."""
        return [json.loads(line) for line in self._archive.read(f"{run}/history.jsonl").splitlines() if line]

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """The arrays of a packed file; those that the pack left out are the ones that they equal."""
        with np.load(io.BytesIO(self._archive.read(name))) as held:
            found = dict(held)
        return found | {left: found[kept] for left, kept in self.files[name].get("same", {}).items()}

    def test_readings(self, run: str) -> list[str]:
        """The arrays of what a run predicted of test images."""
        with np.load(io.BytesIO(self._archive.read(f"{run}/predictions.npz"))) as held:
            names = {*held.files, *self.files[f"{run}/predictions.npz"].get("same", {})}
        return sorted(name for name in names if name.startswith("test_") and name.endswith("_VNK"))

    def predicted(self, reading: Reading, split: str = "test") -> Predicted:
        """The mean of the softmaxes over views of the selected epoch; KeyError for what is not packed."""
        if (reading, split) not in self._read:
            run, views = reading
            held = self.arrays(f"{run}/predictions.npz")
            places = [self.specs[run]["views"].index(view) for view in views]
            logits_VNK = held[f"{split}_selected_VNK"][places].astype(float)
            powers_VNK = np.exp(logits_VNK - logits_VNK.max(axis=2, keepdims=True))
            softmax_VNK = powers_VNK / powers_VNK.sum(axis=2, keepdims=True)
            labels_N, ids_N = held[f"{split}_labels_N"], held[f"{split}_ids_N"]
            self._read[reading, split] = Predicted(softmax_VNK.mean(axis=0), labels_N, ids_N)
        return self._read[reading, split]
