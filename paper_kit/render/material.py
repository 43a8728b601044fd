"""What a manuscript is set from: facts, switches, and makers of tables and figures, all of some results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from paper_kit.analysis.artifacts import Diagram, Figure, Table
from paper_kit.analysis.audit_line import AuditLine
from paper_kit.analysis.claims import Claims
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.style import Style
from paper_kit.render.legend import RunLabel
from paper_kit.render.poppler import numbers_drawn

if TYPE_CHECKING:
    from paper_kit.analysis.results import Results

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Drawn:
    """A figure with its picture as PDF and PNG, its numbers as CSV; a diagram, set in TikZ, has no picture.

    The drawing and the frame of data are None where a cache gave it.
    """

    figure: Figure | Diagram
    pdf: bytes = b""
    png: bytes = b""
    csv: str = ""
    numbers: frozenset[str] | None = None  # among the picture's words; None where that is not known

    @classmethod
    def of(cls, figure: Figure | Diagram) -> Drawn:
        """The figure, drawn in the style that is in force."""
        if isinstance(figure, Diagram):
            return cls(figure, csv=figure.data.to_csv(index=False))
        pdf = figure.to_pdf()
        return cls(figure, pdf, figure.to_png(), figure.data.to_csv(index=False), numbers_drawn(pdf))

    def kept(self) -> Drawn:
        """The same without what cannot be kept in a file."""
        absent: Any = None
        if isinstance(self.figure, Diagram):
            return replace(self, figure=replace(self.figure, data=absent))
        return replace(self, figure=replace(self.figure, figure=absent, data=absent))


@dataclass(frozen=True)
class Study:
    """What is known of a study whatever its paper says: facts by full key, switches, audits, names, runs."""

    facts: Mapping[str, Fact]
    switches: Mapping[str, Any]
    seeds: int = 1
    audits: tuple[AuditLine, ...] = ()
    runs: Mapping[str, RunLabel] = field(default_factory=dict)  # by id
    models: tuple[tuple[str, str], ...] = ()  # key and label
    classes: tuple[str, ...] = ()
    dataset: str = ""  # its title
    others: tuple[str, ...] = ()  # experiments after the main one, by name, and the titles of their datasets
    runs_file: bytes = b""  # the content of runs.json


def _nothing_waits() -> bool:
    return False


def _from_nothing() -> None:
    pass


@dataclass(frozen=True)
class Material:
    """Facts by full key, switches by name, makers of tables and figures, claims, stale runs, all runs.

    `figure` gives None for a figure that is to be drawn together with others; `draw_waiting` draws those,
    and says whether there were any. `resume` begins with the family of tests of an earlier document.
    """

    facts: Mapping[str, Fact]
    switches: Mapping[str, Any]
    table: Callable[[str, Options], Table]
    figure: Callable[[str, Options], Drawn | None]
    claims: Claims
    stale_runs: frozenset[str] = field(default_factory=frozenset)
    seeds: int = 1
    audits: tuple[AuditLine, ...] = ()
    runs: Mapping[str, RunLabel] = field(default_factory=dict)  # by id
    draw_waiting: Callable[[], bool] = _nothing_waits
    resume: Callable[[], None] = _from_nothing


def material(results: Results, style: Style, stale_runs: frozenset[str] = frozenset()) -> Material:
    """The material of some results, figures in the given style; InputError for an unknown name or option."""
    from paper_kit.render.making import Making

    return Making(lambda: results, results.claims, style).material(stale_runs)
