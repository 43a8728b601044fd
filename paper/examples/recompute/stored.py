"""What the packed records and the experiment file hold: runs found by their settings, logits read anew."""

from __future__ import annotations

import hashlib
import io
import json
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

BASE = "base"
ECE_BINS = 15  # Guo et al. 2017, section 4, which the paper cites for its ECE


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

    def metric(self, name: str) -> float:
        """The metric of this name; KeyError for one that the paper does not print."""
        counts_KK = self.counts_KK.astype(float)
        hits_K, of_label_K, of_choice_K = np.diag(counts_KK), counts_KK.sum(axis=1), counts_KK.sum(axis=0)
        own_N = self.probabilities[np.arange(len(self.labels)), self.labels]
        each = {
            "accuracy": lambda: hits_K.sum() / counts_KK.sum(),
            "macro_f1": lambda: np.mean(2 * hits_K / np.maximum(of_label_K + of_choice_K, 1)),
            "balanced_accuracy": lambda: np.mean(hits_K / of_label_K),
            "mean_recall": lambda: np.mean(hits_K / of_label_K),
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
        """The arrays of a packed file."""
        with np.load(io.BytesIO(self._archive.read(name))) as held:
            return dict(held)

    def test_readings(self, run: str) -> int:
        """How many epochs of a run were read on test images."""
        with np.load(io.BytesIO(self._archive.read(f"{run}/predictions.npz"))) as held:
            return sum(name.startswith("test_") and name.endswith("_VNK") for name in held.files)

    def predicted(self, run: str, views: tuple[str, ...], split: str = "test") -> Predicted:
        """The mean of the softmaxes over views of the selected epoch."""
        if (run, views, split) not in self._read:
            with np.load(io.BytesIO(self._archive.read(f"{run}/predictions.npz"))) as held:
                places = [self.specs[run]["views"].index(view) for view in views]
                logits_VNK = held[f"{split}_selected_VNK"][places].astype(float)
                labels_N, ids_N = held[f"{split}_labels_N"], held[f"{split}_ids_N"]
            powers_VNK = np.exp(logits_VNK - logits_VNK.max(axis=2, keepdims=True))
            softmax_VNK = powers_VNK / powers_VNK.sum(axis=2, keepdims=True)
            self._read[run, views, split] = Predicted(softmax_VNK.mean(axis=0), labels_N, ids_N)
        return self._read[run, views, split]


@dataclass(frozen=True)
class Study:
    """The experiment file with the run that fits each of its cells."""

    experiment: Mapping[str, Any]
    records: Records
    runs: Mapping[tuple[str, str], str] = field(default_factory=dict)  # (model, ablation) -> run
    problems: tuple[str, ...] = ()

    @property
    def models(self) -> dict[str, str]:
        """Key of a model -> its label, in the order of the file."""
        return {model["key"]: model["label"] for model in self.experiment["model"]}

    @property
    def ablations(self) -> dict[str, str]:
        """Key of an ablation -> its label."""
        return {ablation["key"]: ablation["label"] for ablation in self.experiment["ablation"]}

    @property
    def best_first(self) -> list[str]:
        """The models by accuracy."""
        return sorted(self.models, key=lambda model: -self.cell(model).metric("accuracy"))

    @property
    def classes(self) -> list[str]:
        """Names of the classes, by label."""
        return list(self.record(next(iter(self.models)))["classes"])

    @property
    def sources(self) -> list[str]:
        """Runs of the source task that the cells start from."""
        starts = (self.records.specs[run]["transfer"]["run"] for run in self.runs.values())
        return sorted({run for run in starts if run})

    def record(self, model: str) -> Any:
        """The record of a model's base run."""
        return self.records.records[self.runs[model, BASE]]

    def spec(self, model: str) -> Any:
        """The specification of a model's base run."""
        return self.records.specs[self.runs[model, BASE]]

    def cell(self, model: str, ablation: str = BASE, split: str = "test") -> Predicted:
        """The predictions of a model with an ablation; one that only reads otherwise reads the base run."""
        entry = next((each for each in self.experiment["ablation"] if each["key"] == ablation), {})
        reading = {**self.experiment["reading"], **entry.get("reading", {})}
        own = ablation if entry.get("set") else BASE
        return self.records.predicted(self.runs[model, own], tuple(reading["views"]), split)

    def pooled_KK(self, ablation: str = BASE) -> np.ndarray:
        """The confusion matrices of all models, added up."""
        return np.sum([self.cell(model, ablation).counts_KK for model in self.models], axis=0)


def read_study(path: Path, records: Records) -> Study:
    """The study of an experiment file, whose runs are told by their settings and by no name."""
    experiment = tomllib.loads(path.read_text(encoding="utf-8"))
    if len(experiment["seeds"]) != 1:
        raise ValueError(
            f"{path}: {len(experiment['seeds'])} seeds; this script recomputes studies of one seed"
        )
    runs: dict[tuple[str, str], str] = {}
    problems: list[str] = []
    for model in experiment["model"]:
        for ablation in [{"key": BASE, "set": {}}, *experiment["ablation"]]:
            if "set" not in ablation:
                continue
            wanted = dict(_flat({**experiment["base"], "model": model["part"]}))
            wanted |= {**dict(_flat(model.get("set", {}))), **ablation["set"], "seed": experiment["seeds"][0]}
            fits = [run for run, spec in records.specs.items() if _fits(dict(_flat(spec)), wanted)]
            if len(fits) == 1:
                runs[model["key"], ablation["key"]] = fits[0]
            else:
                problems.append(
                    f"{model['key']}, {ablation['key']}: {len(fits)} runs fit the experiment file"
                )
    return Study(experiment, records, runs, tuple(problems))


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, item in value.items():
        if isinstance(item, Mapping):
            yield from _flat(item, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", item


def _fits(spec: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a specification has every wanted value; without transfer its other fields do not matter."""
    return all(
        spec.get(name) == value
        or (
            name.startswith("transfer.") and name != "transfer.source" and wanted["transfer.source"] == "none"
        )
        for name, value in wanted.items()
    )
