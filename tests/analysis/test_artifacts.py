"""Tables are values: checked when made, printed as CSV and Markdown."""

from __future__ import annotations

import pytest

from paper_kit.analysis.artifacts import Cell, Column, Table
from paper_kit.analysis.facts import Fact
from paper_kit.core.errors import InputError

COLUMNS = (Column("Model", "l"), Column("Accuracy", unit="%"), Column("Change"))


def test_a_cell_leaves_its_unit_to_a_column_that_has_one():
    table = Table("t", COLUMNS, (("A", Fact("a", 0.724, "percent"), Fact("b", -0.063, "points")),))
    assert table.texts() == [["A", "72.4", "\u22126.3\u00a0points"]]
    assert table.to_csv() == "Model,Accuracy (%),Change\nA,72.4,-6.3 points\n"


def test_a_missing_fact_is_pending_and_an_empty_cell_is_a_dash():
    table = Table("t", COLUMNS, (("A", Fact("a", None, "percent"), Cell(None)),))
    assert table.texts() == [["A", "pending", "\u2014"]]


def test_a_row_of_the_wrong_width_is_an_error_that_names_it():
    with pytest.raises(InputError, match="row 0 has 2 cells, but there are 3 columns"):
        Table("t", COLUMNS, (("A", "B"),))
    with pytest.raises(InputError, match="groups"):
        Table("t", COLUMNS, (), groups=(("x", 2),))


def test_a_spanning_cell_counts_with_its_span():
    table = Table("t", COLUMNS, ((Cell("wide", span=2), "C"),), groups=(("", 1), ("Both", 2)))
    assert table.texts() == [["wide", "", "C"]]
    assert table.headers() == ["Model", "Both: Accuracy (%)", "Both: Change"]


def test_markdown_escapes_names_and_shows_bold_marks_and_notes():
    row = (Cell("a_b|c*", bold=True), Cell("1.0", mark="\u2020", cite="key"), "")
    shown = Table("t", COLUMNS, (row,), notes=("n_1",)).to_markdown()
    assert "| **a\\_b\\|c\\*** | 1.0\u2020 [key] |  |" in shown
    assert shown.endswith("\nn\\_1\n")
