"""The audit table: what was checked of the study, whether it holds, and what was found."""

from __future__ import annotations

from paper_kit.analysis.artifacts import Cell, Column, Note, Table
from paper_kit.analysis.audit_line import AuditLine
from paper_kit.analysis.audits import audits
from paper_kit.analysis.results import Results

COLUMNS = (
    Column("Check", "l", wrap_in=1.35),
    Column("Outcome", "l"),
    Column("Found", "l", wrap_in=3.6),
)


def make(results: Results, *, experiment: str = "") -> Table:
    """A row a check; what fails is bold."""
    return Table("audit", COLUMNS, tuple(_row(line) for line in audits(results, experiment)))


def _row(line: AuditLine) -> tuple[str, Cell, Cell]:
    return line.name, Cell(line.outcome, bold=line.ok is False), Cell(Note(*line.parts))
