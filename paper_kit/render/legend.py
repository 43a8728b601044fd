"""Which runs a number is from: what a study's plans call each run, and short names for lists of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paper_kit.analysis.results import Results

SOURCE = "source task"
COSTS = "costs/"  # how an origin names the file of a CostRecord


@dataclass(frozen=True)
class RunLabel:
    """What the plans call a run: the labels and keys of its first row, and its seed (-1: of no seed).

    `also` are keys and labels of further ablations that read the same run in another way.
    """

    experiment: str
    model: str
    model_key: str
    ablation: str
    ablation_key: str
    seed: int
    also: tuple[tuple[str, str], ...] = ()

    @property
    def cell(self) -> str:
        """The run without its seed: "EmotionViT, w/o focal loss"."""
        return f"{self.model}, {self.ablation}"

    def __str__(self) -> str:
        return self.cell if self.seed < 0 else f"{self.cell}, seed {self.seed}"

    def as_dict(self) -> dict[str, str | int]:
        """The label for provenance.json."""
        told = {name: value for name, value in asdict(self).items() if name != "also"}
        return {**told, "label": str(self)}


def run_labels(results: Results) -> dict[str, RunLabel]:
    """Run id -> label, of every run in the plans, source runs and measurements of cost included."""
    labels: dict[str, RunLabel] = {}
    several = len(results.plans) > 1
    for plan in results.plans:
        for row in plan.rows:
            run = row.reading.run
            model = f"{row.experiment}: {row.model_label}" if several else row.model_label
            own = RunLabel(
                row.experiment, model, row.model_key, row.ablation_label, row.ablation_key, row.seed
            )
            first = labels.setdefault(run.id, own)
            if first.ablation_key != own.ablation_key:
                other = (own.ablation_key, own.ablation)
                labels[run.id] = replace(first, also=tuple(dict.fromkeys((*first.also, other))))
            if run.transfer.run:
                source = RunLabel(row.experiment, model, row.model_key, SOURCE, "", row.seed)
                labels.setdefault(run.transfer.run, source)
    names = {model.key: model.label for model in results.models}
    for machine in results.machines:
        for key, cost in machine.items():
            threads = f", {cost.threads} threads" if len(results.machines) > 1 else ""
            where = f"cost on {cost.device}{threads}"
            labels[f"{COSTS}{cost.key}"] = RunLabel(results.main.name, names[key], key, where, "", -1)
    return labels


@dataclass(frozen=True)
class Legend:
    """Short names of the cells of some runs, in the order of the plans: r1, r2 …, of costs c1, c2 …"""

    labels: Mapping[str, RunLabel]
    runs: tuple[str, ...]  # those that are named

    @cached_property
    def cells(self) -> dict[str, tuple[str, ...]]:
        """Cell -> its runs; a run that no plan names is a cell of its own."""
        found: dict[str, list[str]] = {}
        order = {run: place for place, run in enumerate(self.labels)}
        for run in sorted(self.runs, key=lambda run: (order.get(run, len(order)), run)):
            found.setdefault(self.labels[run].cell if run in self.labels else run, []).append(run)
        return {cell: tuple(runs) for cell, runs in found.items()}

    @cached_property
    def short_names(self) -> dict[str, tuple[str, int]]:
        """Cell -> ("r", 1) for the first cell of trained networks, ("c", 1) for the first of costs."""
        counts = {"r": 0, "c": 0}
        found: dict[str, tuple[str, int]] = {}
        for cell, runs in self.cells.items():
            letter = "c" if runs[0].startswith(COSTS) else "r"
            counts[letter] += 1
            found[cell] = (letter, counts[letter])
        return found

    def entries(self) -> list[str]:
        """A line a cell, trained networks first: "r1 EmotionViT, Base: 89fa241d20cd (seed 0)"."""
        ordered = sorted(self.short_names.items(), key=lambda each: each[1][0] == "c")
        return [
            f"{letter}{number} {cell}: {', '.join(map(self._with_seed, self.cells[cell]))}"
            for cell, (letter, number) in ordered
        ]

    def short(self, runs: Iterable[str]) -> str:
        """The runs by short names, such as "r1–r3, r5 (seed 2)"; a cell without seeds is meant whole."""
        wanted = set(runs)
        whole: dict[str, list[int]] = {"r": [], "c": []}
        parts: list[str] = []
        for cell, of_cell in self.cells.items():
            letter, number = self.short_names[cell]
            used = [run for run in of_cell if run in wanted]
            if used and len(used) == len(of_cell):
                whole[letter].append(number)
            elif used:
                seeds = ", ".join(str(self.labels[run].seed) for run in used)
                parts.append(f"{letter}{number} (seed {seeds})")
        ranges = (part for letter, numbers in whole.items() for part in _ranges(letter, numbers))
        return ", ".join([*ranges, *parts])

    def _with_seed(self, run: str) -> str:
        label = self.labels.get(run)
        return run if label is None or label.seed < 0 else f"{run} (seed {label.seed})"


def _ranges(letter: str, numbers: list[int]) -> list[str]:
    """[1, 2, 3, 5] as ["r1–r3", "r5"]."""
    groups: list[list[int]] = []
    for number in numbers:
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return [
        f"{letter}{group[0]}\N{EN DASH}{letter}{group[-1]}"
        if len(group) > 2
        else ", ".join(f"{letter}{n}" for n in group)
        for group in groups
    ]
