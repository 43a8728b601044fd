"""What several tables share: facts of any experiment's cells, notes on seeds and images, rows that wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from paper_kit.analysis.artifacts import PENDING, Cell, Column, Note
from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._format import Kind
from paper_kit.analysis.facts._sheet import measured_origin
from paper_kit.analysis.facts.results import METRICS
from paper_kit.analysis.results import Results
from paper_kit.core.plan import BASE, Plan

METRIC_NAMES = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "balanced_accuracy": "Balanced accuracy",
    "ece": "ECE",
    "brier": "Brier score",
    "nll": "NLL",
}


def key_of(results: Results, key: str, experiment: str) -> str:
    """The full key of a results fact: that of the registry for the main experiment."""
    name = results.plan(experiment).experiment.name
    return f"results.{key}" if name == results.main.name else f"results of {name}.{key}"


def data_key(results: Results, key: str, experiment: str) -> str:
    """The full key of a data fact: that of the registry for the main experiment."""
    name = results.plan(experiment).experiment.name
    return f"data.{key}" if name == results.main.name else f"data of {name}.{key}"


def counts_key(results: Results, key: str, experiment: str) -> str:
    """The full key of a count: that of the registry for the main experiment."""
    name = results.plan(experiment).experiment.name
    return f"counts.{key}" if name == results.main.name else f"counts of {name}.{key}"


def setting_key(results: Results, key: str, experiment: str) -> str:
    """The full key of a setting that a table prints; of a further experiment it names that."""
    name = results.plan(experiment).experiment.name
    return f"settings.{key}" if name == results.main.name else f"settings of {name}.{key}"


def metric_fact(
    results: Results, model: str, metric: str, experiment: str = "", ablation: str = BASE
) -> Fact:
    """A cell's mean over seeds, with the deviation for several seeds."""
    measured = results.measured(model, ablation, experiment)
    kind, digits = METRICS[metric]
    fact = Fact("", measured.mean(metric), kind, digits, spread=measured.deviation(metric))
    where = f"{model}.{metric}" if ablation == BASE else f"{model}.without.{ablation}.{metric}"
    return replace(fact, key=key_of(results, where, experiment), origin=measured_origin(measured, metric))


def number(
    key: str, value: float | int | None, kind: Kind, *fields: str, digits: int = 1, unit: str = ""
) -> Fact:
    """A fact that only a table prints, read from these fields."""
    return Fact(key, value, kind, digits, unit, origin=Origin(fields=fields))


def seeds_note(results: Results, experiment: str = "", *, deviation: bool = True) -> Note:
    """How many test images and seeds the numbers stand on, and what a printed deviation is."""
    plan = results.plan(experiment)
    seeds = number(counts_key(results, "seeds", experiment), len(plan.experiment.seeds), "count", "seeds")
    measured = [results.measured(model.key, BASE, experiment) for model in plan.experiment.model]
    sizes = {len(one.labels) for each in measured for one in each.predictions}
    images = number(
        data_key(results, "test", experiment),
        sizes.pop() if len(sizes) == 1 else None,
        "count",
        "record.data.counts",
    )
    counted = Note(images, " test images; ") if not images.missing else Note("")
    if len(plan.experiment.seeds) == 1:
        return Note(*counted.parts, seeds, " seed, so that no deviation over seeds is given.")
    told = "mean ± standard deviation over " if deviation else "means over "
    return Note(*counted.parts, told, seeds, " seeds.")


def deviation_note(results: Results, experiment: str = "") -> tuple[Note, ...]:
    """A note that names the cells whose runs were not trained as planned; none where all were."""
    plan = results.plan(experiment)
    named = dict.fromkeys(
        f"{row.model_label} ({row.ablation_label})"
        for row in plan.rows
        if results.done(row.reading.run) and results.record(row.reading.run.id).deviations
    )
    if not named:
        return ()
    why = "Memory was too small for the planned micro-batch, and a smaller one was used, for "
    return (Note(f"{why}{', '.join(named)}."),)


def best_places(facts: Sequence[Fact], *, lowest: bool = False) -> set[int]:
    """Places of the facts that print the best value; none where one is missing or all print the same."""
    values = [fact.printed_value for fact in facts]
    known = [value for value in values if value is not None]
    if len(set(known)) < 2 or len(known) < len(values):
        return set()
    best = min(known) if lowest else max(known)
    return {place for place, value in enumerate(values) if value == best}


def distinct(results: Results) -> tuple[Plan, ...]:
    """Plans whose base readings are not all another plan's too."""
    kept: list[Plan] = []
    seen: set[str] = set()
    for plan in results.plans:
        bases = {row.reading.model_dump_json() for row in plan.rows if row.ablation_key == BASE}
        if not bases <= seen:
            kept.append(plan)
        seen |= bases
    return tuple(kept)


def waiting(columns: Sequence[Column]) -> tuple[Cell, ...]:
    """A row that stands for rows which no finished run has told of yet."""
    return (Cell(PENDING, grey=True, span=len(columns)),)
