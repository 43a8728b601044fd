"""A table made to fit a narrow page: long texts wrap, then its columns stand in blocks below one another."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import groupby

from paper_kit.analysis.artifacts import Table

POINTS_PER_INCH = 72.27
SIGN_PT = 3.8  # of a sign at 6.5 pt, the smallest type of macros.tex, in the widest font (Computer Modern)
BETWEEN_PT = 3.0  # twice the smallest \tabcolsep
LONG_HEADER = 12  # signs; a longer header that is wider than its cells is broken in two
WRAPPED_PT = 80.0  # a text wraps at no less


def blocks(table: Table, width_in: float) -> tuple[Table, ...]:
    """The table, or its columns in as few tables as fit the width at the smallest type, each with the first.

    A table with cells that span columns stays whole.
    """
    room = width_in * POINTS_PER_INCH
    table = _wrapped(table, room)
    first, *widths = (_width_pt(table, place) for place in range(len(table.columns)))
    spans = any(cell.span > 1 for row in table.cells for cell in row)
    if first + sum(widths) <= room or spans or len(widths) < 2:
        return (table,)
    count = -int(-sum(widths) // max(room - first, 1.0))
    target = sum(widths) / count
    chosen: list[list[int]] = [[0]]
    taken = 0.0
    for place, width in enumerate(widths, start=1):
        if taken and (taken + width / 2 > target or first + taken + width > room):
            chosen.append([0])
            taken = 0.0
        chosen[-1].append(place)
        taken += width
    return tuple(_with_columns(table, places) for places in chosen)


def halves(text: str) -> tuple[str, ...]:
    """A long header broken at the space nearest its middle; (text,) where it is short or has none."""
    breaks = [found.start() for found in re.finditer(" ", text)]
    if len(text) <= LONG_HEADER or not breaks:
        return (text,)
    middle = min(breaks, key=lambda at: abs(at - len(text) / 2))
    return text[:middle], text[middle + 1 :]


def _with_columns(table: Table, places: list[int]) -> Table:
    headers = [header for header, span in table.groups for _ in range(span)]
    merged = [
        (header, len(list(each))) for header, each in groupby([headers[place] for place in places if headers])
    ]
    return replace(
        table,
        columns=tuple(table.columns[place] for place in places),
        rows=tuple(tuple(row[place] for place in places) for row in table.cells),
        groups=tuple(merged),
        notes=(),
    )


def _wrapped(table: Table, room: float) -> Table:
    """The table with its widest column of words wrapped as far as it is too wide."""
    widths = [_width_pt(table, place) for place in range(len(table.columns))]
    over = sum(widths) - room
    left = [place for place, column in enumerate(table.columns) if column.align == "l" and not column.wrap_in]
    widest = max(left, key=lambda place: widths[place], default=-1)
    if over <= 0 or widest < 0 or widths[widest] - over < WRAPPED_PT:
        return table
    columns = list(table.columns)
    columns[widest] = replace(columns[widest], wrap_in=(widths[widest] - BETWEEN_PT - over) / POINTS_PER_INCH)
    return replace(table, columns=tuple(columns))


def _width_pt(table: Table, place: int) -> float:
    column = table.columns[place]
    texts = table.texts()
    cells = [
        len(texts[number][place]) + (5 if row[place].cite else 0) + len(row[place].mark or "")
        for number, row in enumerate(table.cells)
        if len(row) == len(table.columns)
    ]
    inside = max(cells, default=0) * SIGN_PT
    if column.wrap_in:
        inside = min(inside, column.wrap_in * POINTS_PER_INCH)
    header = max(len(part) for part in halves(column.text)) * SIGN_PT
    return max(inside, header) + BETWEEN_PT
