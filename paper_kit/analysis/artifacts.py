"""Tables, figures and diagrams as content without TeX; turned to TeX, CSV and Markdown late."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from paper_kit.analysis.facts import Fact
from paper_kit.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure as Drawing

PENDING = "pending"  # a cell whose run is not finished
NOTHING = "\N{EM DASH}"  # a cell to which nothing belongs


class Note(str):
    """A sentence below a table or figure that keeps its parts, so that its facts can be traced."""

    parts: tuple[str | Fact, ...]

    def __new__(cls, *parts: str | Fact) -> Note:
        """The parts in one string."""
        note = super().__new__(cls, "".join(str(part) for part in parts))
        note.parts = parts
        return note


@dataclass(frozen=True)
class Column:
    """A column: its header, alignment and unit; cells leave out a unit that the header has.

    `unit_elsewhere`: a group's header or a note has the unit, so that neither header nor cells show it.
    `wrap_in`: inches at which long cells wrap; 0 means never.
    """

    header: str
    align: Literal["l", "r", "c"] = "r"
    unit: str = ""
    unit_elsewhere: bool = False
    wrap_in: float = 0.0

    @property
    def text(self) -> str:
        """The header with its unit in parentheses."""
        return f"{self.header} ({self.unit})" if self.unit else self.header


@dataclass(frozen=True, eq=False)
class Cell:
    """A cell: a text, a Fact, or None for nothing; `cite` is a bib key, `mark` a raised sign."""

    content: str | Fact | None
    bold: bool = False
    grey: bool = False
    span: int = 1
    mark: str = ""
    cite: str = ""

    def text(self, column: Column) -> str:
        """What is printed, in unicode; a fact leaves its unit to the column where that has one."""
        if isinstance(self.content, Fact):
            if self.content.missing:
                return PENDING
            return self.content.bare if column.unit or column.unit_elsewhere else self.content.text
        return NOTHING if self.content is None else self.content


Line = tuple[Cell | str | Fact, ...]  # a row as a table's maker writes it


@dataclass(frozen=True, eq=False)
class Table:
    """A table: columns, rows of cells, rules before some rows, notes below.

    A row's cells, counted with their spans, are as many as the columns; InputError otherwise. `groups` is a
    row of (header, span) above the columns' own headers.
    """

    name: str
    columns: tuple[Column, ...]
    rows: tuple[Line, ...]
    rules_before: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()
    groups: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        wide = len(self.columns)
        widths = {number: sum(cell.span for cell in row) for number, row in enumerate(self.cells)}
        problems = [
            f"table {self.name!r}: row {number} has {width} cells, but there are {wide} columns."
            for number, width in widths.items()
            if width != wide
        ]
        if self.groups and sum(span for _, span in self.groups) != wide:
            problems.append(f"table {self.name!r}: the groups of headers do not span its {wide} columns.")
        if problems:
            raise InputError(problems)

    @cached_property
    def cells(self) -> tuple[tuple[Cell, ...], ...]:
        """The rows with every entry a Cell."""
        return tuple(tuple(_cell(entry) for entry in row) for row in self.rows)

    def texts(self) -> list[list[str]]:
        """What each row prints, one text a column; a spanning cell stands in its first column."""
        return [self._texts(row) for row in self.cells]

    def _texts(self, row: tuple[Cell, ...]) -> list[str]:
        texts: list[str] = []
        for cell in row:
            cited = f" [{cell.cite}]" if cell.cite else ""
            texts += [cell.text(self.columns[len(texts)]) + cell.mark + cited, *[""] * (cell.span - 1)]
        return texts

    def headers(self) -> list[str]:
        """The column headers with units, and with the group's header before them where there is one."""
        groups = [header for header, span in self.groups for _ in range(span)] or [""] * len(self.columns)
        return [
            f"{group}: {c.text}" if group else c.text for group, c in zip(groups, self.columns, strict=True)
        ]

    def to_csv(self) -> str:
        """The table as CSV with the numbers as printed, by ASCII signs; notes are left out."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.headers())
        writer.writerows([[_ascii_signs(text) for text in row] for row in self.texts()])
        return out.getvalue()

    def to_markdown(self) -> str:
        """The table as GitHub Markdown, bold and notes included."""
        aligns = [{"l": ":--", "r": "--:", "c": ":-:"}[column.align] for column in self.columns]
        lines = [_line([_markdown(text) for text in self.headers()]), _line(aligns)]
        for row, texts in zip(self.cells, self.texts(), strict=True):
            bold = [cell.bold for cell in row for _ in range(cell.span)]
            shown = [
                f"**{_markdown(t)}**" if b and t else _markdown(t) for t, b in zip(texts, bold, strict=True)
            ]
            lines.append(_line(shown))
        notes = [f"\n{_markdown(note)}" for note in self.notes]
        return "\n".join([*lines, *notes]) + "\n"


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure: the drawing, the numbers it shows, a text for those who cannot see it, and notes."""

    name: str
    figure: Drawing
    data: pd.DataFrame
    alt: str
    notes: tuple[str, ...] = ()

    def to_pdf(self) -> bytes:
        """The drawing as a PDF, equal bytes for equal content."""
        metadata = {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None}
        return self._saved(format="pdf", metadata=metadata)

    def to_png(self, dpi: int = 200) -> bytes:
        """The drawing as a PNG."""
        return self._saved(format="png", dpi=dpi, metadata={"Software": None})

    def _saved(self, **options: Any) -> bytes:
        import matplotlib

        out = io.BytesIO()
        with matplotlib.rc_context({"pdf.fonttype": 42, "pdf.compression": 6}):
            self.figure.savefig(out, **options)
        return out.getvalue()


