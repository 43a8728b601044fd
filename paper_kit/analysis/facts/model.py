"""What each model is: parameters, operations, layers, options."""

from __future__ import annotations

from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._format import SCALE, prefix
from paper_kit.analysis.facts._sheet import Sheet
from paper_kit.analysis.facts.settings import setting
from paper_kit.analysis.results import Results
from paper_kit.core.record import LayerRow

DIGITS = {"G": 2, "M": 2, "k": 1, "": 0}


def facts(results: Results) -> dict[str, Fact]:
    """model.<key>.parameters .macs .flops .layers .stages .options.<argument>."""
    sheet = Sheet("model")
    for size in ("parameters", "macs", "flops"):
        put_sizes(sheet, results, size)
    for model in results.models:
        rows = layers(results, model.key)
        origin = Origin(fields=("record.layers",))
        sheet.add(f"{model.key}.layers", len(rows) or None, "count", 0, origin=origin)
        stages = dict.fromkeys(row.stage for row in rows if row.stage)
        items = tuple(Fact(f"model.{model.key}.stages.{n}", stage, "text") for n, stage in enumerate(stages))
        sheet.listed(f"{model.key}.stages", items, origin)
        for argument, value in results.spec(model.key).model.arguments.items():
            field = f"model.{argument}"
            sheet.put(f"{model.key}.options.{argument}", setting(field, value))
    return sheet.facts


def layers(results: Results, model: str) -> tuple[LayerRow, ...]:
    """The layer table of a model's base; empty before its first run has finished."""
    records = results.records(model)
    return records[0].layers if records else ()


def layer_shape(output: tuple[int, ...]) -> str:
    """Sizes with a times sign, "24×12×12"; trailing ones of a pooled map are left out."""
    kept = output[:1] if len(output) == 3 and output[1:] == (1, 1) else output
    return "×".join(str(size) for size in kept)


def layer_size(key: str, value: int, origin: Origin) -> Fact:
    """Three significant digits with k, M or G; a small number is whole."""
    unit = next((name for name in ("G", "M", "k") if value * SCALE[name] >= 0.9995), "")
    if not unit:
        return Fact(key, value, "count", origin=origin)
    return Fact(key, value, "quantity", 3, unit, origin=origin)


def size_of(results: Results, model: str, size: str) -> float | None:
    """A model's parameters, MACs or FLOPs per image: as measured, else as its record says."""
    if model in results.costs:
        return float(getattr(results.costs[model], size))
    records = results.records(model)
    if not records or size == "flops":
        return None
    return float(
        records[0].parameters if size == "parameters" else sum(row.macs for row in records[0].layers)
    )


def put_sizes(sheet: Sheet, results: Results, size: str) -> None:
    """Nothing; <model key>.<size> of all models, in one unit (k, M or G) that suits the smallest."""
    values = {model.key: size_of(results, model.key, size) for model in results.models}
    unit = prefix([value for value in values.values() if value])
    digits = 1 if size != "parameters" and unit == "M" else DIGITS[unit]
    for key, value in values.items():
        origin = Origin(fields=(f"cost.{size}",))
        sheet.add(f"{key}.{size}", value, "number", digits, unit, origin=origin, exact=True)
