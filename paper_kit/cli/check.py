"""paperkit check: the words of the paper read for what nobody measured or tested, and the study audited."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from paper_kit.cli.options import Data, Experiments, Out, Runs, Venue
from paper_kit.cli.text import columns, counted, say

if TYPE_CHECKING:
    from paper_kit.render.inspection import Inspection


def check(
    experiments: Experiments = None,
    venue: Venue = "",
    out: Out = None,
    runs: Runs = None,
    data: Data = None,
) -> None:
    """Find typed numbers and untested comparisons in templates/, audit the study, and list what was meant.

    Lists what the author typed on purpose, \\literal, claims as a view, \\opinion, and still has to write,
    \\pkauthor, and counts the references as templates/topics.toml asks. Where nothing has
    changed since the last build, what that build found is told at once. Ends with code 2 where there is
    anything to put right.
    """
    from paper_kit.core.config import study_root

    root = study_root()
    inspection = unchanged(root, experiments, venue, out, runs)
    if inspection is None:
        say("The inputs have changed since the last build, or there was none: all is read again.")
        inspection = anew(root, experiments, venue, runs, data)
    tell(inspection)
    if inspection.findings:
        raise typer.Exit(2)


def unchanged(
    root: Path, experiments: list[str] | None, venue: str, out: Path | None, runs: Path | None
) -> Inspection | None:
    """What the last build found, if its inputs are those of today; reads no records and draws nothing."""
    from paper_kit.core.digest import inputs
    from paper_kit.core.paper import load_paper
    from paper_kit.render.inspection import kept

    found = kept(out or root / "paper" / "build" / (venue or load_paper(root).venue))
    if found is None:
        return None
    today = inputs(root, venue=venue, experiments=tuple(experiments or ()), runs=runs)
    return found.inspection if found.digest == today.digest else None


def anew(
    root: Path, experiments: list[str] | None, venue: str, runs: Path | None, data: list[str] | None
) -> Inspection:
    """The manuscript set in memory from today's records, and inspected; nothing is written."""
    from functools import partial

    from paper_kit.cli.workplace import Workplace, fingerprint_of
    from paper_kit.render.inspection import inspect
    from paper_kit.render.reading import read_inputs
    from paper_kit.render.request import Request

    resources = Workplace(root, ()).resources(data)
    request = Request(venue=venue, experiments=tuple(experiments or ()), runs=runs, resources=resources)
    found = read_inputs(request, root, partial(fingerprint_of, resources))
    return inspect(found.manuscript, found.typeset(), found.study, root)


def tell(inspection: Inspection) -> None:
    """Nothing; findings, literals, opinions and audits are on stdout, their numbers on stderr."""
    for finding in inspection.findings:
        typer.echo(str(finding))
    for literal in inspection.literals:
        typer.echo(f"{literal.place}: literal {literal.text}: {literal.reason or 'no reason'}")
    for opinion in inspection.opinions:
        typer.echo(f"{opinion.place}: opinion: {opinion.text}")
    for todo in inspection.todos:
        typer.echo(f"{todo.place}: for the author: {todo.text}")
    if inspection.references:
        typer.echo(columns([("references", count.found, count.name) for count in inspection.references]))
    typer.echo(columns([("audit", line.outcome, f"{line.name}: {line.found}") for line in inspection.audits]))
    outcomes = [line.outcome for line in inspection.audits if line.outcome != "reported"]
    unmade = outcomes.count("not checked")
    say(
        f"{counted(len(inspection.findings), 'thing')} to put right, "
        f"{counted(len(inspection.literals), 'literal')}, {counted(len(inspection.opinions), 'opinion')}, "
        f"{counted(len(inspection.todos), 'part')} for the author to write, "
        f"{outcomes.count('holds')} of {counted(len(outcomes), 'audit')} hold"
        + (f", {unmade} could not be made" if unmade else "")
    )
