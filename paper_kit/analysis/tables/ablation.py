"""The ablation table: base accuracy of each model, its change when one component is removed, and its test."""

from __future__ import annotations

from dataclasses import replace

from paper_kit.analysis.artifacts import Cell, Column, Line, Note, Table
from paper_kit.analysis.claims import SEEDS_FOR_METHODS, Judged
from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._effects import applies, change_fact
from paper_kit.analysis.results import Results
from paper_kit.analysis.tables._parts import deviation_note, key_of, metric_fact, number, seeds_note
from paper_kit.core.experiment import AblationEntry, Experiment, ModelEntry

MOST_COLUMNS = 5  # ablations beside one another; those of one model stand below one another if they are more


def make(results: Results, *, experiment: str = "", tests: bool = True) -> Table:
    """A row a model: base accuracy, then each ablation's change in points with its interval; below it p.

    A change that cannot be told from noise is grey. Without `tests` the changes stand alone. One model with
    many ablations has a row an ablation.
    """
    study = results.plan(experiment).experiment
    if is_listed(study):
        return _listed(results, study, tests)
    changes = [Column(ablation.label, unit_elsewhere=True) for ablation in study.ablation]
    columns = (Column("Model", "l"), Column("Base accuracy", unit="%"), *changes)
    rows: list[Line] = []
    rules: set[int] = set()
    for model in study.model:
        judged = [judged_effect(results, model, ablation, experiment) for ablation in study.ablation]
        rules.add(len(rows))
        accuracy = metric_fact(results, model.key, "accuracy", experiment)
        rows.append((model.label, accuracy, *(_effect(one, tests) for one in judged)))
        if tests and any(judged):
            rows.append(("corrected p", Cell(""), *(_test(one) for one in judged)))
    notes = _notes(results, experiment, tests and bool(changes))
    if any(cell.content is None for row in rows for cell in row if isinstance(cell, Cell)):
        notes.append(Note("A dash: the base of this model does not use the component."))
    groups = (("", 2), ("Change (percentage points)", len(changes))) if changes else ()
    ruled = frozenset(rules - {0}) if tests else frozenset[int]()
    return Table("ablation", columns, tuple(rows), ruled, tuple(notes), groups)


def is_listed(study: Experiment) -> bool:
    """Whether the ablations stand below one another: many, of one model."""
    return len(study.model) == 1 and len(study.ablation) > MOST_COLUMNS


def _listed(results: Results, study: Experiment, tests: bool) -> Table:
    """The table of one model with many ablations: a row an ablation, below that of the base."""
    model, name = study.model[0], study.name
    columns = (
        Column("Recipe", "l"), Column("Accuracy", unit="%"), Column("Change", unit="points"),
        Column("Corrected p"),
    )  # fmt: skip
    rows: list[Line] = [("Base", metric_fact(results, model.key, "accuracy", name), Cell(""), Cell(""))]
    for ablation in study.ablation:
        judged = judged_effect(results, model, ablation, name)
        accuracy = metric_fact(results, model.key, "accuracy", name, ablation.key)
        rows.append((ablation.label, accuracy, _effect(judged, tests), _test(judged)))
    notes = _notes(results, name, tests)
    if any(cell.content is None for row in rows for cell in row if isinstance(cell, Cell)):
        notes.append(Note("A dash: the base does not use the component."))
    width = len(columns) if tests else len(columns) - 1
    shown = tuple(row[:width] for row in rows)
    return Table("ablation", columns[:width], shown, frozenset({1}), tuple(notes))


def judged_effect(
    results: Results, model: ModelEntry, ablation: AblationEntry, experiment: str = ""
) -> Judged | None:
    """The change of one ablation and its test; None where the ablation changes nothing of this model."""
    if not applies(results, model.key, ablation.key, experiment):
        return None
    change = change_fact(results, model.key, ablation.key, experiment)
    key = key_of(results, f"{model.key}.without.{ablation.key}.change", experiment)
    return results.claims.effect(replace(change, key=key))


def tests_fact(results: Results) -> Fact:
    """How many tests the document's family holds."""
    origin = Origin(formula="tests in the family of this document")
    return replace(number("claims.tests", results.claims.size, "count"), origin=origin)


def noise_of(seeds: int) -> str:
    """What the intervals and tests of a study with so many seeds cover."""
    if seeds >= SEEDS_FOR_METHODS:
        return "over seeds and images together"
    return "over images only: they speak of these trained networks, not of the methods"


def _effect(judged: Judged | None, tests: bool) -> Cell:
    if judged is None:
        return Cell(None)
    if not tests:
        return Cell(replace(judged.difference, bounds=None))
    return Cell(judged.difference, grey=judged.verdict == "undecided")


def _test(judged: Judged | None) -> Cell:
    if judged is None or judged.p.missing:
        return Cell("")
    return Cell(judged.p, grey=judged.verdict == "undecided")


def _notes(results: Results, experiment: str, tests: bool) -> list[Note]:
    """On what the numbers stand, how they were rounded, and what was tested."""
    notes = [seeds_note(results, experiment), *deviation_note(results, experiment)]
    if not tests:
        return [*notes, Note("Changes are differences of accuracies rounded to the digits printed.")]
    claims, seeds = results.claims, len(results.plan(experiment).experiment.seeds)
    level = number("settings.interval_level", 1 - claims.alpha, "percent", "paper.alpha", digits=0)
    tested = tests_fact(results)
    rounded = "Changes are differences of accuracies rounded to the digits printed. Each has its own "
    apart = " interval, which is not corrected and can leave out zero where p is large."
    notes.append(Note(rounded, level, apart))
    corrected = f"Intervals and tests are {noise_of(seeds)}. Each p is corrected by Holm's method over the "
    level_of_p = number("settings.alpha", claims.alpha, "setting", "paper.alpha")
    notes.append(Note(corrected, tested, " tests of this paper; grey: p of ", level_of_p, " or more."))
    return notes
