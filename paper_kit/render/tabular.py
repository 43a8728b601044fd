"""A Table as a booktabs tabular, its decimal points under one another."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from pylatex import MultiColumn, NoEscape, Tabular

from paper_kit.analysis.artifacts import Cell, Column, Table
from paper_kit.analysis.facts import Fact
from paper_kit.render.measured import FactText
from paper_kit.render.narrow import Line, blocks, halves
from paper_kit.render.tex import Tex, escape, join, key

Show = Callable[[Any], Tex]

_NUMBER = re.compile(r"(?P<whole>[+\N{MINUS SIGN}]?[0-9,]+)(?P<fraction>\.[0-9]+)?(?P<rest>\D.*)?", re.DOTALL)


def tabular(table: Table, show: Show, line: Line | None = None) -> Tex:
    r"""`\pktable{tabular}{notes}`: macros.tex chooses the largest type in which it fits the line.

    A table too wide for the line at the smallest type (None: it never is) stands in blocks of columns.
    """
    parts = [_block(part, show) for part in (blocks(table, line) if line else (table,))]
    stacked = parts[0]
    if len(parts) > 1:
        stacked = "\\begin{tabular}{@{}l@{}}%\n" + "\\\\[4pt]\n".join(parts) + "\\end{tabular}"
    marks = {cell.mark for row in table.cells for cell in row if cell.mark}
    notes = join((note_tex(note, marks, show) for note in table.notes), Tex(r"\par "))
    return Tex(rf"\pktable{{%{chr(10)}{stacked}}}{{{notes}}}")


def _block(table: Table, show: Show) -> str:
    made = Tabular("".join(column.align for column in table.columns), booktabs=True, width=len(table.columns))
    if table.groups:
        _add_groups(made, table.groups)
    made.add_row([_header(table, place) for place in range(len(table.columns))])
    made.add_hline()
    pads = [_pads(table, place) for place in range(len(table.columns))]
    for number, row in enumerate(table.cells):
        if number and number in table.rules_before:
            made.add_hline()
        made.add_row(_row(row, table.columns, [pad[number] for pad in pads], show))
    return str(made.dumps())


def note_tex(note: str, marks: set[str], show: Show) -> Tex:
    """A note, with its first word raised where that is a mark of a cell."""
    first, _, _ = note.partition(" ")
    written, plain = show(note), f"{escape(first)} "
    if first in marks and written.startswith(plain):
        return Tex(rf"\textsuperscript{{{escape(first)}}}{written.removeprefix(plain)}")
    return written


def _add_groups(made: Tabular, groups: Sequence[tuple[str, int]]) -> None:
    made.add_row([MultiColumn(span, align="c", data=NoEscape(escape(header))) for header, span in groups])
    start = 1
    for header, span in groups:
        if header:
            made.append(NoEscape(rf"\cmidrule(lr){{{start}-{start + span - 1}}}"))
        start += span


def _header(table: Table, place: int) -> NoEscape:
    """A column's header, broken in two where it is long and wider than what stands below it."""
    column = table.columns[place]
    widest = max((len(texts[place]) for texts in table.texts()), default=0)
    text = column.text
    parts = halves(text)
    if len(text) <= widest or len(parts) == 1:
        return NoEscape(escape(text))
    stacked = join(parts, Tex(r"\\"))
    return NoEscape(rf"\begin{{tabular}}[b]{{@{{}}{column.align}@{{}}}}{stacked}\end{{tabular}}")


def _row(row: Sequence[Cell], columns: Sequence[Column], pads: Sequence[Tex], show: Show) -> list[object]:
    entries: list[object] = []
    place = 0
    for cell in row:
        column = columns[place]
        written = NoEscape(_cell(cell, column, pads[place], show))
        align = "l" if column.align == "l" else "c"
        entries.append(written if cell.span == 1 else MultiColumn(cell.span, align=align, data=written))
        place += cell.span
    return entries


def _cell(cell: Cell, column: Column, pad: Tex, show: Show) -> Tex:
    content = cell.content
    text = cell.text(column)
    written = show(FactText.of(content, text) if isinstance(content, Fact) else text)
    if cell.bold:
        written = Tex(rf"\textbf{{{written}}}")
    if cell.grey:
        written = Tex(rf"\pkgrey{{{written}}}")
    if cell.cite:
        written = Tex(rf"{written}~\cite{{{key(cell.cite)}}}")
    if cell.mark:
        raised = rf"\textsuperscript{{{escape(cell.mark)}}}"
        written = Tex(written + Tex(rf"\rlap{{{raised}}}" if column.align == "r" else raised))
    if column.wrap_in:
        written = Tex(rf"\pkcell{{{column.wrap_in:.3g}in}}{{{written}}}")
    return Tex(written + pad)


def _pads(table: Table, place: int) -> list[Tex]:
    """For each row what to add on the right, invisible, so that the decimal points of a column meet."""
    column = table.columns[place]
    texts: list[re.Match[str] | None] = []
    for row in table.cells:
        starts = [sum(cell.span for cell in row[:number]) for number in range(len(row))]
        cell = row[starts.index(place)] if place in starts else None
        aligned = cell is not None and cell.span == 1 and not _is_probability(cell)
        texts.append(_NUMBER.fullmatch(cell.text(column)) if cell is not None and aligned else None)
    numbers = [found for found in texts if found]
    if column.align != "r" or not numbers:
        return [Tex("")] * len(texts)
    fraction = max((found["fraction"] or "" for found in numbers), key=len)
    rest = max((found["rest"] or "" for found in numbers), key=len)
    return [_pad(found, fraction, rest) for found in texts]


def _is_probability(cell: Cell) -> bool:
    """Whether the cell is a p-value: it stands below an effect and at its right end."""
    return isinstance(cell.content, Fact) and cell.content.kind == "probability"


def _pad(found: re.Match[str] | None, fraction: str, rest: str) -> Tex:
    if found is None:
        return Tex("")
    own, tail = found["fraction"] or "", found["rest"] or ""
    lacking = fraction[len(own) :] if not tail else ""
    lacking += "" if tail else rest
    return Tex(rf"\phantom{{{escape(lacking)}}}") if lacking else Tex("")
