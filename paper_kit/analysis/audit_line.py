"""One line of an audit: what was checked, whether it holds, what was found."""

from __future__ import annotations

from dataclasses import dataclass

from paper_kit.analysis.artifacts import Note
from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.facts._format import Kind

OUTCOMES = {True: "holds", False: "fails", None: "not checked"}
REPORTED = "reported"  # what is found either way, and is no check
TOLD = 5  # problems named in one line

Piece = str | Fact


@dataclass(frozen=True, eq=False)
class AuditLine:
    """What was checked, whether it holds (None: it could not be checked), and what was found."""

    name: str
    ok: bool | None
    parts: tuple[Piece, ...]
    report: bool = False

    @property
    def outcome(self) -> str:
        """In a word: "holds", "fails", "not checked", or "reported" for what is told and not checked."""
        return REPORTED if self.report and self.ok else OUTCOMES[self.ok]

    @property
    def text(self) -> str:
        """What was found, as one text."""
        return str(Note(*self.parts))


def line(name: str, problems: list[str], checked: int, *found: Piece) -> AuditLine:
    """A line that holds where there are no problems, and could not be checked where nothing was there."""
    if not checked:
        return AuditLine(name, None, ("no run is finished",))
    if not problems:
        return AuditLine(name, True, found)
    more = f"; and {len(problems) - TOLD} more" if len(problems) > TOLD else ""
    return AuditLine(name, False, ("; ".join(problems[:TOLD]) + more,))


def in_all(cells: Fact) -> tuple[Piece, ...]:
    """The words for how many cells were looked at."""
    return ("in its ", cells, " cell") if cells.value == 1 else ("in all ", cells, " cells")


def number(key: str, value: float | None, kind: Kind, *fields: str, digits: int = 1) -> Fact:
    """A fact that only audits print, read from these fields."""
    origin = Origin(fields=fields)
    return Fact(f"audit.{key}", value, kind, digits, origin=origin, exact=kind == "count")
