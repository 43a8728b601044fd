"""The layer table of one model: operation, output, parameters and MACs from input to head."""

from __future__ import annotations

from paper_kit.analysis.artifacts import Cell, Column, Line, Note, Table
from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts import model as model_topic
from paper_kit.analysis.facts._format import SCALE
from paper_kit.analysis.results import Results
from paper_kit.analysis.tables._parts import number, waiting
from paper_kit.core.record import LayerRow


def make(results: Results, *, model: str = "", operation_in: float = 1.2) -> Table:
    """A row a layer of the model with this key, the first for none; a last row of totals."""
    key = results.model(model).key if model else results.models[0].key
    columns = (
        Column("Layer", "l"),
        Column("Operation", "l", wrap_in=operation_in),
        Column("Output"),
        Column("Params"),
        Column("MACs"),
    )
    layers = model_topic.layers(results, key)
    if not layers:
        return Table("layers", columns, (waiting(columns),))
    rows = tuple(_row(key, place, row) for place, row in enumerate(layers))
    total: Line = (
        "Total",
        Cell(""),
        Cell(""),
        *(_total(results, key, size, layers) for size in ("parameters", "macs")),
    )
    spec = results.spec(key)
    size = number("settings.image_size", spec.image_size, "setting", "image_size")
    kind = "grey" if spec.channels == 1 else "colour"
    note = Note(
        f"For one {kind} image of ",
        size,
        "×",
        size,
        " pixels. Output: channels×height×width, or tokens×width.",
    )
    return Table("layers", columns, (*rows, total), frozenset({len(rows)}), (note,))


def _row(key: str, place: int, row: LayerRow) -> tuple[str | Fact, ...]:
    sizes = [
        _size(f"model.{key}.layer.{place}.{name}", getattr(row, name)) for name in ("parameters", "macs")
    ]
    texts = [
        Fact(f"model.{key}.layer.{place}.{name}", text, "text", origin=Origin(fields=("record.layers",)))
        for name, text in (("name", row.name), ("operation", row.operation), ("output", _shape(row.output)))
    ]
    return (*texts, *sizes)


def _size(key: str, value: int) -> Fact:
    """Three significant digits with k, M or G; small numbers whole."""
    unit = next((name for name in ("G", "M", "k") if value * SCALE[name] >= 0.9995), "")
    if not unit:
        return number(key, value, "count", "record.layers")
    return number(key, value, "quantity", "record.layers", digits=3, unit=unit)


def _shape(output: tuple[int, ...]) -> str:
    """Sizes with a times sign; trailing ones of a pooled map are left out."""
    kept = output[:1] if len(output) == 3 and output[1:] == (1, 1) else output
    return "×".join(str(size) for size in kept)


def _total(results: Results, key: str, size: str, layers: tuple[LayerRow, ...]) -> Fact:
    """The model's own fact, printed as everywhere, where the layers add up to it; else their sum."""
    total = sum(getattr(row, size) for row in layers)
    fact = model_topic.facts(results)[f"{key}.{size}"]
    return fact if fact.value == total else _size(f"model.{key}.layer.total.{size}", total)
