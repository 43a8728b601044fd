"""The ablation table: base accuracy of each model, and its change when one component is removed."""

from __future__ import annotations

from dataclasses import replace

from paper_kit.analysis.artifacts import Cell, Column, Note, Table
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.facts._effects import applies, change_fact
from paper_kit.analysis.results import Results
from paper_kit.analysis.tables._parts import key_of, metric_fact, seeds_note


def make(results: Results, *, experiment: str = "") -> Table:
    """A row a model: base accuracy in percent, then the signed change in points of each ablation."""
    study = results.plan(experiment).experiment
    changes = [Column(ablation.label, unit_elsewhere=True) for ablation in study.ablation]
    columns = (Column("Model", "l"), Column("Base accuracy", unit="%"), *changes)
    rows = tuple(
        (
            model.label,
            metric_fact(results, model.key, "accuracy", experiment),
            *(_change(results, model.key, ablation.key, experiment) for ablation in study.ablation),
        )
        for model in study.model
    )
    notes = [seeds_note(results, experiment)]
    if changes:
        notes.append(Note("Changes are differences of accuracies rounded to the digits printed."))
    if any(cell.content is None for row in rows for cell in row if isinstance(cell, Cell)):
        notes.append(Note("A dash: the base of this model does not use the component."))
    groups = (("", 2), ("Change (percentage points)", len(changes))) if changes else ()
    return Table("ablation", columns, rows, notes=tuple(notes), groups=groups)


def _change(results: Results, model: str, ablation: str, experiment: str) -> Fact | Cell:
    if not applies(results, model, ablation, experiment):
        return Cell(None)
    change = change_fact(results, model, ablation, experiment)
    return replace(change, key=key_of(results, f"{model}.without.{ablation}.change", experiment))
