"""What a person writes: a base spec, models, ablations and seeds, in one TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from paper_kit.core.config import Frozen, read_toml, validate
from paper_kit.core.errors import InputError, did_you_mean
from paper_kit.core.part import Part, complete
from paper_kit.core.spec import Reading, RunSpec, View

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
GIVEN_BY_THE_PLAN = ("model", "seed", "task")  # what [base] and `set` may not name


class ReadingChoice(Frozen):
    """How the base is read: by default with the views of the run, averaged as probabilities."""

    views: tuple[View, ...] = ("identity",)
    average: Literal["probability", "logit"] = "probability"


class ModelEntry(Frozen):
    """One model of the comparison: its key in facts, its name in print, its part, and what it sets."""

    key: Key
    label: str
    part: Part
    set: dict[str, Any] = {}


class AblationEntry(Frozen):
    """One ablation: a name, and the fields that it changes in the spec or in the reading."""

    key: Key
    label: str
    set: dict[str, Any] = {}
    reading: dict[str, Any] = {}


class SourceTask(Frozen):
    """The task that runs with `transfer.source = "run"` start from; not a result."""

    dataset: Part = Part(name="synthetic_action_units")
    set: dict[str, Any] = {}


class Experiment(Frozen):
    """An experiment file, checked: every field, plug-in and argument in it exists."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    title: str = ""  # how a paper calls it, such as "FER+"; its file's name where it has none
    question: str
    expected: str = ""
    cost: str = ""
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = (0,)
    base: dict[str, Any] = {}
    reading: ReadingChoice = ReadingChoice()
    source: SourceTask = SourceTask()
    model: Annotated[tuple[ModelEntry, ...], Field(min_length=1)]
    ablation: tuple[AblationEntry, ...] = ()
    plugins: tuple[str, ...] = ()  # figure/NAME, table/NAME, facts/NAME, or module:function, that may run

    @property
    def called(self) -> str:
        """The title, or the file's name."""
        return self.title or self.name

    def spec(self, model: ModelEntry, seed: int, changes: Mapping[str, Any]) -> RunSpec:
        """The spec of one cell: base, then the model's own settings, then the ablation's."""
        value = merge(self.base, {"model": model.part.model_dump(), "seed": seed})
        value = set_fields(set_fields(value, model.set), changes)
        return completed(validate(RunSpec, value, f"{self.name}, model {model.key}"))

    def read(self, run: RunSpec, changes: Mapping[str, Any]) -> Reading:
        """How the cell's run is read on the test set."""
        value = {**self.reading.model_dump(), **changes}
        return validate(Reading, {"run": run, **value}, f"{self.name}, reading")


def load_experiment(path: Path) -> Experiment:
    """The checked experiment of a TOML file; InputError lists everything wrong with it."""
    return experiment_from(read_toml(path), path)


def experiment_from(value: Mapping[str, Any], path: Path) -> Experiment:
    """The checked experiment of a file's tables; InputError lists everything wrong with it after `path`."""
    experiment = validate(Experiment, {"name": path.stem, **value}, str(path))
    problems = _structure(experiment) or _cells(experiment)
    if problems:
        raise InputError([f"{path}: {problem}" for problem in dict.fromkeys(problems)])
    return experiment


def completed(spec: RunSpec) -> RunSpec:
    """The spec with its parts' arguments completed and checked."""
    parts = {"dataset": complete("dataset", spec.dataset), "model": complete("model", spec.model)}
    return spec.model_copy(update=parts)


def merge(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    """`left` with the tables of `right` laid over it, key by key."""
    merged = dict(left)
    for key, value in right.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both and key not in {"dataset", "model"} else value
    return merged


def set_fields(value: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`value` with dotted keys such as "optim.lr" set; a part's argument is "model.width"."""
    result = dict(value)
    for key, new in changes.items():
        head, _, rest = key.partition(".")
        if rest:
            inner = result.get(head, {})
            inner = {"name": inner} if isinstance(inner, str) else inner
            result[head] = set_fields(inner if isinstance(inner, Mapping) else {}, {rest: new})
        else:
            both = isinstance(new, Mapping) and isinstance(result.get(head), Mapping)
            result[head] = merge(result[head], new) if both and head not in {"dataset", "model"} else new
    return result


def _structure(experiment: Experiment) -> list[str]:
    problems = [
        f"base.{key}: {key} comes from the models, seeds and sources; remove it from [base]."
        for key in GIVEN_BY_THE_PLAN
        if key in experiment.base
    ]
    for what, entries in (("model", experiment.model), ("ablation", experiment.ablation)):
        keys = [entry.key for entry in entries]
        problems += [
            f"{what}: the key {key!r} stands twice." for key in {k for k in keys if keys.count(k) > 1}
        ]
    if "base" in {entry.key for entry in experiment.ablation}:
        problems.append("ablation: the key 'base' is the base itself; choose another.")
    problems += [
        f"{entry.key}.set: seed comes from `seeds`; remove it from this `set`."
        for entries in (experiment.model, experiment.ablation)
        for entry in entries
        if "seed" in entry.set
    ]
    for entry in experiment.ablation:
        if not entry.set and not entry.reading:
            problems.append(f"ablation {entry.key!r} changes nothing: give it `set` or `reading`.")
        unknown = set(entry.reading) - set(ReadingChoice.model_fields)
        problems += [
            f"ablation {entry.key!r}: unknown key 'reading.{key}'."
            + did_you_mean(key, ReadingChoice.model_fields)
            for key in sorted(unknown)
        ]
    if not experiment.seeds:
        problems.append("seeds: give at least one seed, such as seeds = [0].")
    return problems


def _cells(experiment: Experiment) -> list[str]:
    """Problems in any cell's spec or reading, each told once; those of the base are told alone."""
    try:
        validate(RunSpec, experiment.base, "[base]")
    except InputError as error:
        return list(error.problems)
    problems: list[str] = []
    for model in experiment.model:
        for changes, reading in [({}, {}), *((entry.set, entry.reading) for entry in experiment.ablation)]:
            try:
                spec = experiment.spec(model, experiment.seeds[0], changes)
                read = experiment.read(spec, reading)
            except InputError as error:
                problems += error.problems
                continue
            absent = set(read.views) - set(spec.views)
            if absent:
                problems.append(
                    f"model {model.key}: the reading asks for the views {sorted(absent)}, "
                    "which the run does not record; add them to base.views."
                )
    return problems
