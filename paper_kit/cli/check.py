"""paperkit check: the words of the paper, read for what nobody measured or tested."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from paper_kit.cli.options import Venue
from paper_kit.cli.text import counted, say

if TYPE_CHECKING:
    from paper_kit.render.proof import Proof, Subjects


def check(venue: Venue = "") -> None:
    """Find typed numbers and untested comparisons in templates/, with the fact that holds each number.

    Lists what the author typed on purpose, \\literal, and claims as a view, \\opinion. Facts are those of the
    last build. Ends with code 2 where there is anything to put right.
    """
    from paper_kit.core.config import study_root

    proof = check_words(study_root(), venue)
    tell(proof)
    if proof.findings:
        raise typer.Exit(2)


def check_words(root: Path, venue: str = "") -> Proof:
    """The proof of the manuscript of the study at `root`, with the facts of its last build for this venue."""
    from paper_kit.core.paper import load_paper
    from paper_kit.render.manuscript import load_manuscript
    from paper_kit.render.proof import check_manuscript
    from paper_kit.render.venue import load_venue

    paper = load_paper(root)
    templates = root / "templates"
    manuscript = load_manuscript(templates, paper)
    facts = built_facts(root / "paper" / "build" / load_venue(templates, venue or paper.venue).key)
    names = ("paper/paper.toml", "templates/literature.toml")
    sources = {name: (root / name).read_text(encoding="utf-8") for name in names if (root / name).is_file()}
    return check_manuscript(manuscript, subjects=subjects(root, facts), facts=facts, sources=sources)


def built_facts(folder: Path) -> dict[str, str]:
    """{key: printed text} of every fact of a study, from its build folder; empty before the first build."""
    from paper_kit.core.files import read_json

    registry = folder / "registry.json"
    return {key: str(text) for key, text in read_json(registry).items()} if registry.is_file() else {}


def subjects(root: Path, facts: dict[str, str]) -> Subjects:
    """What a claim can be about: the study's models, its classes and its dataset beside the usual words."""
    from paper_kit.core.experiment import load_experiment
    from paper_kit.core.paper import experiment_files
    from paper_kit.render.proof import Subjects

    models = [entry for file in experiment_files(root) for entry in load_experiment(file).model]
    classes = facts.get("data.classes", "").replace(" and ", ", ").split(", ")
    return Subjects.of(
        models=[name for entry in models for name in (entry.label, entry.key) if name],
        classes=[name for name in classes if name],
        datasets=[facts["data.name"]] if facts.get("data.name") else [],
    )


def tell(proof: Proof) -> None:
    """Nothing; findings, then literals and opinions, are on stdout, and their numbers on stderr."""
    for finding in proof.findings:
        typer.echo(str(finding))
    for literal in proof.literals:
        typer.echo(f"{literal.place}: literal {literal.text}: {literal.reason or 'no reason'}")
    for opinion in proof.opinions:
        typer.echo(f"{opinion.place}: opinion: {opinion.text}")
    say(
        f"{counted(len(proof.findings), 'thing')} to put right, {counted(len(proof.literals), 'literal')}, "
        f"{counted(len(proof.opinions), 'opinion')}"
    )
