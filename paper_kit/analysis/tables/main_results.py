"""The main results: the metrics of each model's base, a group of columns for each dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from paper_kit.analysis.artifacts import Cell, Column, Line, Note, Table
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.facts.audit import audit_facts, deduplicated_deviation
from paper_kit.analysis.facts.results import METRICS
from paper_kit.analysis.results import Results
from paper_kit.analysis.tables._parts import (
    METRIC_NAMES,
    best_places,
    deviation_note,
    distinct,
    metric_fact,
    seeds_note,
)
from paper_kit.core.errors import InputError, did_you_mean
from paper_kit.core.plan import Plan

LOWER_IS_BETTER = {"ece", "brier", "nll"}
WITHOUT_COPIES = "accuracy_deduplicated"  # the fact of audit that `deduplicated` adds as a column


@dataclass
class Row:
    """A row of the table: the model's name, and for each group of columns the experiment and model in it."""

    label: str
    model: str
    cells: dict[int, Plan]


def make(
    results: Results,
    *,
    metrics: tuple[str, ...] = ("accuracy", "macro_f1", "balanced_accuracy"),
    deduplicated: bool = False,
    bold: bool = True,
) -> Table:
    """A row a model, a column a metric and dataset; the best of each study in a column bold.

    Experiments on the same images share their columns, and the models of a later one stand below a rule.
    `deduplicated` adds the accuracy on the test images that have no copy, where an audit found copies.
    """
    unknown = [name for name in metrics if name not in METRICS]
    if unknown:
        raise InputError(
            [f"table main_results: no metric {name!r}.{did_you_mean(name, METRICS)}" for name in unknown]
        )
    plans = distinct(results)
    groups = _datasets(plans)
    rows, rules = _rows(plans, groups)
    columns: list[Column] = [Column("Model", "l")]
    cells: list[list[Cell]] = []
    spans: list[int] = []
    for group in range(len(groups)):
        copies = deduplicated and _copies(results, groups[group])
        shown = (*metrics[:1], WITHOUT_COPIES, *metrics[1:]) if copies else metrics
        spans.append(len(shown))
        for metric in shown:
            columns.append(_head(metric))
            cells.append(_column(results, rows, group, metric, bold))
    lines: tuple[Line, ...] = tuple(
        (row.label, *(column[n] for column in cells)) for n, row in enumerate(rows)
    )
    shown_bold = any(cell.bold for column in cells for cell in column)
    notes = _notes(results, plans, columns, shown_bold)
    heads = _heads(results, groups, spans)
    return Table("main_results", tuple(columns), lines, rules, notes, heads)


def _notes(
    results: Results, plans: Sequence[Plan], columns: Sequence[Column], bold: bool
) -> tuple[Note, ...]:
    """On what the numbers stand, and what the signs of the table mean."""
    notes = [*_seeds_notes(results, plans)]
    notes += [note for plan in plans for note in deviation_note(results, plan.experiment.name)]
    if _head(WITHOUT_COPIES) in columns:
        notes.append(
            Note("Clean: accuracy on the test images without an exact or near copy in the other parts.")
        )
    if bold:
        among = " of a study in each column" if len(plans) > 1 else " of a column"
        notes.append(Note(f"Bold: the best value{among} as printed, whatever its margin."))
    return tuple(notes)


def _datasets(plans: Sequence[Plan]) -> tuple[tuple[Plan, ...], ...]:
    """The plans of each dataset with its arguments, in their order."""
    found: dict[str, list[Plan]] = {}
    for plan in plans:
        found.setdefault(plan.rows[0].reading.run.dataset.model_dump_json(), []).append(plan)
    return tuple(map(tuple, found.values()))


def _rows(plans: Sequence[Plan], groups: Sequence[Sequence[Plan]]) -> tuple[list[Row], frozenset[int]]:
    """A row a model; one more where an earlier experiment on these images has a model of this key."""
    rows: list[Row] = []
    rules: set[int] = set()
    for plan in plans:
        group = next(n for n, members in enumerate(groups) if any(plan is each for each in members))
        before = len(rows)
        for model in plan.experiment.model:
            own = [row for row in rows if row.model == model.key]
            free = next((row for row in own if group not in row.cells), None)
            if free is None:
                told = f" ({plan.experiment.called})" if own else ""
                free = Row(f"{model.label}{told}", model.key, {})
                rows.append(free)
            free.cells[group] = plan
        if 0 < before < len(rows):
            rules.add(before)
    return rows, frozenset(rules)


def _copies(results: Results, plans: Sequence[Plan]) -> bool:
    """Whether an audit of the dataset found test images with copies."""
    leaked = audit_facts(results, plans[0].experiment.name)["test_leaked"]
    return isinstance(leaked.value, int) and leaked.value > 0


def _head(metric: str) -> Column:
    if metric == WITHOUT_COPIES:
        return Column("Clean", unit="%")
    return Column(METRIC_NAMES[metric], unit="%" if METRICS[metric][0] == "percent" else "")


def _heads(
    results: Results, groups: Sequence[Sequence[Plan]], spans: Sequence[int]
) -> tuple[tuple[str, int], ...]:
    """A header a dataset, with the experiment's name where two have one title; none for one dataset."""
    if len(groups) < 2:
        return ()
    titles = [title_of(results, plans[0]) for plans in groups]
    names = [plans[0].experiment.called for plans in groups]
    told = [f"{t} ({n})" if titles.count(t) > 1 else t for t, n in zip(titles, names, strict=True)]
    return (("", 1), *zip(told, spans, strict=True))


def title_of(results: Results, plan: Plan) -> str:
    """What the dataset of an experiment is called."""
    card = results.card(plan.experiment.name)
    return card.title if card else plan.rows[0].dataset


def _seeds_notes(results: Results, plans: Sequence[Plan]) -> Iterator[Note]:
    """On how many images and seeds the numbers stand; of each experiment where that differs."""
    notes = [seeds_note(results, plan.experiment.name) for plan in plans]
    if len(set(notes)) == 1:
        yield notes[0]
        return
    for plan, note in zip(plans, notes, strict=True):
        yield Note(f"{plan.experiment.called}: ", *note.parts)


def _column(results: Results, rows: Sequence[Row], group: int, metric: str, bold: bool) -> list[Cell]:
    """The cells of a column; the best of each study is bold, since studies differ in settings."""
    facts = [_fact(results, row, group, metric) for row in rows]
    studies: dict[str, list[int]] = {}
    for place, row in enumerate(rows if bold else ()):
        if facts[place] is not None:
            studies.setdefault(row.cells[group].experiment.name, []).append(place)
    chosen: set[int] = set()
    for places in studies.values():
        shown = [fact for place in places if (fact := facts[place]) is not None]
        chosen |= {places[n] for n in best_places(shown, lowest=metric in LOWER_IS_BETTER)}
    return [Cell(fact, bold=place in chosen) for place, fact in enumerate(facts)]


def _fact(results: Results, row: Row, group: int, metric: str) -> Fact | None:
    plan = row.cells.get(group)
    if plan is None:
        return None
    if metric == WITHOUT_COPIES:
        spread = deduplicated_deviation(results, row.model, plan.experiment.name)
        return replace(audit_facts(results, plan.experiment.name)[f"{row.model}.{metric}"], spread=spread)
    return metric_fact(results, row.model, metric, plan.experiment.name)
