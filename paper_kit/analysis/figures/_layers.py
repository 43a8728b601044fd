"""A model's layer list as the parts of a diagram: equal neighbours in one, then stages, until it is short."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from paper_kit.analysis.artifacts import NodeKind
from paper_kit.core.record import LayerRow

_COUNT = re.compile(r"(\d+) × ([^;]+)")  # of blocks, where they are all that the row is
_NUMBERED = re.compile(r"(.*\D)(\d+)", re.DOTALL)
_JOINS = re.compile(r"\bfusion\b|\bjoined\b|\bconcat", re.IGNORECASE)
_ATTENDS = re.compile(r"attention|\bcbam\b|\bse\b|squeeze|\beca\b", re.IGNORECASE)
_ATTENTION_ONLY = re.compile(r"cbam|se\b|eca\b|squeeze", re.IGNORECASE)
_TOKEN = re.compile(r"\b(?:class|cls)[ _]?token", re.IGNORECASE)
_JOINED = re.compile(r"(\d+)\s+(?:levels|taps|maps|stages|scales)\b", re.IGNORECASE)


@dataclass(frozen=True)
class LayerPart:
    """Some neighbouring rows of a layer list as one part; `places` are theirs in the list."""

    rows: tuple[LayerRow, ...]
    places: tuple[int, ...]

    @property
    def title(self) -> str:
        """The row's name; a range such as "Block 1–4"; else the stage, or the first and the last name."""
        names = [row.name for row in self.rows]
        if len(names) == 1:
            return names[0]
        found = [_NUMBERED.fullmatch(name) for name in names]
        if all(found) and len({each[1] for each in found if each}) == 1:
            return f"{names[0]}\N{EN DASH}{names[-1][len(found[0][1]) :]}" if found[0] else names[0]
        stages = {row.stage for row in self.rows}
        stage = stages.pop() if len(stages) == 1 else ""
        return stage[:1].upper() + stage[1:] if stage else f"{names[0]} \N{EN DASH} {names[-1]}"

    @property
    def operation(self) -> str:
        """What the rows do: equal ones counted, "1 ×" left out."""
        counted: Counter[str] = Counter()
        for row in self.rows:
            found = _COUNT.fullmatch(row.operation)
            counted[found[2] if found else row.operation] += int(found[1]) if found else 1
        return "; ".join(f"{count} × {what}" if count > 1 else what for what, count in counted.items())

    @property
    def blocks(self) -> int:
        """How many equal blocks the part is; 1 where its rows differ or no count is given."""
        found = [_COUNT.fullmatch(row.operation) for row in self.rows]
        kinds = {each[2] if each else row.operation for each, row in zip(found, self.rows, strict=True)}
        return sum(int(each[1]) if each else 1 for each in found) if len(kinds) == 1 else 1

    @property
    def output(self) -> tuple[int, ...]:
        """The shape that the last row gives out."""
        return self.rows[-1].output

    @property
    def parameters(self) -> int:
        """The sum over the rows."""
        return sum(row.parameters for row in self.rows)

    @property
    def macs(self) -> int:
        """The sum over the rows."""
        return sum(row.macs for row in self.rows)

    @property
    def stage(self) -> str:
        """The stage of the first row."""
        return self.rows[0].stage

    def kind(self, head: str) -> NodeKind:
        """What the rows are, as their names and operations tell; `head` is the last stage of the model."""
        first = self.rows[0]
        if len(self.rows) == 1 and _TOKEN.search(f"{first.name} {first.operation}"):
            return "token"
        if any(_JOINS.search(f"{row.name} {row.operation}") for row in self.rows):
            return "fusion"
        if all(_ATTENDS.search(row.name) or _ATTENTION_ONLY.match(row.operation) for row in self.rows):
            return "attention"
        return "head" if first.stage == head else "stage"

    @property
    def joins(self) -> int:
        """How many earlier parts it takes in; 0 where its operation gives no number."""
        found = _JOINED.search(self.rows[0].operation) if _JOINS.search(self.rows[0].operation) else None
        return int(found[1]) if found else 0


def layer_parts(layers: Sequence[LayerRow], most: int) -> list[LayerPart]:
    """The parts, at most so many: equal neighbours are one, then stages, then equal shapes, then the rest."""
    parts = [LayerPart((row,), (place,)) for place, row in enumerate(layers)]
    parts = _merged(parts, lambda one, two: _same(one.rows[-1], two.rows[0]))
    if len(parts) > most:
        parts = _merged(parts, lambda one, two: bool(one.stage) and one.stage == two.stage)
    if len(parts) > most:
        parts = _merged(parts, lambda one, two: one.output == two.output)
    while len(parts) > most:  # the two neighbours with the fewest rows between them
        lengths = [len(one.rows) + len(two.rows) for one, two in pairwise(parts)]
        at = lengths.index(min(lengths))
        parts[at : at + 2] = [_joined(parts[at], parts[at + 1])]
    return parts


def _same(one: LayerRow, two: LayerRow) -> bool:
    fields = ("operation", "output", "parameters", "macs")
    return all(getattr(one, field) == getattr(two, field) for field in fields)


def _joined(one: LayerPart, two: LayerPart) -> LayerPart:
    return LayerPart((*one.rows, *two.rows), (*one.places, *two.places))


def _merged(parts: list[LayerPart], together: Callable[[LayerPart, LayerPart], bool]) -> list[LayerPart]:
    merged: list[LayerPart] = []
    for part in parts:
        if merged and together(merged[-1], part):
            merged[-1] = _joined(merged[-1], part)
        else:
            merged.append(part)
    return merged
