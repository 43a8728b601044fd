"""What a manuscript is set from: facts, switches, and makers of tables and figures, all of some results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from paper_kit.analysis.artifacts import Diagram, Figure, Table
from paper_kit.analysis.audits import AuditLine, audits
from paper_kit.analysis.claims import Claims
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.facts._tree import collect_facts
from paper_kit.analysis.style import Style
from paper_kit.core.part import Part, complete, load
from paper_kit.render.legend import RunLabel, run_labels
from paper_kit.render.switches import switches

if TYPE_CHECKING:
    from paper_kit.analysis.results import Results

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Drawn:
    """A figure with its picture as PDF; a diagram, which is set in TikZ, has none."""

    figure: Figure | Diagram
    pdf: bytes = b""


@dataclass(frozen=True)
class Material:
    """Facts by full key, switches by name, makers of tables and figures, claims, stale runs, all runs."""

    facts: Mapping[str, Fact]
    switches: Mapping[str, Any]
    table: Callable[[str, Options], Table]
    figure: Callable[[str, Options], Drawn]
    claims: Claims
    stale_runs: frozenset[str] = field(default_factory=frozenset)
    seeds: int = 1
    audits: tuple[AuditLine, ...] = ()
    runs: Mapping[str, RunLabel] = field(default_factory=dict)  # by id


def material(results: Results, style: Style, stale_runs: frozenset[str] = frozenset()) -> Material:
    """The material of some results, figures in the given style; InputError for an unknown name or option."""

    def table(name: str, options: Options) -> Table:
        part = complete("table", Part(name=name, arguments=dict(options)))
        made: Table = load("table", name)(results, **part.arguments)
        return made

    def figure(name: str, options: Options) -> Drawn:
        part = complete("figure", Part(name=name, arguments=dict(options)))
        with style.context():
            made: Figure | Diagram = load("figure", name)(results, style, **part.arguments)
            return Drawn(made, made.to_pdf() if isinstance(made, Figure) else b"")

    return Material(
        facts=collect_facts(results),
        switches=switches(results),
        table=table,
        figure=figure,
        claims=results.claims,
        stale_runs=stale_runs,
        seeds=len(results.main.seeds),
        audits=audits(results),
        runs=run_labels(results),
    )