NodeKind = Literal["end", "stage", "attention", "fusion", "token", "head"]


@dataclass(frozen=True, eq=False)
class Node:
    """A box of a diagram: what it is called, what it does, the shape it gives out and its parameters.

    `copies` is how many equal blocks it stands for. A node with a `host` is the lower part of that node's
    box, or stands beside it where `beside`.
    """

    name: str
    kind: NodeKind
    title: Fact
    text: Fact | None = None
    shape: Fact | None = None
    parameters: Fact | None = None
    copies: int = 1
    host: str = ""
    beside: bool = False


@dataclass(frozen=True)
class Edge:
    """An arrow between two nodes by name: the way through, a branch off it, or a skip over others."""

    source: str
    target: str
    kind: Literal["flow", "branch", "skip"] = "flow"


@dataclass(frozen=True, eq=False)
class Diagram:
    """Boxes and arrows in the order of the way through; what it shows as a frame, a text, and notes.

    InputError for an edge or a host that names no node, and for two nodes of one name.
    """

    name: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    width_in: float
    size_pt: float  # of the text of figures
    data: pd.DataFrame
    alt: str
    notes: tuple[str, ...] = ()
    tested: bool = False

    def __post_init__(self) -> None:
        names = [node.name for node in self.nodes]
        asked = [end for edge in self.edges for end in (edge.source, edge.target)]
        asked += [node.host for node in self.nodes if node.host]
        problems = [
            f"diagram {self.name!r}: there is no node {name!r}."
            for name in dict.fromkeys(asked)
            if name not in names
        ]
        problems += [
            f"diagram {self.name!r}: two nodes are named {name!r}."
            for name in dict.fromkeys(names)
            if names.count(name) > 1
        ]
        if problems:
            raise InputError(problems)


def _cell(entry: Cell | str | Fact) -> Cell:
    return entry if isinstance(entry, Cell) else Cell(entry)


def _ascii_signs(text: str) -> str:
    for sign, plain in (("\N{MINUS SIGN}", "-"), ("\N{NO-BREAK SPACE}", " "), ("\N{PLUS-MINUS SIGN}", "+-")):
        text = text.replace(sign, plain)
    return text


def _markdown(text: str) -> str:
    for sign in ("\\", "`", "*", "_", "|", "#", "<"):
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\n", " ")


def _line(texts: list[str]) -> str:
    return f"| {' | '.join(texts)} |"
