"""The tables of a paper as files for other programs: CSV, Markdown, LaTeX and a workbook."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from paper_kit.analysis.artifacts import Cell, Column, Note, Table
from paper_kit.analysis.facts import Fact
from paper_kit.core.errors import InputError
from paper_kit.render.measured import FactText
from paper_kit.render.tabular import tabular
from paper_kit.render.tex import Tex, escape, join

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

FORMATS = ("csv", "md", "tex", "xlsx")
# What the tabulars use beside booktabs, for a document that has nothing of ours.
_PREAMBLE = r"""% Needs \usepackage[T1]{fontenc} and \usepackage{textcomp,booktabs,xcolor}.
\providecommand\pkgrey[1]{{\color[gray]{0.4}#1}}
\providecommand\pkcell[2]{\parbox[t]{#1}{\raggedright\strut #2\strut}}
\providecommand\pktable[2]{\begin{tabular}[t]{@{}l@{}}#1\\[3pt]%
  \parbox[t]{.9\linewidth}{\footnotesize #2}\end{tabular}}
"""
_NUMBER = re.compile(r"[+\N{MINUS SIGN}-]?\d[\d,]*(?:\.(?P<digits>\d+))?")
_SHEET_SIGNS = re.compile(r"[\[\]:*?/\\]")
_LONGEST_NAME, _WIDEST = 31, 60  # Excel's limit for a sheet's name; signs of a column


def table_files(tables: Mapping[str, Table], formats: Sequence[str] = FORMATS) -> dict[str, bytes]:
    """File name -> content; every table in each format, all of them in one workbook, tables.xlsx.

    InputError for an unknown format, or where openpyxl is missing.
    """
    if unknown := sorted(set(formats) - set(FORMATS)):
        raise InputError(f"There is no format {unknown[0]!r}; there are {', '.join(FORMATS)}.")
    files: dict[str, bytes] = {}
    for stem, table in tables.items():
        for end, write in (("csv", Table.to_csv), ("md", Table.to_markdown), ("tex", latex)):
            if end in formats:
                files[f"{stem}.{end}"] = write(table).encode()
    if "xlsx" in formats and tables:
        files["tables.xlsx"] = workbook(tables)
    return files


def latex(table: Table) -> str:
    r"""The table as a booktabs tabular that compiles in any document; a cited key stands in \cite."""
    return _PREAMBLE + str(tabular(table, _plain)) + "\n"


def _plain(value: Any) -> Tex:
    """TeX of a value without a link to its origin."""
    if isinstance(value, Note):
        return join(_plain(part) for part in value.parts)
    if isinstance(value, Fact):
        return escape(value.text)
    return escape(str(value) if isinstance(value, FactText) else value)


def workbook(tables: Mapping[str, Table]) -> bytes:
    """An XLSX file, a sheet a table; printed numbers are numbers, and their unrounded values stand beside."""
    try:
        from openpyxl import Workbook
    except ImportError:
        raise InputError(
            "XLSX needs openpyxl. Type: pip install 'paper-kit[export]', or leave the format out."
        ) from None
    book = Workbook()
    book.remove(book.active)
    book.properties.creator = "paper_kit"
    names: set[str] = set()
    for stem, table in tables.items():
        sheet = book.create_sheet(_sheet_name(stem, names))
        _fill(sheet, table)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _sheet_name(stem: str, taken: set[str]) -> str:
    name = _SHEET_SIGNS.sub(" ", stem)[:_LONGEST_NAME]
    number = 2
    while name.casefold() in taken:
        name, number = f"{stem[: _LONGEST_NAME - 3]} {number}", number + 1
    taken.add(name.casefold())
    return name


def _fill(sheet: Worksheet, table: Table) -> None:
    """Nothing; the sheet holds headers, cells and notes, then the unrounded values of the cells."""
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    headers, wide = table.headers(), len(table.columns)
    for place, header in enumerate([*headers, "", *(f"{header} (unrounded)" for header in headers)], start=1):
        _write(sheet.cell(1, place), header).font = Font(bold=True)
    for number, row in enumerate(table.cells, start=2):
        place = 1
        for cell in row:
            written = _write(sheet.cell(number, place), *_value(cell, table.columns[place - 1]))
            written.font = Font(bold=cell.bold, color="808080" if cell.grey else "000000")
            exact = cell.content.value if isinstance(cell.content, Fact) else None
            if isinstance(exact, int | float) and not isinstance(exact, bool):
                sheet.cell(number, place + wide + 1).value = exact
            place += cell.span
    for number, note in enumerate(table.notes, start=len(table.cells) + 3):
        _write(sheet.cell(number, 1), str(note))
    for place, column in enumerate(zip(headers, *table.texts(), strict=True), start=1):
        sheet.column_dimensions[get_column_letter(place)].width = min(_WIDEST, 2 + max(map(len, column)))
    sheet.freeze_panes = "B2"


def _value(cell: Cell, column: Column) -> tuple[str | float, str]:
    """What the cell prints, as a number with its format where it is one."""
    text = cell.text(column)
    found = _NUMBER.fullmatch(text)
    if found is None or not isinstance(cell.content, Fact):
        return text + cell.mark, "General"
    digits = len(found["digits"] or "")
    number = float(text.replace(",", "").replace("\N{MINUS SIGN}", "-"))
    return number, f"0.{'0' * digits}" if digits else "#,##0"


def _write(cell: Any, value: str | float, form: str = "General") -> Any:
    """The cell, which holds the value; a text is never read as a formula."""
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"
    cell.number_format = form
    return cell
