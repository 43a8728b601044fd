"""The experiment files with the runs that fit each of their cells, which are told by their settings."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from defaults import flat, wanted
from stored import Cell, Reading, Records

BASE = "base"


@dataclass(frozen=True)
class Study:
    """An experiment file with the run that fits each of its cells."""

    name: str
    experiment: Mapping[str, Any]
    records: Records
    runs: Mapping[tuple[str, str, int], str] = field(default_factory=dict)  # model, ablation, seed -> run
    problems: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What the paper calls it."""
        return str(self.experiment.get("title") or self.name)

    @property
    def models(self) -> dict[str, str]:
        """Key of a model -> its label, in the order of the file."""
        return {model["key"]: model["label"] for model in self.experiment["model"]}

    @property
    def ablations(self) -> dict[str, str]:
        """Key of an ablation -> its label."""
        return {ablation["key"]: ablation["label"] for ablation in self.experiment.get("ablation", ())}

    @property
    def seeds(self) -> list[int]:
        """The seeds of the file."""
        return list(self.experiment["seeds"])

    @cached_property
    def best_first(self) -> list[str]:
        """The models by accuracy."""
        return sorted(self.models, key=lambda model: -self.cell(model).metric("accuracy"))

    @property
    def classes(self) -> list[str]:
        """Names of the classes, by label."""
        return list(self.record(next(iter(self.models)))["classes"])

    @property
    def trainings(self) -> list[str]:
        """The runs behind the cells, each once, seed by seed."""
        order = sorted(self.runs, key=lambda cell: self.seeds.index(cell[2]))  # the sort is stable
        return list(dict.fromkeys(self.runs[cell] for cell in order))

    @property
    def sources(self) -> list[str]:
        """Runs of the source task that the cells start from."""
        starts = (self.records.specs[run]["transfer"]["run"] for run in self.runs.values())
        return sorted({run for run in starts if run})

    def run(self, model: str, ablation: str = BASE) -> str:
        """The run of a cell's first seed."""
        return self.runs[model, self._trained(ablation), self.seeds[0]]

    def record(self, model: str) -> Any:
        """The record of a model's base run of the first seed."""
        return self.records.records[self.run(model)]

    def spec(self, model: str) -> Any:
        """The specification of a model's base run of the first seed."""
        return self.records.specs[self.run(model)]

    def reading(self, ablation: str = BASE) -> dict[str, Any]:
        """How a cell's runs are read."""
        entry = self._entry(ablation)
        return {"average": "probability", **self.experiment["reading"], **entry.get("reading", {})}

    def readings(self, model: str, ablation: str = BASE) -> tuple[Reading, ...]:
        """The run and the views of each seed of a cell; KeyError for a reading that is not known here."""
        told = self.reading(ablation)
        if told["average"] != "probability":
            raise KeyError(f"a mean of {told['average']}s")
        views, own = tuple(told["views"]), self._trained(ablation)
        return tuple((self.runs[model, own, seed], views) for seed in self.seeds)

    def cell(self, model: str, ablation: str = BASE, split: str = "test") -> Cell:
        """The predictions of a model with an ablation; one that only reads otherwise reads the base run."""
        readings = self.readings(model, ablation)
        return Cell(readings, tuple(self.records.predicted(each, split) for each in readings))

    def applies(self, model: str, ablation: str) -> bool:
        """Whether an ablation changes anything of a model."""
        return self.readings(model, ablation) != self.readings(model)

    @property
    def changed(self) -> list[tuple[str, str]]:
        """(model, ablation) of every cell in which an ablation changes something."""
        pairs = [(model, ablation) for model in self.models for ablation in self.ablations]
        return [pair for pair in pairs if self.applies(*pair)]

    def pooled_KK(self, ablation: str = BASE, models: Sequence[str] = ()) -> np.ndarray:
        """The confusion matrices of all models and seeds, added up."""
        cells = [self.cell(model, ablation).counts_KK for model in models or self.models]
        total_KK: np.ndarray = np.sum(cells, axis=0)
        return total_KK

    def _entry(self, ablation: str) -> Mapping[str, Any]:
        entries: Sequence[Mapping[str, Any]] = self.experiment.get("ablation", ())
        return next((each for each in entries if each["key"] == ablation), {})

    def _trained(self, ablation: str) -> str:
        return ablation if self._entry(ablation).get("set") else BASE


@dataclass(frozen=True)
class Studies:
    """The studies of a paper by name, the main one first."""

    by_name: Mapping[str, Study]

    @property
    def main(self) -> Study:
        """The study that keys without a name speak of."""
        return next(iter(self.by_name.values()))

    @property
    def further(self) -> dict[str, Study]:
        """Step of a key -> study, of all but the main one."""
        return {slug(study.name): study for study in list(self.by_name.values())[1:]}

    def of_key(self, key: str) -> tuple[Study, str]:
        """The study that a key speaks of, and the key without its name: "results of x.y" is results.y."""
        for name, study in self.by_name.items():
            topic, of, rest = key.partition(f" of {name}.")
            if of and topic.isalpha():
                return study, f"{topic}.{rest}"
        return self.main, key


def read_studies(root: Path, names: Sequence[str], records: Records) -> Studies:
    """The studies of these experiment files."""
    return Studies({name: read_study(root, name, records) for name in names})


def read_study(root: Path, name: str, records: Records) -> Study:
    """The study of an experiment file, whose runs are told by their settings and by no name."""
    path = root / "experiments" / f"{name}.toml"
    experiment = tomllib.loads(path.read_text(encoding="utf-8"))
    experiment.setdefault("reading", {"views": ["identity"]})
    specs = {run: flat(spec) for run, spec in records.specs.items()}
    runs: dict[tuple[str, str, int], str] = {}
    problems: list[str] = []
    for model in experiment["model"]:
        for ablation in [{"key": BASE, "set": {}}, *experiment.get("ablation", ())]:
            if "set" not in ablation:
                continue
            base = {**experiment.get("base", {}), "model": model["part"]}
            asked = wanted(root, base, model.get("set", {}), ablation["set"])
            for seed in experiment["seeds"]:
                fits = [run for run, spec in specs.items() if _fits(spec, {**asked, "seed": seed})]
                if len(fits) == 1:
                    runs[model["key"], ablation["key"], seed] = fits[0]
                else:
                    cell = f"{name}: {model['key']}, {ablation['key']}, seed {seed}"
                    problems.append(f"{cell}: {len(fits)} runs fit the experiment file")
    return Study(name, experiment, records, runs, tuple(problems))


def _fits(spec: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Whether a specification has every wanted value, the run that it starts from aside.

    Without transfer the other fields of it do not matter; a weights file is named where the file names it.
    """
    idle = {"transfer.run"} | ({"transfer.weights_sha256"} if not asked["transfer.weights_sha256"] else set())
    if asked["transfer.source"] == "none":
        idle |= {name for name in asked if name.startswith("transfer.") and name != "transfer.source"}
    return all(name in idle or name not in spec or spec[name] == value for name, value in asked.items())


def slug(name: str) -> str:
    """A name as a step of a key."""
    found = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return f"c{found}" if found[:1].isdigit() else found
