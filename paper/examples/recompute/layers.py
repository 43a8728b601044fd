"""A model by its layer table: rows, neighbouring rows drawn as one part, sums, and the two ends."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from results import Value

COUNTED = re.compile(r"(\d+) × ([^;]+)")  # so many equal blocks
NUMBERED = re.compile(r"(.*\D)(\d+)", re.DOTALL)


def of_row(layers: Sequence[Mapping[str, Any]], place: str, what: str) -> Value:
    """What the table says of one layer, or the sum over all of them."""
    if place == "total":
        return sum(layer[what] for layer in layers)
    value = layers[int(place)][what]
    return shape(value) if isinstance(value, list) else value


def of_part(layers: Sequence[Mapping[str, Any]], places: str, what: str) -> Value:
    """The same of rows drawn as one box: "2-5" is from the third to the sixth."""
    first, _, last = places.partition("-")
    rows = layers[int(first) : int(last or first) + 1]
    if len(rows) != int(last or first) + 1 - int(first):
        raise KeyError(f"layers {places} of {len(layers)}")
    if what in {"parameters", "macs"}:
        return sum(row[what] for row in rows)
    told = {"name": _name, "operation": _operation, "output": lambda rows: shape(rows[-1]["output"])}
    return told[what](rows)


def end(classes: Sequence[str], spec: Mapping[str, Any], node: str, name: bool) -> Value:
    """What stands at the input, or at the logits: the box's name, else its shape."""
    if name:
        return {"input": "Input", "logits": "Logits"}[node]
    sizes = {"input": [spec["channels"], spec["image_size"], spec["image_size"]], "logits": [len(classes)]}
    return shape(sizes[node])


def shape(sizes: Sequence[int]) -> str:
    """24×12×12; the trailing ones of a pooled map are left out."""
    return "×".join(map(str, sizes)).removesuffix("×1×1")


def _name(rows: Sequence[Mapping[str, Any]]) -> str:
    """Block 1–4 of names that count on; else the stage, or the first and the last."""
    names = [row["name"] for row in rows]
    if len(rows) == 1:
        return str(names[0])
    found = [match for name in names if (match := NUMBERED.fullmatch(name))]
    if len(found) == len(rows) and len({match[1] for match in found}) == 1:
        return f"{names[0]}–{found[-1][2]}"
    stages = {row["stage"] for row in rows}
    stage = str(stages.pop()) if len(stages) == 1 else ""
    return stage[:1].upper() + stage[1:] if stage else f"{names[0]} – {names[-1]}"


def _operation(rows: Sequence[Mapping[str, Any]]) -> str:
    """Equal operations counted together; of one alone the count is left out."""
    counted = Counter[str]()
    for row in rows:
        found = COUNTED.fullmatch(row["operation"])
        counted[found[2] if found else row["operation"]] += int(found[1]) if found else 1
    return "; ".join(f"{count} × {what}" if count > 1 else what for what, count in counted.items())
