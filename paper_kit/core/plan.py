"""From an experiment to its cells and the trainings that they need, each training once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from paper_kit.core.errors import InputError, did_you_mean
from paper_kit.core.experiment import Experiment, ModelEntry, completed, load_experiment, merge, set_fields
from paper_kit.core.files import sha256_file
from paper_kit.core.spec import Reading, RunSpec, spec_from

BASE = "base"


@dataclass(frozen=True)
class Row:
    """One cell of a study: its labels and the reading that fills it."""

    experiment: str
    dataset: str
    model_key: str
    model_label: str
    ablation_key: str
    ablation_label: str
    seed: int
    reading: Reading


@dataclass(frozen=True)
class Plan:
    """An experiment's cells, and its trainings without repetition, source runs first."""

    experiment: Experiment
    rows: tuple[Row, ...]
    sources: tuple[RunSpec, ...]
    runs: tuple[RunSpec, ...]

    @property
    def trainings(self) -> tuple[RunSpec, ...]:
        """The trainings that are results; source runs are not."""
        return self.runs[len(self.sources) :]


def plan(experiment: Experiment, *, weights: tuple[Path, ...] = ()) -> Plan:
    """The experiment's plan; `weights` are the folders in which named weights files are looked for."""
    rows: list[Row] = []
    sources: dict[str, RunSpec] = {}
    runs: dict[str, RunSpec] = {}
    models = [_of_first_seed(experiment, model, weights) for model in experiment.model]
    for seed in experiment.seeds:
        for first_source, cells in models:
            source = first_source.seeded(seed) if first_source else None
            if source is not None:
                sources.setdefault(source.id, source)
            for cell in cells:
                run = cell.reading.run
                starts_from = source.id if source is not None and run.transfer.source == "run" else ""
                run = run.seeded(seed, starts_from)
                run = runs.setdefault(run.id, run)
                read = cell.reading.model_copy(update={"run": run})
                rows.append(replace(cell, seed=seed, reading=read))
    return Plan(experiment, tuple(rows), tuple(sources.values()), (*sources.values(), *runs.values()))


def _of_first_seed(
    experiment: Experiment, model: ModelEntry, weights: tuple[Path, ...]
) -> tuple[RunSpec | None, tuple[Row, ...]]:
    """The source run of a model, where a cell needs one, and its cells, all for the first seed."""
    rows, seed = [], experiment.seeds[0]
    cells = [(BASE, "Base", {}, {}), *((a.key, a.label, a.set, a.reading) for a in experiment.ablation)]
    for key, label, changes, reading in cells:
        spec = _with_weights(experiment.spec(model, seed, changes), experiment, model, weights)
        read = experiment.read(spec, reading)
        rows.append(Row(experiment.name, spec.dataset.name, model.key, model.label, key, label, seed, read))
    needed = any(row.reading.run.transfer.source == "run" for row in rows)
    return _source(experiment, model, seed) if needed else None, tuple(rows)


def load_plans(paths: tuple[Path, ...], *, weights: tuple[Path, ...] = ()) -> tuple[Plan, ...]:
    """The plans of several experiment files; InputError lists the problems of all of them."""
    plans: list[Plan] = []
    problems: list[str] = []
    for path in paths:
        try:
            plans.append(plan(load_experiment(path), weights=weights))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return tuple(plans)


def all_runs(plans: tuple[Plan, ...]) -> tuple[RunSpec, ...]:
    """The trainings of several plans without repetition, source runs first."""
    sources = {run.id: run for plan in plans for run in plan.sources}
    trainings = {run.id: run for plan in plans for run in plan.trainings}
    return (*sources.values(), *trainings.values())


def chosen_runs(plans: tuple[Plan, ...], only: tuple[str, ...] = ()) -> tuple[RunSpec, ...]:
    """The trainings behind the rows whose model or ablation key is in `only` (all where it is empty).

    With keys of both kinds a row must have one of each. Source runs of the chosen trainings come first.
    Raises InputError for a key that no plan has.
    """
    rows = [row for plan in plans for row in plan.rows]
    models, ablations = {row.model_key for row in rows}, {row.ablation_key for row in rows}
    unknown = [key for key in only if key not in models | ablations]
    if unknown:
        raise InputError(
            [
                f"--only {key}: no model or ablation has this key.{did_you_mean(key, models | ablations)}"
                for key in unknown
            ]
        )
    models = models & set(only) or models
    ablations = ablations & set(only) or ablations
    runs = [row.reading.run for row in rows if row.model_key in models and row.ablation_key in ablations]
    needed = {run.id for run in runs} | {run.transfer.run for run in runs}
    return tuple(run for run in all_runs(plans) if run.id in needed)


