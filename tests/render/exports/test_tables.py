"""Tables for other programs say what the paper prints, and hold the unrounded values too."""

import csv
import io
import shutil
import subprocess

import pytest

from paper_kit.analysis.artifacts import Cell, Column, Note, Table
from paper_kit.analysis.facts import Fact, Origin
from paper_kit.core.errors import InputError
from paper_kit.render.exports.tables import table_files


def fact(value, kind, **more):
    return Fact("a.key", value, kind, origin=Origin(runs=("aaa",)), **more)


HOSTILE = "=2+3 & _x_ # {y"
TABLE = Table(
    "main",
    (Column("Model", "l"), Column("Accuracy", "r", "%"), Column("Parameters")),
    (
        (HOSTILE, Cell(fact(0.54321, "percent"), bold=True), fact(7170000, "count")),
        (Cell("other", grey=True), fact(None, "percent"), fact(12, "count")),
    ),
    notes=(Note("Over ", fact(3589, "count"), " images."),),
)


@pytest.fixture(scope="module")
def files():
    return table_files({"main": TABLE})


def test_csv_and_markdown_hold_the_printed_numbers(files):
    rows = list(csv.reader(io.StringIO(files["main.csv"].decode())))
    assert rows[1][1] == "54.3"
    assert "**54.3**" in files["main.md"].decode()


def test_the_workbook_has_numbers_their_formats_and_the_unrounded_values(files):
    from openpyxl import load_workbook

    sheet = load_workbook(io.BytesIO(files["tables.xlsx"]))["main"]
    assert (sheet["B2"].value, sheet["B2"].number_format, sheet["B2"].font.bold) == (54.3, "0.0", True)
    assert sheet["F2"].value == 0.54321
    assert sheet["F1"].value == "Accuracy (%) (unrounded)"
    assert (sheet["C2"].value, sheet["C2"].number_format) == (7170000, "#,##0")
    assert sheet["A5"].value == "Over 3,589 images."


def test_a_text_that_looks_like_a_formula_is_no_formula(files):
    from openpyxl import load_workbook

    cell = load_workbook(io.BytesIO(files["tables.xlsx"]))["main"]["A2"]
    assert (cell.value, cell.data_type) == (HOSTILE, "s")


def test_what_is_not_measured_is_pending_everywhere(files):
    from openpyxl import load_workbook

    assert load_workbook(io.BytesIO(files["tables.xlsx"]))["main"]["B3"].value == "pending"
    assert ",pending," in files["main.csv"].decode()


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs TeX: make tex")
def test_the_latex_compiles_in_a_document_that_has_nothing_of_ours(files, tmp_path):
    (tmp_path / "main.tex").write_bytes(files["main.tex"])
    packages = r"\usepackage[T1]{fontenc}\usepackage{textcomp,booktabs,xcolor}"
    document = rf"\documentclass{{article}}{packages}\begin{{document}}\input{{main}}\end{{document}}"
    (tmp_path / "paper.tex").write_text(document)
    subprocess.run(
        ["pdflatex", "-interaction=batchmode", "-halt-on-error", "paper"], cwd=tmp_path, check=True
    )
    text = subprocess.run(
        ["pdftotext", "paper.pdf", "-"], cwd=tmp_path, capture_output=True, text=True
    ).stdout
    assert "54.3" in text
    assert "=2+3 & _x_ # {y" in text
    assert "pkfact" not in files["main.tex"].decode()


def test_an_unknown_format_names_the_known_ones():
    with pytest.raises(InputError, match="csv, md, tex, xlsx"):
        table_files({"main": TABLE}, ("ods",))


def test_two_tables_with_one_long_name_have_sheets_of_their_own():
    from openpyxl import load_workbook

    long = "a" * 40
    found = table_files({long: TABLE, f"{long}b": TABLE, "a/b": TABLE}, ("xlsx",))
    names = load_workbook(io.BytesIO(found["tables.xlsx"])).sheetnames
    assert len({name.casefold() for name in names}) == 3
    assert all(len(name) <= 31 for name in names)
