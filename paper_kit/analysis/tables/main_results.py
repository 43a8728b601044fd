"""The main results: the metrics of each model's base, grouped by dataset where there are several."""

from __future__ import annotations

from paper_kit.analysis.artifacts import Cell, Column, Line, Note, Table
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.facts.results import METRICS
from paper_kit.analysis.results import Results
from paper_kit.analysis.tables._parts import (
    METRIC_NAMES,
    best_places,
    deviation_note,
    metric_fact,
    seeds_note,
)
from paper_kit.core.errors import InputError, did_you_mean
from paper_kit.core.plan import BASE, Plan

LOWER_IS_BETTER = {"ece", "brier", "nll"}


def make(
    results: Results,
    *,
    metrics: tuple[str, ...] = ("accuracy", "macro_f1", "balanced_accuracy"),
    bold: bool = True,
) -> Table:
    """A row a model, a column a metric and dataset; the best of each column bold."""
    unknown = [name for name in metrics if name not in METRICS]
    if unknown:
        raise InputError(
            [f"table main_results: no metric {name!r}.{did_you_mean(name, METRICS)}" for name in unknown]
        )
    plans = _distinct(results)
    labels = {model.key: model.label for plan in plans for model in plan.experiment.model}
    columns: list[Column] = [Column("Model", "l")]
    cells: list[list[Cell]] = []
    for plan in plans:
        for metric in metrics:
            percent = METRICS[metric][0] == "percent"
            columns.append(Column(METRIC_NAMES[metric], unit="%" if percent else ""))
            cells.append(_column(results, plan, tuple(labels), metric, bold))
    rows: tuple[Line, ...] = tuple(
        (label, *(column[n] for column in cells)) for n, label in enumerate(labels.values())
    )
    groups = _groups(results, plans, len(metrics))
    notes = [seeds_note(results, plan.experiment.name) for plan in plans[:1]]
    notes += [note for plan in plans for note in deviation_note(results, plan.experiment.name)]
    if any(cell.bold for column in cells for cell in column):
        notes.append(Note("Bold: the best value of a column as printed, whatever its margin."))
    return Table("main_results", tuple(columns), rows, notes=tuple(notes), groups=groups)


def _distinct(results: Results) -> tuple[Plan, ...]:
    """Plans whose base readings are not all another plan's too."""
    kept: list[Plan] = []
    seen: set[str] = set()
    for plan in results.plans:
        bases = {row.reading.model_dump_json() for row in plan.rows if row.ablation_key == BASE}
        if not bases <= seen:
            kept.append(plan)
        seen |= bases
    return tuple(kept)


def _groups(results: Results, plans: tuple[Plan, ...], width: int) -> tuple[tuple[str, int], ...]:
    """A header a dataset, with the experiment's name where two have one title; none for one dataset."""
    if len(plans) < 2:
        return ()
    cards = [results.card(plan.experiment.name) for plan in plans]
    titles = [card.title if card else plan.rows[0].dataset for card, plan in zip(cards, plans, strict=True)]
    names = [plan.experiment.name for plan in plans]
    told = [f"{t} ({n})" if titles.count(t) > 1 else t for t, n in zip(titles, names, strict=True)]
    return (("", 1), *((title, width) for title in told))


def _column(results: Results, plan: Plan, models: tuple[str, ...], metric: str, bold: bool) -> list[Cell]:
    own = {model.key for model in plan.experiment.model}
    facts = {key: metric_fact(results, key, metric, plan.experiment.name) for key in models if key in own}
    best = best_places(tuple(facts.values()), lowest=metric in LOWER_IS_BETTER) if bold else set()
    chosen = {key for place, key in enumerate(facts) if place in best}
    return [_cell(facts.get(key), key in chosen) for key in models]


def _cell(fact: Fact | None, bold: bool) -> Cell:
    return Cell(fact, bold=bold)
