"""Per-class results: one metric of each class and model, with the number of test images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from string import ascii_lowercase
from typing import Literal

import numpy as np

from paper_kit.analysis.artifacts import Cell, Column, Line, Note, Table
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.facts._sheet import measured_origin
from paper_kit.analysis.facts._tree import slugs
from paper_kit.analysis.results import Results
from paper_kit.analysis.tables._parts import (
    best_places,
    counts_key,
    data_key,
    key_of,
    number,
    seeds_note,
    waiting,
)
from paper_kit.core.plan import BASE
from paper_kit.stats import metrics
from paper_kit.stats.metrics import Floats

NAMED = 6  # models whose names head their columns; more are lettered, and print no deviation
NAMES = {"recall": "Recall", "precision": "Precision", "f1": "F1"}


def make(
    results: Results,
    *,
    metric: Literal["recall", "precision", "f1"] = "recall",
    experiment: str = "",
    bold: bool = True,
) -> Table:
    """A row a class: test images, the metric of each model in percent; last the means over the classes."""
    study = results.plan(experiment).experiment
    many = len(study.model) > NAMED
    models = _heads([model.label for model in study.model])
    columns = (Column("Class", "l", wrap_in=1.1 if many else 0.0), Column("Images"), *models)
    groups = (("", 2), (f"{NAMES[metric]} (%)", len(models))) if len(models) > 1 else ()
    classes = results.classes(experiment)
    if not classes:
        return Table("per_class", columns, (waiting(columns),), groups=groups)
    values = {model.key: _values(results, model.key, metric, experiment) for model in study.model}
    steps = slugs(classes)
    images = _images(results, steps, experiment)
    rows: list[Line] = []
    for place, name in enumerate((*classes, "Mean")):
        key = f"{metric}.{steps[place]}" if place < len(steps) else f"mean_{metric}"
        of_class = place if place < len(steps) else None
        facts = [_fact(results, model, key, found, of_class, experiment) for model, found in values.items()]
        facts = [replace(fact, spread=None) for fact in facts] if many else facts
        best = best_places(facts) if bold and of_class is not None else set()
        cells = (
            _cell(fact, found, n in best)
            for n, (fact, found) in enumerate(zip(facts, values.values(), strict=True))
        )
        rows.append((name, images[place] if of_class is not None else Cell(""), *cells))
    return Table(
        "per_class",
        columns,
        tuple(rows),
        frozenset({len(classes)}),
        _notes(results, experiment, rows),
        groups,
    )


def _heads(labels: list[str]) -> list[Column]:
    """A column a model, headed by its name, or by a letter where there are many."""
    heads = list(ascii_lowercase) if len(labels) > NAMED else labels
    unit = "%" if len(labels) == 1 else ""
    return [Column(head, unit=unit, unit_elsewhere=True) for head in heads[: len(labels)]]


def _images(results: Results, steps: tuple[str, ...], experiment: str) -> list[Fact]:
    """Test images of each class, and last of all."""
    support = _support(results, experiment)
    keys = [*(f"count.test.{step}" for step in steps), "test"]
    counts = zip(keys, [*support, sum(support)], strict=True)
    return [
        number(data_key(results, key, experiment), count, "count", "record.data.counts")
        for key, count in counts
    ]


def _cell(fact: Fact, values_RK: Floats | None, bold: bool) -> Cell:
    """The fact; nothing where the seeds are measured and the class still has no value, for want of images."""
    return Cell(None if fact.missing and values_RK is not None else fact, bold=bold)


def _notes(results: Results, experiment: str, rows: Iterable[Line]) -> tuple[Note, ...]:
    study = results.plan(experiment).experiment
    notes = [seeds_note(results, experiment)]
    if len(study.model) > NAMED:
        seeds = number(counts_key(results, "seeds", experiment), len(study.seeds), "count", "seeds")
        means = ("Means over ", seeds, " seeds. ") if len(study.seeds) > 1 else ()
        named = zip(ascii_lowercase, study.model, strict=False)
        notes = [Note(*means, "; ".join(f"{letter}: {model.label}" for letter, model in named), ".")]
    if any(cell.bold for row in rows for cell in row if isinstance(cell, Cell)):
        notes.append(Note("Bold: the highest value of a class as printed, whatever its margin."))
    return tuple(notes)


def _values(results: Results, model: str, metric: str, experiment: str) -> Floats | None:
    """Values_RK of the seeds; None while a seed is missing."""
    measured = results.measured(model, BASE, experiment)
    function = {"recall": metrics.recall, "precision": metrics.precision, "f1": metrics.f1}[metric]
    return np.array([function(one.counts_KK) for one in measured.predictions]) if measured.complete else None


def _fact(
    results: Results, model: str, key: str, values_RK: Floats | None, place: int | None, experiment: str
) -> Fact:
    """Mean over the seeds of one class, or of the mean over classes for no place."""
    measured = results.measured(model, BASE, experiment)
    seeds_R = None if values_RK is None else _of_seeds(values_RK, place)
    known = seeds_R is not None and bool(np.isfinite(seeds_R).all())
    mean = float(seeds_R.mean()) if known and seeds_R is not None else None
    spread = float(seeds_R.std(ddof=1)) if known and seeds_R is not None and len(seeds_R) > 1 else None
    origin = measured_origin(measured, key)
    return Fact(
        key_of(results, f"{model}.{key}", experiment), mean, "percent", 1, spread=spread, origin=origin
    )


def _of_seeds(values_RK: Floats, place: int | None) -> Floats:
    if place is not None:
        return values_RK[:, place]
    known = np.isfinite(values_RK)
    sums: Floats = np.where(known, values_RK, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return sums


def _support(results: Results, experiment: str) -> list[int]:
    """Test images of each class, as labelled in the predictions."""
    for model in results.plan(experiment).experiment.model:
        for one in results.measured(model.key, BASE, experiment).predictions:
            return [int(count) for count in one.counts_KK.sum(axis=1)]
    return [0] * len(results.classes(experiment))
