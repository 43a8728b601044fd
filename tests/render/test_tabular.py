from __future__ import annotations

import re

import pytest

from paper_kit.analysis.artifacts import Cell, Column, Note, Table
from paper_kit.core.errors import InputError
from paper_kit.render.printer import Printer
from paper_kit.render.tabular import tabular
from tests.render.small import FACTS


def rows(table: Table) -> list[str]:
    """The lines of the body, from the first rule below the headers to the last."""
    body = str(tabular(table, Printer().show)).split("\\midrule%\n", 1)[1].split("\\bottomrule")[0]
    return [line.removesuffix("%").removesuffix("\\\\") for line in body.splitlines() if line]


def one_column(*cells: Cell | str) -> list[str]:
    return rows(Table("t", (Column("A", "r"),), tuple((cell,) for cell in cells)))


def test_decimal_points_meet_in_a_right_aligned_column() -> None:
    assert one_column("72.4", "8.25", "100") == [r"72.4\phantom{5}", "8.25", r"100\phantom{.25}"]
    assert one_column("72.4 ± 0.3", "71.0") == [
        r"72.4 \ensuremath{\pm} 0.3",
        r"71.0\phantom{ \ensuremath{\pm} 0.3}",
    ]
    assert one_column("1.5", "none", Cell(None)) == ["1.5", "none", "—"]


def test_bold_grey_marks_and_citations_are_set() -> None:
    assert one_column(
        Cell("1", bold=True), Cell("2", grey=True), Cell("3", mark="*"), Cell("a", cite="x2020y")
    ) == [
        r"\textbf{1}",
        r"\pkgrey{2}",
        r"3\rlap{\textsuperscript{{*}}}",
        r"a~\cite{x2020y}",
    ]


def test_a_citation_that_is_no_key_is_refused() -> None:
    with pytest.raises(InputError, match="cite"):
        one_column(Cell("a", cite=r"x}\input{y"))


def test_a_fact_leaves_its_unit_to_the_column() -> None:
    table = Table("t", (Column("Accuracy", "r", "%"),), ((FACTS["results.emotion_vit.accuracy"],),))
    assert rows(table) == [r"\pkfact{1}{72.4}"]


def test_spans_groups_rules_and_notes_are_set() -> None:
    columns = (Column("A", "l"), Column("B", "r"), Column("C", "r"))
    table = Table(
        "t",
        columns,
        ((Cell("all", span=3),), ("x", "1", "2")),
        frozenset({1}),
        ("n & m",),
        (("", 1), ("G", 2)),
    )
    written = str(tabular(table, Printer().show))
    assert r"\multicolumn{1}{c}{}&\multicolumn{2}{c}{G}\\" in written
    assert r"\cmidrule(lr){2-3}" in written
    assert re.search(r"\\multicolumn\{3\}\{l\}\{all\}\\\\%\n\\midrule%\nx&1&2", written)
    assert written.endswith(r"{n \& m}")


def test_a_note_that_begins_with_a_mark_raises_it() -> None:
    table = Table("t", (Column("A", "r"),), ((Cell("1", mark="a"),),), notes=("a by hand.", "b no mark."))
    written = str(tabular(table, Printer().show))
    assert written.endswith(r"{\textsuperscript{a}by hand.\par b no mark.}")


def test_a_long_header_is_broken_in_two() -> None:
    table = Table("t", (Column("w/o transfer learning", "r"),), (("1",),))
    assert r"w/o transfer\\learning" in str(tabular(table, Printer().show))


def test_a_table_without_rows_is_set() -> None:
    assert r"\midrule\bottomrule" in str(tabular(Table("t", (Column("A", "r"),), ()), Printer().show))


def test_a_wrapping_column_says_so_and_a_note_keeps_its_facts() -> None:
    note = Note("On ", FACTS["data.train"], " images.")
    table = Table("t", (Column("A", "l", wrap_in=1.5),), (("a & b",),), notes=(note,))
    assert rows(table) == [r"\pkcell{1.5in}{a \& b}"]
    assert str(tabular(table, Printer().show)).endswith(r"{On \pkfact{1}{28,709} images.}")
