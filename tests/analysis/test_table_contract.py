"""Every file of analysis/tables makes tiny, huge and degenerate studies into tables that fit a page."""

from __future__ import annotations

import csv
import io

import pytest

from paper_kit.analysis.artifacts import Table
from paper_kit.core.part import available, load

TABLES = available("table")
TEXT_PT = 505  # the narrowest \\textwidth of two-column venues: acmart's
SMALLEST_PT = 6.5  # of macros.tex's \\pktable
SIGN = 0.47  # mean width of a sign of Times, of its size
SEPARATION_PT = 3.0  # between columns at that size


def made(name: str, results) -> Table:
    return load("table", name)(results)


def width_pt(table: Table) -> float:
    """An estimate of the table's width in the smallest type that is used."""
    total = 0.0
    for place, column in enumerate(table.columns):
        widest = max([len(text[place]) for text in table.texts()] + [len(column.text) / 2])
        points = widest * SIGN * SMALLEST_PT
        total += min(points, column.wrap_in * 72) if column.wrap_in else points
    return total + SEPARATION_PT * (len(table.columns) - 1)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("case", ["tiny", "degenerate"])
def test_every_table_can_be_made_and_is_the_same_twice(fabricated, name, case):
    table = made(name, fabricated(case))
    assert table.cells
    assert table.to_csv() == made(name, fabricated(case)).to_csv()
    rows = list(csv.reader(io.StringIO(table.to_csv())))
    assert {len(row) for row in rows} == {len(table.columns)}
    assert not any(word in text.split() for row in table.texts() for text in row for word in ("nan", "inf"))
    assert all(note.strip() for note in table.notes)


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_thirty_classes_and_twelve_models_fit_the_width_of_the_text(fabricated, name):
    table = made(name, fabricated("huge"))
    assert width_pt(table) <= TEXT_PT


@pytest.mark.slow
def test_many_models_are_lettered_and_a_note_tells_the_letters(fabricated):
    table = made("per_class", fabricated("huge"))
    assert [column.header for column in table.columns[2:]] == list("abcdefghijkl")
    assert "b: AdvancedEmoteNet" in table.notes[0]
    assert not any("\N{PLUS-MINUS SIGN}" in text for row in table.texts() for text in row)
