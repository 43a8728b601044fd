"""Numbers that no logits give: looked up in records, experiment files and source files."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from costs import Costs, of_one_machine, protocol, timing
from layers import end, of_part, of_row
from results import Value
from searches import decay_searches, searched
from stored import BASE, Study

NAMED = {  # how the manuscript words what a specification writes
    "fp32": "FP32", "bf16": "BF16", "fp16": "FP16", "adamw": "AdamW", "sgd": "SGD", "one_cycle": "one-cycle",
    "macro_f1": "macro F1", "run": "source task", "file": "weights file",
}  # fmt: skip
CONSTANTS = {  # where the source writes what a figure or an audit keeps to, by the start of the field
    "figure.tsne": "paper_kit/analysis/figures/tsne.py",
    "figure.level": "paper_kit/analysis/figures/accuracy_vs_cost.py",
    "figure.bins": "paper_kit/analysis/figures/reliability.py",
    "figure.mistakes": "paper_kit/analysis/figures/mistakes.py",
    "known": "paper_kit/data/known.py",
}


@dataclass(frozen=True)
class Fields:
    """The study with the files of the repository beside it."""

    study: Study
    root: Path

    @cached_property
    def paper(self) -> dict[str, Any]:
        """paper/paper.toml."""
        return tomllib.loads((self.root / "paper/paper.toml").read_text(encoding="utf-8"))

    @cached_property
    def published(self) -> dict[tuple[str, str], float]:
        """(dataset, method) -> published accuracy in percent."""
        told = tomllib.loads((self.root / "templates/literature.toml").read_text(encoding="utf-8"))
        return {(row["dataset"], row["name"]): row["value"] for row in told["result"]}

    def candidates(self, fact: Mapping[str, Any], row: str = "") -> list[Value]:
        """The values that the fact may state; KeyError where nothing is known of it.

        `row` is what stands left of it on its line: a table of settings names models there.
        """
        key, fields = fact["key"], fact["origin"]["fields"]
        start, *steps = key.split(".") if key else ["settings"]
        field = fields[0] if fields else ""
        if start in {"literature"}:
            return [self.published[steps[0], field.removeprefix("literature.toml: ")] / 100]
        if start in {"figure", "mistakes"} or field.startswith((*CONSTANTS, "paper_kit.")):
            return [self.constant(field, key.rpartition(".")[2])]
        if start in {"gallery", "saliency"}:
            return [self._picture(start, steps, fact["origin"]["runs"])]
        if start == "cost":
            return [self._cost(steps, field, fact)]
        if start == "model":
            return [self._model(steps, field)]
        if start == "tuning":
            return [searched(decay_searches(self.study.records.searches), steps)]
        if start in {"names", "study"}:
            models = self.study.models
            return [models[steps[0]] if start == "names" else listed([*models.values()])]
        if start in {"environment", "build"}:
            return self._environment(steps[-1], fact)
        if start == "data":
            return [self._data(steps, field)]
        if start == "audit":
            return [self._audit(steps[0])]
        return self._settings(field, fact, row)

    def constant(self, field: str, name: str) -> Value:
        """What the source writes behind a name; t-SNE draws as many images as it is told to."""
        if found := re.fullmatch(r"cost\.latency_p(\d+)", field):
            return int(found[1]) / 100
        place = next(
            (CONSTANTS[start] for start in CONSTANTS if field.startswith(start)), CONSTANTS["figure.tsne"]
        )
        if field.startswith("paper_kit."):
            module, _, name = field.rpartition(".")
            place = f"{module.replace('.', '/')}.py"
        source = (self.root / place).read_text(encoding="utf-8")
        if field.startswith("known"):
            source = source.partition(f'name="{self.study.experiment["base"]["dataset"]["name"]}"')[2]
        found = re.search(
            rf'^\s*{name}(?:: \w+)? ?= ?(?:"(.*?)"|([\d.]+))', source, re.IGNORECASE | re.MULTILINE
        )
        if found is None:
            raise KeyError(f"{name} in {place}")
        return found[1] if found[2] is None else float(found[2])

    def _cost(self, steps: list[str], field: str, fact: Mapping[str, Any]) -> Value:
        study, name = self.study, field.partition(".")[2]
        costs = {model: self.cost_of(model) for model in study.models}
        by_macs = sorted(study.models, key=lambda model: float(costs[model]["macs"]))
        if steps == ["total_training_hours"]:
            seconds = [
                study.records.records[run]["seconds"] for run in (*study.runs.values(), *study.sources)
            ]
            return sum(seconds) / (3600 if fact["unit"] == "hours" else 60)
        ranked = {"cheapest": by_macs[0], "costliest": by_macs[-1]}
        model = ranked.get(steps[0], steps[0])
        if steps[1:] == ["model"]:
            return study.models[model]
        if model in costs and steps[1] == "amp_speedup":
            return float(costs[model]["step_fp32_ms"]) / float(costs[model]["step_amp_ms"])
        if model in costs and (len(steps) > 2 or field.startswith("cost.latencies")):
            (run,) = fact["origin"]["runs"]
            own = [step for step in steps[1:] if not step.startswith("machine_")]
            return timing(study.records.costs[run], own, field)
        if model in costs:
            return float(costs[model][name])
        own = {run: study.records.costs[run] for run in fact["origin"]["runs"] if steps == ["machine"]}
        return protocol(own or self.costs, steps[0])

    @cached_property
    def costs(self) -> Costs:
        """Model -> what was measured of it, all on one machine."""
        parts = {model: self.study.spec(model)["model"] for model in self.study.models}
        return of_one_machine([*self.study.records.costs.values()], parts)

    def cost_of(self, model: str) -> Any:
        """What was measured of a model."""
        return self.costs[model]

    def _model(self, steps: list[str], field: str) -> Value:
        """An option of a model, a size of it, or what is noted of one of its layers."""
        model, what = steps[0], steps[1]
        record = self.study.record(model)
        if what in {"layer", "part"}:
            return (of_row if what == "layer" else of_part)(record["layers"], steps[2], steps[3])
        if what in {"input", "logits"}:
            return end(record["classes"], record["spec"], what, steps[2:] == ["name"])
        if what == "options":
            return _worded(self.study.spec(model)["model"][steps[2]])
        layers = sum(layer[what] for layer in record["layers"])
        stored = record["parameters"] if what == "parameters" else self.cost_of(model)[what]
        if layers != stored:
            raise KeyError(f"{what}: {layers} in the layers, {stored} in {field}")
        return float(stored)

    def _environment(self, name: str, fact: Mapping[str, Any]) -> list[Value]:
        """What all runs behind the fact noted of their machine: of packages, all runs of the study."""
        records, kept = self.study.records.records, fact["origin"]["fields"][0].partition(".")[2]
        runs = [run for run in fact["origin"]["runs"] or self.study.runs.values() if run in records]
        found = {records[run]["environment"].get(kept) for run in runs if kept != "packages"}
        if kept == "packages":
            noted = [records[run]["environment"]["packages"] for run in runs]
            found = {{slug(package): version for package, version in own.items()}.get(name) for own in noted}
        if found == {None} and name == "commit":
            return ["not recorded"]
        if len(found) != 1 or None in found:
            raise KeyError(f"{name}: {len(found)} values in {len(runs)} runs")
        return [str(found.pop())]

    def _picture(self, start: str, steps: list[str], runs: list[str]) -> Value:
        """How images were mixed for training, between which shares it can be seen, what maps were made at."""
        study = self.study
        if start == "gallery" and steps[0] == "visible":
            return float(study.records.arrays(f"{runs[0]}/gallery.npz")["visible_2"][int(steps[1])])
        if start == "gallery":
            transforms = {each["name"]: each for each in study.records.records[runs[0]]["transforms"]}
            noted = transforms[steps[0]]
            return float(noted["probability"] if steps[1] == "p" else noted["parameters"][steps[1]])
        names = {model: f"{study.runs[model, BASE]}/saliency.npz" for model in study.models}
        if steps == ["images"]:
            held = [study.records.arrays(name) for name in names.values() if name in study.records.files]
            return max(int(np.unique(each["labels_N"], return_counts=True)[1].max()) for each in held)
        if steps[1] != "layer":
            raise KeyError(f"{start}.{'.'.join(steps)}")
        return str(study.records.arrays(names[steps[0]])["layer"])

    def _data(self, steps: list[str], field: str) -> Value:
        record = self.study.record(next(iter(self.study.models)))
        if field.startswith("card."):
            return record["card"][field.partition(".")[2]]
        if steps[0] == "dropped":
            return int(record["data"]["dropped"])
        if steps[0] in {"fingerprint", "image_size"}:
            return (
                record["data"]["fingerprint"] if steps[0] == "fingerprint" else record["spec"]["image_size"]
            )
        counts, classes = record["data"]["counts"], record["classes"]
        counts = counts | {"total": {name: sum(each[name] for each in counts.values()) for name in classes}}
        train = counts["train"]
        most, least = max(train, key=lambda name: train[name]), min(train, key=lambda name: train[name])
        if steps[0] == "count":
            return counts[steps[1]][steps[2]]
        if steps[0] in counts:
            return sum(counts[steps[0]].values())
        test = {name: count for name, count in counts["test"].items() if count}
        rarest = min(test, key=lambda name: test[name])
        told: dict[str, Value] = {
            "rarest_test_class": rarest, "rarest_test_count": test[rarest],
            "rarest_test_step": 1 / test[rarest],
            "largest_class": most, "largest_count": train[most], "smallest_class": least,
            "smallest_count": train[least], "imbalance": train[most] / train[least],
            "classes": listed(classes),
        }  # fmt: skip
        return told[steps[0]]

    def _audit(self, name: str) -> Value:
        """What the audits of the study itself counted; what audits of images found is recomputed."""
        study = self.study
        model = next(iter(study.models))
        card = study.record(model)["card"]
        if name in {"ceiling", "ceiling_source"}:
            return card[name]
        told: dict[str, Value] = {
            "cells": len(study.models) * (1 + len(study.ablations)),
            "ablated_cells": len(study.models) * len(study.ablations),
            "runs": len(study.runs),
            "test_readings": study.records.test_readings(study.runs[model, "base"]),
            "highest_accuracy": study.cell(study.best_first[0]).metric("accuracy"),
        }
        return told[name]

    def _settings(self, field: str, fact: Mapping[str, Any], row: str) -> list[Value]:
        """A setting of the study: of the model that the row names, of the first where it names none."""
        study = self.study
        if field.startswith("paper."):
            value = float(self.paper[field.partition(".")[2]])
            value = value / 100 if "margin" in field else value
            return [1 - value if fact["key"].endswith("interval_level") else value]
        if field.startswith("reading."):
            listing = fact["rounding"]["kind"] == "list"
            reading = {"average": "probability", **study.experiment["reading"]}[field.partition(".")[2]]
            return (
                [listed(reading) if listing else len(reading) if fact["key"] else ", ".join(reading)]
                if isinstance(reading, list)
                else [reading]
            )
        if field in {"seeds", "record.classes"}:
            return [study.experiment["seeds"][0] if "counts" not in fact["key"] else self._number_of(field)]
        named = [model for model, label in study.models.items() if row.endswith(f", {label}")]
        return [_worded(_at(study.spec(model), field)) for model in named or list(study.models)[:1]]

    def _number_of(self, field: str) -> int:
        return len(self.study.experiment["seeds"] if field == "seeds" else self.study.classes)

    def several(self, fields: list[str]) -> list[float]:
        """The values of several fields of the specification, which one text prints."""
        return [float(_at(self.study.spec(next(iter(self.study.models))), field)) for field in fields]


def listed(names: list[str]) -> str:
    """a, b and c."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _at(spec: Mapping[str, Any], field: str) -> Any:
    for step in field.split("."):
        spec = spec[step]
    return spec


def slug(name: str) -> str:
    """A name as a step of a key."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _worded(value: Any) -> Value:
    if isinstance(value, list):
        return listed([*map(str, value)])
    return NAMED.get(value, value) if isinstance(value, str) else float(value)
