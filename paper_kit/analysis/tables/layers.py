"""The layer table of one model: operation, output, parameters and MACs from input to head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from paper_kit.analysis.artifacts import Cell, Column, Line, Note, Table
from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts import model as model_topic
from paper_kit.analysis.facts._format import SCALE
from paper_kit.analysis.results import Results
from paper_kit.analysis.tables._parts import number, waiting
from paper_kit.core.record import LayerRow

SIZES = ("parameters", "macs")
LONGEST = 8  # digits of a column's sum, up to which its numbers are printed whole


def make(results: Results, *, model: str = "", operation_in: float = 1.2) -> Table:
    """A row a layer of the model with this key, the first for none; a last row of totals.

    Parameters and MACs are whole numbers that add up to the totals; very large ones are in one unit.
    """
    key = results.model(model).key if model else results.models[0].key
    layers = model_topic.layers(results, key)
    units = {size: _unit(sum(getattr(row, size) for row in layers)) for size in SIZES}
    columns = (
        Column("Layer", "l"),
        Column("Operation", "l", wrap_in=operation_in),
        Column("Output", "l"),
        Column("Params", unit=units["parameters"]),
        Column("MACs", unit=units["macs"]),
    )
    if not layers:
        return Table("layers", columns, (waiting(columns),))
    rows = tuple(_row(key, place, row, units) for place, row in enumerate(layers))
    sums = (_size(f"model.{key}.layer.total", layers, size, units) for size in SIZES)
    total: Line = ("Total", Cell(""), Cell(""), *sums)
    spec = results.spec(key)
    size = number("settings.image_size", spec.image_size, "setting", "image_size")
    kind = "grey" if spec.channels == 1 else "colour"
    note = Note(
        f"For one {kind} image of ", size, "×", size, " pixels. Output: ", *_shapes(layers), "."
    )  # fmt: skip
    return Table("layers", columns, (*rows, total), frozenset({len(rows)}), (note,))


def _row(key: str, place: int, row: LayerRow, units: Mapping[str, str]) -> tuple[str | Fact | Cell, ...]:
    about = f"model.{key}.layer.{place}"
    texts = (
        ("name", row.name),
        ("operation", row.operation),
        ("output", model_topic.layer_shape(row.output)),
    )
    origin = Origin(fields=("record.layers",))
    cells = [
        Fact(f"{about}.{name}", text, "text", origin=origin) if text else Cell("") for name, text in texts
    ]
    return (*cells, *(_size(about, (row,), size, units) for size in SIZES))


def _size(about: str, rows: Sequence[LayerRow], size: str, units: Mapping[str, str]) -> Fact:
    """The sum over the rows: whole, or with one decimal in the column's unit."""
    value = sum(getattr(row, size) for row in rows)
    if units[size]:
        return number(f"{about}.{size}", value, "number", "record.layers", unit=units[size])
    return number(f"{about}.{size}", value, "count", "record.layers")


def _unit(total: int) -> str:
    """The smallest of none, k, M and G in which the sum has few digits before its point."""
    return next((name for name in ("", "k", "M") if total * SCALE.get(name, 1.0) < 10**LONGEST), "G")


def _shapes(layers: Sequence[LayerRow]) -> tuple[str, ...]:
    """What the sizes of the outputs are, of those kinds that the table has."""
    kinds = {len(row.output) for row in layers if model_topic.layer_shape(row.output).count("×")}
    told = [words for size, words in ((3, "channels×height×width"), (2, "tokens×width")) if size in kinds]
    return (", or ".join(told) or "width",)
