"""The weight decay table: parameters of each model, what values reached on validation, the one in use."""

from __future__ import annotations

from paper_kit.analysis.artifacts import Cell, Column, Line, Note, Table
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.facts import model as model_topic
from paper_kit.analysis.facts import tuning as tuning_topic
from paper_kit.analysis.results import Results
from paper_kit.analysis.searches import WEIGHT_DECAY, Found, decay_in, decay_search
from paper_kit.analysis.tables._parts import number

PLACES = ("first", "second", "third", "fourth", "fifth")  # as many values as fit a page beside the rest


def make(results: Results) -> Table:
    """A row a model; a column for each value of a grid, else the best value that a search found."""
    grids = {model.key: decay_search(results, model.key, "grid") for model in results.models}
    values = sorted({decay_in(row) for found in grids.values() if found for row in found.done})
    as_grid = 0 < len(values) <= len(PLACES)
    columns, rows = _grid(grids, values) if as_grid else _search(results)
    sizes = model_topic.facts(results)
    lines: list[Line] = [
        (model.label, sizes[f"{model.key}.parameters"], *rows[model.key], _in_use(results, model.key))
        for model in results.models
    ]
    if as_grid:  # the values stand above their columns as facts
        lines.insert(0, ("", "", *map(_value, PLACES, values), ""))
    first = sizes[f"{results.models[0].key}.parameters"]
    heads = (Column("Model", "l"), Column("Parameters", unit=first.unit), *columns, Column("In use"))
    rules = frozenset({1} if as_grid else ())
    above = "Accuracy (%) at a weight decay of"
    groups = (("", 2), (above, len(values)), ("", 1)) if as_grid else ()
    return Table("weight_decay", heads, tuple(lines), rules, _notes(results), groups)


Cells = dict[str, list[Cell | Fact]]


def _grid(grids: dict[str, Found | None], values: list[float]) -> tuple[list[Column], Cells]:
    """A column for each value, and for each model the accuracy there, the highest bold."""
    rows: Cells = {}
    for model, found in grids.items():
        reached = {decay_in(row): row.accuracy for row in found.done} if found else {}
        facts = [
            _accuracy(f"{model}.at_{place}_weight_decay", reached.get(value))
            for place, value in zip(PLACES, values, strict=False)
        ]
        best = max((fact.printed_value or 0.0 for fact in facts), default=0.0)
        rows[model] = [
            Cell(None) if fact.missing else Cell(fact, bold=fact.printed_value == best) for fact in facts
        ]
    return [Column("", unit_elsewhere=True) for _ in values], rows


def _value(place: str, value: float) -> Fact:
    return number(f"tuning.{place}_weight_decay", value, "setting", "tuning.grid")


def _search(results: Results) -> tuple[list[Column], Cells]:
    """How many values were tried, and own and best value with their accuracies."""
    facts = tuning_topic.facts(results)
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


def _in_use(results: Results, model: str) -> Fact:
    """The value of the model's own spec, as the settings have it."""
    value = results.spec(model).optim.weight_decay
    return number(f"settings.{model}.{WEIGHT_DECAY}", value, "setting", WEIGHT_DECAY)


def _notes(results: Results) -> tuple[Note, ...]:
    """The budget of a trial, and how far chance alone moves an accuracy."""
    facts = tuning_topic.facts(results)
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
