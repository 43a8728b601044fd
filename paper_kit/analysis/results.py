"""Results: the plans joined with the Store; a tidy frame of readings that knows what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from paper_kit.analysis.claims import Claims
from paper_kit.analysis.predictions import (
    METRICS,
    Measured,
    Predictions,
    RunReading,
    check_embeddings,
    read_predictions,
    run_reading,
)
from paper_kit.core.arrays import read_npz
from paper_kit.core.errors import InputError, did_you_mean
from paper_kit.core.experiment import AblationEntry, Experiment, ModelEntry
from paper_kit.core.plan import BASE, Plan, Row
from paper_kit.core.record import CostRecord, Machine, RunRecord
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import RunState, Store
from paper_kit.data.card import Card


def collect(
    plans: Sequence[Plan],
    store: Store,
    *,
    resources: Resources | None = None,
    literature: Path | None = None,
    show_images: bool = False,
    alpha: float = 0.05,
    margin_points: float = 1.0,
) -> Results:
    """The results of the plans, the first of which is the study that facts speak of.

    `resources` say where images lie; `literature` is a TOML file of published results; `show_images` shows
    faces of a dataset that may not be redistributed; `alpha` is the level of the tests behind claims, and
    `margin_points` the points of accuracy within which two models count as equal.
    """
    if not plans:
        raise InputError("No experiment to collect: name one in paper.toml, such as experiments/quick.toml.")
    place = resources or Resources()
    return Results(tuple(plans), store, place, literature, show_images, alpha, margin_points)


class Results:
    """The plans joined with the Store. Records and predictions are read once, when first asked for."""

    def __init__(
        self,
        plans: tuple[Plan, ...],
        store: Store,
        resources: Resources,
        literature: Path | None,
        show_images: bool,
        alpha: float = 0.05,
        margin_points: float = 1.0,
    ) -> None:
        self.plans = plans
        self.store = store
        self.resources = resources
        self.literature = literature
        self.show_images = show_images
        self._records: dict[str, RunRecord] = {}
        self._predictions: dict[RunReading, Predictions] = {}
        self._images: dict[tuple[str, bytes], NDArray[Any]] = {}
        self._states: dict[int, tuple[RunSpec, RunState]] = {}
        self._readings: dict[int, tuple[Row, RunReading]] = {}
        self.claims = Claims(lambda: self, alpha, margin_points)

    @property
    def main(self) -> Experiment:
        """The experiment that facts speak of: the first."""
        return self.plans[0].experiment

    @property
    def named(self) -> frozenset[str]:
        """The plug-ins from outside the package that the experiments name for tables, figures and facts."""
        return frozenset(name for plan in self.plans for name in plan.experiment.plugins)

    @property
    def models(self) -> tuple[ModelEntry, ...]:
        """Models of the main experiment, in its order."""
        return self.main.model

    @property
    def ablations(self) -> tuple[AblationEntry, ...]:
        """Ablations of the main experiment, in its order, without the base."""
        return self.main.ablation

    def plan(self, experiment: str = "") -> Plan:
        """The plan of an experiment by name; the main one for an empty name."""
        for plan in self.plans:
            if experiment in {"", plan.experiment.name}:
                return plan
        known = [plan.experiment.name for plan in self.plans]
        raise InputError(
            f"There is no experiment {experiment!r} in this paper.{did_you_mean(experiment, known)}"
        )

    def model(self, key: str, experiment: str = "") -> ModelEntry:
        """A model by its key; InputError lists the known ones."""
        entries = {entry.key: entry for entry in self.plan(experiment).experiment.model}
        if key not in entries:
            raise InputError(f"There is no model with the key {key!r}.{did_you_mean(key, entries)}")
        return entries[key]

    def cells(self, model: str, ablation: str = BASE, experiment: str = "") -> tuple[Row, ...]:
        """The plan's rows of one cell: one a seed."""
        return self._cells.get((id(self.plan(experiment)), model, ablation), ())

    @cached_property
    def _cells(self) -> dict[tuple[int, str, str], tuple[Row, ...]]:
        """(plan by object, model, ablation) -> its rows."""
        found: dict[tuple[int, str, str], list[Row]] = {}
        for plan in self.plans:
            for row in plan.rows:
                found.setdefault((id(plan), row.model_key, row.ablation_key), []).append(row)
        return {key: tuple(rows) for key, rows in found.items()}

    def spec(self, model: str, ablation: str = BASE, experiment: str = "") -> RunSpec:
        """The spec of a cell's first seed."""
        return self.cells(model, ablation, experiment)[0].reading.run

    def state(self, spec: RunSpec) -> RunState:
        """The state of a run as it was when first asked for."""
        if id(spec) not in self._states:  # by object: to compute a spec's hash takes longer than all else
            self._states[id(spec)] = (spec, self.store.state(spec))
        return self._states[id(spec)][1]

    def done(self, spec: RunSpec) -> bool:
        """Whether the run is finished."""
        return self.state(spec) is RunState.DONE

    def record(self, run_id: str) -> RunRecord:
        """The record of a finished run."""
        if run_id not in self._records:
            self._records[run_id] = self.store.record(run_id)
        return self._records[run_id]

    def records(self, model: str, ablation: str = BASE, experiment: str = "") -> tuple[RunRecord, ...]:
        """The records of a cell's finished seeds."""
        runs = (row.reading.run for row in self.cells(model, ablation, experiment))
        return tuple(self.record(run.id) for run in runs if self.done(run))

    def predictions(self, reading: RunReading) -> Predictions:
        """Probabilities, labels and ids of one reading of a finished run."""
        if reading not in self._predictions:
            recorded = tuple(self.record(reading.run).spec["views"])
            path = self.store.file(reading.run, "predictions.npz")
            found = read_predictions(path, reading, recorded)
            shared = {name: self._same(getattr(found, name)) for name in ("labels", "ids")}
            self._predictions[reading] = replace(found, **shared)
        return self._predictions[reading]

    def _same(self, array: NDArray[Any]) -> NDArray[Any]:
        """An equal array that was met before, else this one: a thousand runs have one list of test images."""
        return self._images.setdefault((array.dtype.str, array.tobytes()), array)

    def measured(self, model: str, ablation: str = BASE, experiment: str = "") -> Measured:
        """What the finished seeds of one cell measured."""
        rows = self.cells(model, ablation, experiment)
        return self._measured(rows, tuple(map(self.reading, rows)))

    def reading(self, row: Row) -> RunReading:
        """The reading that fills a row, its run named by id."""
        if id(row) not in self._readings:
            self._readings[id(row)] = (row, run_reading(row.reading))
        return self._readings[id(row)][1]

    def measured_with(self, views: tuple[str, ...], model: str, experiment: str = "") -> Measured:
        """What the base runs of a model measure when read with `views`, all of which they must record."""
        rows = self.cells(model, BASE, experiment)
        return self._measured(rows, tuple(self.reading(row)._replace(views=views) for row in rows))

    def _measured(self, rows: tuple[Row, ...], readings: tuple[RunReading, ...]) -> Measured:
        done = [reading for row, reading in zip(rows, readings, strict=True) if self.done(row.reading.run)]
        predictions = tuple(self.predictions(reading) for reading in done)
        return Measured(readings, tuple(row.seed for row in rows), predictions)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """One row a planned reading: its labels, run, state and metrics (fractions; nan where missing)."""
        return pd.DataFrame([self._row(row) for plan in self.plans for row in plan.rows])

    def _row(self, row: Row) -> dict[str, Any]:
        reading = self.reading(row)
        labels = {
            "experiment": row.experiment, "dataset": row.dataset,
            "model_key": row.model_key, "model_label": row.model_label,
            "ablation_key": row.ablation_key, "ablation_label": row.ablation_label,
            "seed": row.seed, "run_id": reading.run, "views": "+".join(reading.views),
            "average": reading.average, "split": reading.split, "epoch": reading.epoch,
            "state": str(self.state(row.reading.run)),
        }  # fmt: skip
        if not self.done(row.reading.run):
            return {**labels, **dict.fromkeys((*METRICS, "images", "selected_epoch", "seconds"), np.nan)}
        record, predictions = self.record(reading.run), self.predictions(reading)
        extra = {
            "images": len(predictions.labels),
            "selected_epoch": record.selected_epoch,
            "seconds": record.seconds,
        }
        return {**labels, **predictions.metrics, **extra}

    @cached_property
    def missing(self) -> tuple[Row, ...]:
        """Rows of all plans whose run is not finished."""
        return tuple(row for plan in self.plans for row in plan.rows if not self.done(row.reading.run))

    def history(self, run_id: str) -> pd.DataFrame:
        """One row an epoch, as the run wrote them."""
        return pd.DataFrame(self.store.history(run_id))

    def embeddings(self, run_id: str) -> dict[str, NDArray[Any]] | None:
        """features_ND, ids_N and labels_N of the run's fixed test images; None where not recorded."""
        path = self.store.file(run_id, "embeddings.npz")
        if not path.is_file():
            return None
        names = ("features_ND", "labels_N", "ids_N")
        try:
            held = read_npz(path, names)
            check_embeddings(*(held[name] for name in names))
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path}: not a whole file of embeddings ({error}). Unpack the records again, or delete the "
                "run's record.json and type `paperkit run-all` to train the run again."
            ) from None
        return held

    def any_record(self, experiment: str = "") -> RunRecord | None:
        """The record of the first finished run of an experiment, for what all its runs share."""
        for row in self.plan(experiment).rows:
            if self.done(row.reading.run):
                return self.record(row.reading.run.id)
        return None

    def card(self, experiment: str = "") -> Card | None:
        """The Card of an experiment's dataset; None before its first run has finished."""
        record = self.any_record(experiment)
        try:
            return Card.from_dict(record.card) if record else None
        except (LookupError, TypeError) as error:
            path = self.store.file(record.id if record else "", "record.json")
            raise InputError(f"{path}: its card of the dataset is not whole ({error}).") from None

    def classes(self, experiment: str = "") -> tuple[str, ...]:
        """Names of the classes, in the order of the labels; empty before the first run has finished."""
        record = self.any_record(experiment)
        return record.classes if record else ()

    @property
    def synthetic(self) -> bool:
        """Whether any experiment's dataset is synthetic, by Card, or by name before a run has finished."""
        cards = [(plan, self.card(plan.experiment.name)) for plan in self.plans]
        return any(
            card.synthetic if card else plan.rows[0].dataset.startswith("synthetic") for plan, card in cards
        )

    @property
    def costs(self) -> dict[str, CostRecord]:
        """Model key -> cost of the base's model, all of one machine: that measured most of them, last."""
        return next(iter(self.machines), {})

    @cached_property
    def machines(self) -> tuple[dict[str, CostRecord], ...]:
        """Model key -> cost, for each device with its threads, torch and protocol: the first is `costs`.

        What differs in one of these is never compared. The same records give the same order anywhere.
        """
        matching: dict[Machine, dict[str, CostRecord]] = {}
        for cost in self.store.costs():
            for entry in self.models:
                if _measures(cost, self.spec(entry.key)):
                    matching[cost.machine] = {**matching.pop(cost.machine, {}), entry.key: cost}
        last_first = list(matching.values())[::-1]
        return tuple(sorted(last_first, key=len, reverse=True))


def _measures(cost: CostRecord, spec: RunSpec) -> bool:
    measured, planned = cost.model_dump(mode="json"), spec.full()
    fields = ("model", "image_size", "channels", "precision", "views", "batch_size")
    return all(measured[field] == planned[field] for field in fields)
