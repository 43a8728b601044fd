"""A table made to fit a narrow page: long texts wrap, then its columns stand in blocks below one another."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import groupby

from paper_kit.analysis.artifacts import Table

POINTS_PER_INCH = 72.27
SIGN_PT = 3.8  # of a sign at 6.5 pt, the smallest type of macros.tex, in the widest font (Computer Modern)
AT_EASE = 1.4  # as much wider is a sign at 9 pt, at which a table need not wrap what may be wrapped
BETWEEN = 0.9  # twice the smallest \tabcolsep, in signs
LONG_HEADER = 12  # signs; a longer header that is wider than its cells is broken in two
WRAPPED = 21.0  # signs; a text wraps at no less


@dataclass(frozen=True)
class Line:
    """Width of the page's line and of a column's (0: the same) in inches, of a sign at 6.5 pt in points."""

    width_in: float
    column_in: float = 0
    sign_pt: float = SIGN_PT

    @property
    def signs(self) -> float:
        """How many signs at 6.5 pt fit the line."""
        return self.width_in * POINTS_PER_INCH / self.sign_pt

    @property
    def signs_of_column(self) -> float:
        """How many signs at 6.5 pt fit a column."""
        return (self.column_in or self.width_in) * POINTS_PER_INCH / self.sign_pt


def blocks(table: Table, line: Line) -> tuple[Table, ...]:
    """The table, or its columns in as few tables as fit the line at the smallest type, each with the first.

    A table with cells that span columns stays whole.
    """
    room = line.signs
    table = _wrapped(table, line)
    first, *widths = (_signs(table, place) for place in range(len(table.columns)))
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


def _wrapped(table: Table, line: Line) -> Table:
    """The table with no column wrapped where it need not, with its widest of words where it is too wide."""
    if not any(column.wrap_in for column in table.columns):
        return _with_widest_wrapped(table, line)
    free = replace(table, columns=tuple(replace(column, wrap_in=0.0) for column in table.columns))
    if sum(_signs(free, place) for place in range(len(free.columns))) * AT_EASE <= line.signs_of_column:
        return free
    return _with_widest_wrapped(table, line)


def _with_widest_wrapped(table: Table, line: Line) -> Table:
    """The table with its widest column of words wrapped as far as it is too wide."""
    widths = [_signs(table, place) for place in range(len(table.columns))]
    over = sum(widths) - line.signs
    left = [place for place, column in enumerate(table.columns) if column.align == "l" and not column.wrap_in]
    widest = max(left, key=lambda place: widths[place], default=-1)
    if over <= 0 or widest < 0 or widths[widest] - over < WRAPPED:
        return table
    columns = list(table.columns)
    inches = (widths[widest] - BETWEEN - over) * line.sign_pt / POINTS_PER_INCH
    columns[widest] = replace(columns[widest], wrap_in=inches)
    return replace(table, columns=tuple(columns))


def _signs(table: Table, place: int) -> float:
    """How many signs wide a column is, with the space beside it."""
    column = table.columns[place]
    texts = table.texts()
    cells = [
        len(texts[number][place]) + (5 if row[place].cite else 0) + len(row[place].mark or "")
        for number, row in enumerate(table.cells)
        if len(row) == len(table.columns)
    ]
    inside = float(max(cells, default=0))
    if column.wrap_in:
        inside = min(inside, column.wrap_in * POINTS_PER_INCH / SIGN_PT)
    header = max(len(part) for part in halves(column.text))
    return max(inside, header) + BETWEEN
