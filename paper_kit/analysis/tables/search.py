"""What values of a setting reached on validation, for each model with its parameters, and the one in use."""

from __future__ import annotations

from paper_kit.analysis.artifacts import Cell, Column, Line, Note, Table
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.facts import model as model_topic
from paper_kit.analysis.facts import tuning as tuning_topic
from paper_kit.analysis.results import Results
from paper_kit.analysis.searches import FIELDS, Found, in_use, last_search, step_of, value_in
from paper_kit.analysis.tables._parts import number
from paper_kit.core.errors import InputError, did_you_mean

PLACES = ("first", "second", "third", "fourth", "fifth", "sixth")  # as many as fit a page beside the rest


def make(results: Results, *, field: str = "optim.weight_decay") -> Table:
    """A row a model; a column for each value of a grid, else the best value that a search found."""
    if field not in FIELDS:
        raise InputError(f"table search: no setting {field!r} is searched.{did_you_mean(field, FIELDS)}")
    grids = {model.key: last_search(results, model.key, field, "grid") for model in results.models}
    values = sorted({value_in(row, field) for found in grids.values() if found for row in found.done})
    as_grid = 0 < len(values) <= len(PLACES)
    columns, rows = _grid(grids, values, field) if as_grid else _search(results, field)
    sizes = model_topic.facts(results)
    lines: list[Line] = [
        (model.label, sizes[f"{model.key}.parameters"], *rows[model.key], _in_use(results, model.key, field))
        for model in results.models
    ]
    if as_grid:  # the values stand above their columns as facts
        lines.insert(0, ("", "", *(_value(*each, field) for each in zip(PLACES, values, strict=False)), ""))
    first = sizes[f"{results.models[0].key}.parameters"]
    heads = (Column("Model", "l"), Column("Parameters", unit=first.unit), *columns, Column("In use"))
    rules = frozenset({1} if as_grid else ())
    above = f"Accuracy (%) at a {FIELDS[field]} of"
    groups = (("", 2), (above, len(values)), ("", 1)) if as_grid else ()
    return Table("search", heads, tuple(lines), rules, _notes(results, field), groups)


Cells = dict[str, list[Cell | Fact]]


def _grid(grids: dict[str, Found | None], values: list[float], field: str) -> tuple[list[Column], Cells]:
    """A column for each value, and for each model the accuracy there, the highest bold."""
    rows: Cells = {}
    for model, found in grids.items():
        reached = {value_in(row, field): row.accuracy for row in found.done} if found else {}
        facts = [
            _accuracy(f"{step_of(field)}.{model}.at_{place}", reached.get(value))
            for place, value in zip(PLACES, values, strict=False)
        ]
        best = max((fact.printed_value or 0.0 for fact in facts), default=0.0)
        rows[model] = [
            Cell(None) if fact.missing else Cell(fact, bold=fact.printed_value == best) for fact in facts
        ]
    return [Column("", unit_elsewhere=True) for _ in values], rows


def _value(place: str, value: float, field: str) -> Fact:
    return number(f"tuning.{step_of(field)}.{place}_value", value, "setting", "tuning.grid")


def _search(results: Results, field: str) -> tuple[list[Column], Cells]:
    """How many values were tried, and own and best value with their accuracies."""
    facts = _of_field(results, field)
    names = ("values", "own_value", "own_accuracy", "best_value", "best_accuracy")
    if all(facts[f"{model.key}.values"].missing for model in results.models):
        return [], {model.key: [] for model in results.models}
    columns = [
        Column("Tried"),
        Column("At first"),
        Column("Accuracy", unit="%"),
        Column("Best"),
        Column("Accuracy", unit="%"),
    ]
    rows: Cells = {}
    for model in results.models:
        found = [facts[f"{model.key}.{name}"] for name in names]
        rows[model.key] = [Cell(None) if fact.missing else fact for fact in found]
    return columns, rows


def _accuracy(key: str, value: float | None) -> Fact:
    return number(f"tuning.{key}", value, "percent", "tuning.trials.*.accuracy")


def _in_use(results: Results, model: str, field: str) -> Fact:
    """The value of the model's own spec, as the settings have it."""
    return number(f"settings.{model}.{field}", in_use(results, model, field), "setting", field)


def _of_field(results: Results, field: str) -> dict[str, Fact]:
    """The facts of the topic `tuning` about one field, by what follows its name."""
    begin = f"{step_of(field)}."
    found = tuning_topic.facts(results)
    return {key.removeprefix(begin): fact for key, fact in found.items() if key.startswith(begin)}


def _notes(results: Results, field: str) -> tuple[Note, ...]:
    """The budget of a trial, and how far chance alone moves an accuracy."""
    facts = _of_field(results, field)
    if facts["trials"].missing:
        return (Note("No search is recorded: paperkit tune."),)
    parts: list[str | Fact] = [facts["trials"], " trainings"]
    if not facts["epochs"].missing:
        parts += [" of ", facts["epochs"], f" {facts['epochs'].plural('epoch')}"]
    if not facts["train_fraction"].missing:
        parts += [" on ", facts["train_fraction"], " of the training images"]
    if not facts["validation_images"].missing:
        parts += [", judged on ", facts["validation_images"], " validation images"]
    return (Note(*parts, "; none read a test image."),)
