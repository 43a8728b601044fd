"""What a final paper may not have, and the refusal that tells it."""

from __future__ import annotations

from collections.abc import Sequence

from paper_kit.core.errors import InputError
from paper_kit.render.frontmatter import placeholders
from paper_kit.render.manuscript import Typeset
from paper_kit.render.reading import Inputs


def unfit(inputs: Inputs, made: Typeset) -> list[str]:
    """What a final paper may not have, each with what to do."""
    paper = inputs.manuscript.paper
    problems = [
        f"{status.label}: not finished ({status.state}). Type `paperkit run-all`."
        for status in inputs.missing
    ]
    problems += [
        f"{status.label}: {'; '.join(status.stale)}. Type `paperkit run-all --refresh`."
        for status in inputs.stale
    ]
    problems += [
        f"paper/paper.toml: {text!r} is a placeholder; write the true name." for text in placeholders(paper)
    ]
    if inputs.study.switches["study_is_synthetic"] and not paper.demo:
        problems.append(
            "The study uses synthetic data: write demo = true in paper/paper.toml if that is meant."
        )
    problems += [
        f"{judged.place or 'a verb'}: the claim on {judged.comparison.name} has no value. Add what it "
        "compares, or remove the claim."
        for judged in made.claims
        if judged.verdict == "pending"
    ]
    unknown: dict[str, list[str]] = {}
    for fact in made.facts:
        if fact.fact.missing:
            unknown.setdefault(str(fact.places[0]) if fact.places else "a table", []).append(fact.name)
    return problems + [f"{place}: not known yet: {', '.join(names)}." for place, names in unknown.items()]


def refuse(problems: Sequence[str]) -> None:
    """Nothing where there are no problems; else InputError."""
    if problems:
        raise InputError(["--final: this paper is not finished.", *dict.fromkeys(problems)])
