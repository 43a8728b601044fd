"""Numbers that a plug-in's code types into tables and figures are found; facts and cited rows are not."""

import pandas as pd
from matplotlib.figure import Figure as Drawing

from paper_kit.analysis.artifacts import Cell, Column, Figure, Note, Table
from paper_kit.analysis.facts import Fact
from paper_kit.render.proof import artifact_findings

VALUE = Fact("results.a.accuracy", 0.724, "percent")
COLUMNS = (Column("Model", "l"), Column("Macro F1", unit="%"))


def places(table: Table | None = None, figure: Figure | None = None) -> list[tuple[str, str]]:
    found = artifact_findings({"main": table} if table else {}, {"bars": figure} if figure else {})
    return [(finding.place, finding.message.partition(",")[0]) for finding in found]


def figure(alt: str, *notes: str) -> Figure:
    return Figure("bars", Drawing(), pd.DataFrame(), alt, notes)


def test_a_table_of_facts_and_names_is_clean():
    rows = (("ResNet-50", VALUE), (Cell("FER2013", bold=True), VALUE), ("3x3 conv, BN", Cell(None)))
    assert places(Table("t", COLUMNS, rows, notes=(Note("Over ", VALUE, " of them."),))) == []


def test_names_of_the_study_may_have_digits_and_excuse_no_number_beside_them():
    table = Table("t", COLUMNS, (("50% & x_y", VALUE), ("7", VALUE), ("50", VALUE), ("77", VALUE)))
    alt = figure("Bars of 50% & x_y and 7, over 20 images.")
    found = artifact_findings({"main": table}, {"bars": alt}, ["7", "50% & x_y"])
    assert [(each.place, each.message.partition(",")[0]) for each in found] == [
        ("table main, row 3", "50 is no fact"),
        ("table main, row 4", "77 is no fact"),
        ("figure bars, alternative text", "20 is no fact"),
    ]


def test_typed_cells_headers_and_notes_are_found():
    columns = (Column("Model", "l"), Column("Mean of 3", unit="%"))
    rows = (("ResNet-50", VALUE), ("Best", "72.4"))
    found = places(Table("t", columns, rows, notes=("Over three seeds and 200 images.", Note("Fine."))))
    assert found == [
        ("table main, header", "3 is no fact"),
        ("table main, row 2", "72.4 is no fact"),
        ("table main, note", "200"),
    ]


def test_a_row_that_cites_and_its_note_say_what_the_source_says():
    rows = ((Cell("A", cite="a2020"), Cell("72.4", mark="a")), ("Ours, 7 classes", VALUE))
    table = Table("t", COLUMNS, rows, notes=("a seven networks.", "Seven networks."))
    assert [place for place, _ in places(table)] == ["table main, row 2", "table main, note"]


def test_a_figures_alternative_text_and_notes_are_read():
    told = figure("A bar at 72.4 %.", Note("Intervals at ", VALUE, "."), "At batch 64.")
    assert places(figure=told) == [
        ("figure bars, alternative text", "72.4 is no fact"),
        ("figure bars, note", "64 is no fact"),
    ]
    assert places(figure=figure(Note("A bar at ", VALUE, "."))) == []
