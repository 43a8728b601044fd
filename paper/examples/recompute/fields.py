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
from further import said
from layers import end, of_part, of_row
from results import Value
from searches import NAMES as SEARCHED
from searches import searched, searches_of
from settings import listed, setting, worded
from study import Studies, Study, slug

CONSTANTS = {  # where the source writes what a figure or an audit keeps to, by the start of the field
    "figure.tsne": "paper_kit/analysis/figures/tsne.py",
    "figure.level": "paper_kit/analysis/figures/accuracy_vs_cost.py",
    "figure.bins": "paper_kit/analysis/figures/reliability.py",
    "figure.mistakes": "paper_kit/analysis/figures/mistakes.py",
    "known": "paper_kit/data/known.py",
}


@dataclass(frozen=True)
class Fields:
    """The studies with the files of the repository beside them."""

    studies: Studies
    root: Path

    @property
    def study(self) -> Study:
        """The main study, of which all keys without a name speak."""
        return self.studies.main

    @cached_property
    def paper(self) -> dict[str, Any]:
        """paper/paper.toml."""
        return tomllib.loads((self.root / "paper/paper.toml").read_text(encoding="utf-8"))

    @cached_property
    def published(self) -> dict[tuple[str, str], list[float]]:
        """(dataset, method) -> published accuracies in percent."""
        told = tomllib.loads((self.root / "templates/literature.toml").read_text(encoding="utf-8"))
        found: dict[tuple[str, str], list[float]] = {}
        for row in told["result"]:
            found.setdefault((row["dataset"], row["name"]), []).append(row["value"])
        return found

    @cached_property
    def told(self) -> dict[str, dict[str, Value]]:
        """Step of a key -> what is said of a further study."""
        return {step: said(study) for step, study in self.studies.further.items()}

    def candidates(self, fact: Mapping[str, Any], row: str = "") -> list[Value]:
        """The values that the fact may state; KeyError where nothing is known of it.

        `row` is what stands left of it on its line: a table of settings names models there.
        """
        study, key = self.studies.of_key(fact["key"])
        fields = fact["origin"]["fields"]
        start, *steps = key.split(".") if key else ["settings"]
        field = fields[0] if fields else ""
        if start == "literature":
            name = field.removeprefix("literature.toml: ")
            return [value / 100 for value in self.published[steps[0], name]]
        if start in {"figure", "mistakes"} or field.startswith((*CONSTANTS, "paper_kit.")):
            return [self.constant(field, key.rpartition(".")[2], study)]
        if start == "further":
            return [self.told[steps[0]][".".join(steps[1:])]]
        if start == "audit":
            return [study.record(next(iter(study.models)))["card"][steps[0]]]
        if start in {"settings", "counts"}:
            return setting(study, self.paper, fact, row)
        if study is not self.study:
            raise KeyError(fact["key"])
        return self._of_main(start, steps, field, fact)

    def _of_main(self, start: str, steps: list[str], field: str, fact: Mapping[str, Any]) -> list[Value]:
        """The values of topics that are told of the main study alone."""
        if start in {"gallery", "saliency"}:
            return [self._picture(start, steps, fact["origin"]["runs"])]
        if start == "cost":
            return [self._cost(steps, field, fact)]
        if start == "model":
            return [self._model(steps, field)]
        if start == "tuning":
            return [self._searched(steps)]
        if start in {"names", "study"}:
            return [self._named(start, steps[0])]
        if start in {"environment", "build"}:
            return self._environment(steps[-1], fact)
        if start == "data":
            return [self._data(steps, field)]
        raise KeyError(fact["key"])

    def _searched(self, steps: list[str]) -> Value:
        """What a search tried; a paper that knows searches of weight decays alone does not name these."""
        study, step = self.study, steps[0]
        if step not in SEARCHED:
            step, steps = "weight_decay", ["", *steps]
        specs = {model: study.spec(model) for model in study.models}
        fingerprint = study.record(next(iter(specs)))["data"]["fingerprint"]
        found = searches_of(study.records.searches, specs, fingerprint, f"optim.{step}")
        return searched(found, step, steps[1:])

    def constant(self, field: str, name: str, study: Study | None = None) -> Value:
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
            dataset = (study or self.study).spec(next(iter((study or self.study).models)))["dataset"]["name"]
            source = source.partition(f'name="{dataset}"')[2].partition("Known(")[0]
        found = re.search(
            rf'^\s*{name}(?:: \w+)? ?= ?(?:"(.*?)"|([\d.]+))', source, re.IGNORECASE | re.MULTILINE
        )
        if found is None:
            raise KeyError(f"{name} in {place}")
        return found[1] if found[2] is None else float(found[2])

    def _named(self, start: str, what: str) -> Value:
        """What the paper calls a model, or all models or datasets of the studies."""
        models, ablations = self.study.models, self.study.ablations
        if start == "names":
            return (models | ablations)[what]
        if what == "datasets":
            studies = self.studies.by_name.values()
            titles = [one.record(next(iter(one.models)))["card"]["title"] for one in studies]
            return listed(list(dict.fromkeys(titles)))
        return {"models": listed([*models.values()]), "ablations": listed([*ablations.values()])}[what]

    def _cost(self, steps: list[str], field: str, fact: Mapping[str, Any]) -> Value:
        study, name = self.study, field.partition(".")[2]
        costs = {model: self.cost_of(model) for model in study.models}
        by_macs = sorted(study.models, key=lambda model: float(costs[model]["macs"]))
        if steps == ["total_training_hours"]:
            runs = (*study.trainings, *study.sources)
            seconds = sum(study.records.records[run]["seconds"] for run in runs)
            return float(seconds) / (3600 if fact["unit"] == "hours" else 60)
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
        own_costs = {run: study.records.costs[run] for run in fact["origin"]["runs"] if steps == ["machine"]}
        return protocol(own_costs or self.costs, steps[0])

    @cached_property
    def costs(self) -> Costs:
        """Model -> what was measured of it, all on one machine."""
        specs = {model: self.study.spec(model) for model in self.study.models}
        return of_one_machine([*self.study.records.costs.values()], specs)

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
            return worded(self.study.spec(model)["model"][steps[2]])
        layers = sum(layer[what] for layer in record["layers"])
        stored = record["parameters"] if what == "parameters" else self.cost_of(model)[what]
        if layers != stored:
            raise KeyError(f"{what}: {layers} in the layers, {stored} in {field}")
        return float(stored)

    def _environment(self, name: str, fact: Mapping[str, Any]) -> list[Value]:
        """What the runs behind the fact noted of their machine, each value once: of packages, the first run.

        The runs are those of the main study, whatever the fact says of itself.
        """
        records, kept = self.study.records.records, fact["origin"]["fields"][0].partition(".")[2]
        noted = [records[run]["environment"] for run in self.study.trainings]
        if kept == "packages":
            packages = {slug(package): version for package, version in noted[0]["packages"].items()}
            return [str(packages[name] or "not recorded")]
        values = [each.get(kept) or each["packages"].get(kept) for each in noted]
        return [listed([*dict.fromkeys(str(value) for value in values if value)]) or "not recorded"]

    def _picture(self, start: str, steps: list[str], runs: list[str]) -> Value:
        """How images were mixed for training, between which shares it can be seen, what maps were made at."""
        study = self.study
        if start == "gallery" and steps[0] == "visible":
            return float(study.records.arrays(f"{runs[0]}/gallery.npz")["visible_2"][int(steps[1])])
        if start == "gallery":
            transforms = {each["name"]: each for each in study.records.records[runs[0]]["transforms"]}
            noted = transforms[steps[0]]
            return float(noted["probability"] if steps[1] == "p" else noted["parameters"][steps[1]])
        names = {model: f"{study.run(model)}/saliency.npz" for model in study.models}
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
        if steps[0] == "count":
            return {slug(name): count for name, count in counts[steps[1]].items()}[steps[2]]
        if steps[0] in counts:
            return sum(counts[steps[0]].values())
        return _extremes(counts, classes)[steps[0]]


def _extremes(counts: Mapping[str, Mapping[str, int]], classes: list[str]) -> dict[str, Value]:
    """The largest and smallest class of the training images, the rarest of the test images."""
    train, test = ({name: n for name, n in counts[split].items() if n} for split in ("train", "test"))
    most, least = max(train, key=lambda name: train[name]), min(train, key=lambda name: train[name])
    rarest = min(test, key=lambda name: test[name])
    return {
        "rarest_test_class": rarest, "rarest_test_count": test[rarest], "rarest_test_step": 1 / test[rarest],
        "largest_class": most, "largest_count": train[most], "smallest_class": least,
        "smallest_count": train[least], "imbalance": train[most] / train[least], "classes": listed(classes),
    }  # fmt: skip