def run_labels(plans: tuple[Plan, ...]) -> dict[str, str]:
    """Run id -> what a person calls the run, such as "EmotionViT, w/o focal loss, seed 1"."""
    labels: dict[str, str] = {}
    for plan in plans:
        for row in plan.rows:
            end = f", seed {row.seed}" if len(plan.experiment.seeds) > 1 else ""
            begin = f"{row.experiment}: {row.model_label}" if len(plans) > 1 else row.model_label
            run = row.reading.run
            what = row.ablation_label.lower() if row.ablation_key == BASE else row.ablation_label
            labels.setdefault(run.id, f"{begin}, {what}{end}")
            if run.transfer.run:
                labels.setdefault(run.transfer.run, f"{begin}, source{end}")
    return labels


def idle_ablations(plans: tuple[Plan, ...]) -> tuple[str, ...]:
    """One line for each ablation that leaves a model as its base is: "w/o TTA changes nothing of Net"."""
    told: dict[str, None] = {}
    for plan in plans:
        bases = {(row.model_key, row.seed): row.reading for row in plan.rows if row.ablation_key == BASE}
        cells: dict[tuple[str, str], list[Row]] = {}
        for row in plan.rows:
            if row.ablation_key != BASE:
                cells.setdefault((row.ablation_key, row.model_key), []).append(row)
        begin = f"{plan.experiment.name}: " if len(plans) > 1 else ""
        for rows in cells.values():
            if all(row.reading == bases[row.model_key, row.seed] for row in rows):
                told[f"{begin}{rows[0].ablation_label} changes nothing of {rows[0].model_label}"] = None
    return tuple(told)


def _with_weights(
    spec: RunSpec, experiment: Experiment, model: ModelEntry, weights: tuple[Path, ...]
) -> RunSpec:
    """The spec with its weights file, where it starts from one, named by its hash."""
    transfer = spec.transfer
    if transfer.source in {"hub", "file"} and not transfer.architecture:
        raise InputError(
            f"{experiment.name}, model {model.key}: transfer.source = {transfer.source!r} needs "
            'transfer.architecture, a name of timm such as "efficientnet_b0"; add it to the model\'s `set`.'
        )
    if transfer.source == "file" and not transfer.weights_sha256:
        found = _weights_file(transfer.architecture, weights)
        return spec.model_copy(update={"transfer": transfer.model_copy(update={"weights_sha256": found})})
    return spec


def _source(experiment: Experiment, model: ModelEntry, seed: int) -> RunSpec:
    """The source run of one model and seed: the base's sizes, trained from scratch on the source task."""
    base: dict[str, Any] = {
        key: experiment.base[key] for key in ("image_size", "channels", "precision") if key in experiment.base
    }
    value = merge(
        base,
        {"task": "action_units", "dataset": experiment.source.dataset.model_dump(), "views": ["identity"]},
    )
    value = merge(value, {"model": model.part.model_dump(), "seed": seed})
    value = set_fields(value, {k: v for k, v in model.set.items() if k.startswith("model.")})
    value = set_fields(value, experiment.source.set)
    return completed(spec_from(value, f"{experiment.name}, [source]"))


def _weights_file(architecture: str, folders: tuple[Path, ...]) -> str:
    """SHA-256 of `architecture`.safetensors in the first folder that has it."""
    if Path(architecture).name != architecture:
        raise InputError(f"transfer.architecture = {architecture!r}: expected the name of a file, no path.")
    for folder in folders:
        file = folder / f"{architecture}.safetensors"
        if file.is_file():
            return sha256_file(file)
    looked = ", ".join(str(folder) for folder in folders) or "no folder at all"
    raise InputError(
        f"{architecture}.safetensors: not found (looked in {looked}). Put the folder that holds it under "
        '`weights = ["…"]` in paperkit.local.toml, or set PAPERKIT_DATA.'
    )
