"""Tables that others published, typed by a reviewer into a TOML file, and what is known of their datasets."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from paper_kit.core.config import Frozen, read_toml, validate
from paper_kit.core.errors import InputError, did_you_mean
from paper_kit.data.known import KNOWN, Known, known, same_class

Percent = Annotated[Decimal, Field(ge=0, le=100)]
Points = Annotated[Decimal, Field(ge=-100, le=100)]
Count = Annotated[int, Field(ge=0)]
SHARES = ("accuracy", "balanced_accuracy", "macro_f1", "macro_precision", "base")
BY_CLASS = ("recalls", "precisions")


class PrintedAblation(Frozen):
    """One ablation as printed: its accuracy in percent, and its change or drop in points."""

    name: str
    accuracy: Percent | None = None
    delta: Points | None = None
    drop: Points | None = None


class PrintedTable(Frozen):
    """A published table; shares are in percent, with the digits that they were printed with."""

    name: str
    source: str = ""
    dataset: str = ""
    split: Literal["train", "validation", "test"] = "test"
    accuracy: Percent | None = None
    recalls: dict[str, Percent] = {}
    precisions: dict[str, Percent] = {}
    supports: dict[str, Count] = {}
    images: Count = 0
    mean_of: Annotated[int, Field(ge=1)] = 1
    balanced_accuracy: Percent | None = None
    macro_f1: Percent | None = None
    macro_precision: Percent | None = None
    classes: tuple[str, ...] = ()
    confusion: tuple[tuple[Annotated[Decimal, Field(ge=0)], ...], ...] = ()
    confusion_in: Literal["", "counts", "percent"] = ""
    unit: Literal["percent", "fraction"] = "percent"
    base: Percent | None = None
    ablation: tuple[PrintedAblation, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _in_percent(cls, value: Any) -> Any:
        """The table with its fractions as percentages, each with the digits that it had."""
        if not isinstance(value, Mapping):
            return value
        typed = [
            *(value.get(key) for key in SHARES),
            *(one for key in BY_CLASS for one in _values(value.get(key))),
        ]
        if texts := [one for one in typed if isinstance(one, str)]:
            raise ValueError(f"{texts[0]!r} is a text; type the number without quotes")
        if value.get("unit") != "fraction":
            return value
        changed = dict(value)
        for key in SHARES:
            changed |= {key: _times_100(changed[key])} if key in changed else {}
        for key in BY_CLASS:
            changed |= {key: {name: _times_100(one) for name, one in changed.get(key, {}).items()}}
        ablations = [
            {key: item if key == "name" else _times_100(item) for key, item in each.items()}
            for each in changed.get("ablation", [])
        ]
        return changed | {"ablation": ablations}

    @property
    def known(self) -> Known | None:
        """What is known of the dataset; None where none is named."""
        return known(self.dataset)

    @property
    def official(self) -> Mapping[str, int]:
        """The official counts of the split by class; empty where they are not known."""
        return self.known.counts.get(self.split, {}) if self.known else {}

    @property
    def weights(self) -> dict[str, int]:
        """Images of each class in one spelling: as typed, or else as the dataset has them."""
        return {same_class(name): count for name, count in (self.supports or self.official).items()}

    @property
    def total(self) -> int:
        """How many images were tested; 0 where neither the table nor its dataset says."""
        sizes = self.known.sizes.get(self.split, 0) if self.known else 0
        return self.images or sum(self.weights.values()) or sizes


class _File(Frozen):
    table: Annotated[tuple[PrintedTable, ...], Field(min_length=1)]


def read_tables(path: Path) -> tuple[PrintedTable, ...]:
    """The tables of a file, with the digits as they were typed; InputError lists everything wrong with it."""
    read_toml(path)  # tells a missing file and wrong syntax
    value = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    if isinstance(value.get("table"), Mapping):
        raise InputError(f"{path}: write [[table]] with two brackets: a file holds a list of tables.")
    try:
        tables = validate(_File, value, str(path)).table
    except InputError as error:  # a bad value leaves no whole table, which is no second problem
        told = [problem for problem in error.problems if "should have at least 1 item" not in problem]
        raise InputError(told or f"{path}: there is no [[table]] in it.") from None
    problems = [f"{path}, {table.name}: {problem}" for table in tables for problem in _problems(table)]
    if problems:
        raise InputError(problems)
    return tables


def _problems(table: PrintedTable) -> list[str]:
    """What keeps a table from being checked."""
    found = []
    shares = [one for one in (table.accuracy, *table.recalls.values()) if one is not None]
    if table.unit == "percent" and shares and max(shares) <= 1 and any(0 < one < 1 for one in shares):
        found.append(f'{max(shares)} is below 1 percent; for shares from 0 to 1 type unit = "fraction".')
    if "images" in table.model_fields_set and not table.images:
        found.append("images = 0: no image was tested; type their number, or leave it out.")
    if "confusion" in table.model_fields_set and not any(any(row) for row in table.confusion):
        found.append("the confusion matrix is empty; type its numbers, or leave it out.")
    if table.dataset and table.known is None:
        names = [one.name for one in KNOWN]
        found.append(
            f"nothing is known of the dataset {table.dataset!r}.{did_you_mean(table.dataset, names)} "
            "Leave it out and type `supports`."
        )
    rows = {len(row) for row in table.confusion}
    if table.confusion and rows != {len(table.confusion)}:
        found.append("the confusion matrix is not square; type a row for each class.")
    if table.confusion and len(table.classes) != len(table.confusion):
        found.append(f"the confusion matrix has {len(table.confusion)} rows; name as many `classes`.")
    for key in (*BY_CLASS, "supports"):
        spelled = [same_class(name) for name in getattr(table, key)]
        if len(set(spelled)) != len(spelled):
            found.append(f"{key}: a class stands twice.")
    return found + _strangers(table)


def _strangers(table: PrintedTable) -> list[str]:
    """Where the classes of one key are not those of another."""
    given = {key: {same_class(name) for name in getattr(table, key)} for key in (*BY_CLASS, "classes")}
    wanted = set(table.weights)
    return [
        f"{key} has the classes {', '.join(sorted(names))}; the supports have {', '.join(sorted(wanted))}."
        + (f" Add {', '.join(sorted(wanted - names))}." if wanted - names else "")
        for key, names in given.items()
        if names and wanted and names != wanted
    ]


def _values(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, Mapping) else []


def _times_100(value: Any) -> Any:
    try:
        return Decimal(str(value)).scaleb(2)
    except ArithmeticError:
        return value
