"""Which runs a number is from: what a study's plans call each run, and short names for lists of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paper_kit.analysis.results import Results

SOURCE = "source task"
COSTS = "costs/"  # how an origin names the file of a CostRecord


@dataclass(frozen=True)
class RunLabel:
    """What the plans call a run: the labels and keys of its first row, and its seed (-1: of no seed)."""

    experiment: str
    model: str
    model_key: str
    ablation: str
    ablation_key: str
    seed: int

    @property
    def cell(self) -> str:
        """The run without its seed: "EmotionViT, w/o focal loss"."""
        return f"{self.model}, {self.ablation}"

    def __str__(self) -> str:
        return self.cell if self.seed < 0 else f"{self.cell}, seed {self.seed}"

    def as_dict(self) -> dict[str, str | int]:
        """The label for provenance.json."""
        return {**asdict(self), "label": str(self)}


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
            labels.setdefault(run.id, own)
            if run.transfer.run:
                source = RunLabel(row.experiment, model, row.model_key, SOURCE, "", row.seed)
                labels.setdefault(run.transfer.run, source)
    names = {model.key: model.label for model in results.models}
    for key, cost in results.costs.items():
        label = RunLabel(results.main.name, names[key], key, f"cost on {cost.device}", "", -1)
        labels[f"{COSTS}{cost.key}"] = label
    return labels


@dataclass(frozen=True)
class Legend:
    """Short names of the cells of some runs: r1, r2 … in the order of the plans."""

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

    def entries(self) -> list[str]:
        """A line a cell: "r1 EmotionViT, Base: 89fa241d20cd (seed 0)"."""
        return [
            f"r{number} {cell}: {', '.join(map(self._with_seed, runs))}"
            for number, (cell, runs) in enumerate(self.cells.items(), start=1)
        ]

    def short(self, runs: Iterable[str]) -> str:
        """The runs by short names, such as "r1–r3, r5 (seed 2)"; a cell without seeds is meant whole."""
        wanted = set(runs)
        whole: list[int] = []
        parts: list[str] = []
        for number, of_cell in enumerate(self.cells.values(), start=1):
            used = [run for run in of_cell if run in wanted]
            if used and len(used) == len(of_cell):
                whole.append(number)
            elif used:
                seeds = ", ".join(str(self.labels[run].seed) for run in used)
                parts.append(f"r{number} (seed {seeds})")
        return ", ".join([*_ranges(whole), *parts])

    def _with_seed(self, run: str) -> str:
        label = self.labels.get(run)
        return run if label is None or label.seed < 0 else f"{run} (seed {label.seed})"


def _ranges(numbers: list[int]) -> list[str]:
    """[1, 2, 3, 5] as ["r1–r3", "r5"]."""
    groups: list[list[int]] = []
    for number in numbers:
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return [
        f"r{group[0]}\N{EN DASH}r{group[-1]}" if len(group) > 2 else ", ".join(f"r{n}" for n in group)
        for group in groups
    ]
