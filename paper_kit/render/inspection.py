"""What a paper is inspected for before it is compiled: its words, what its plug-ins print, and its audits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paper_kit.analysis.audit_line import OUTCOMES
from paper_kit.core.errors import InputError
from paper_kit.core.files import read_json, write_text
from paper_kit.render.check import Finding
from paper_kit.render.folder import FINDINGS
from paper_kit.render.proof import Literal, Opinion, Subjects, artifact_findings, check_manuscript
from paper_kit.render.proof.todo import Todo, todos
from paper_kit.render.proof.topics import (
    BIBLIOGRAPHY,
    TOPICS,
    Counted,
    load_topics,
    reference_counts,
    reference_findings,
)

if TYPE_CHECKING:
    from paper_kit.render.manuscript import Manuscript, Typeset
    from paper_kit.render.material import Study

SOURCES = ("paper/paper.toml", "templates/literature.toml")


@dataclass(frozen=True)
class Audited:
    """One line of the audits: what was checked, "holds", "fails" or "not checked", and what was found."""

    name: str
    outcome: str
    found: str


@dataclass(frozen=True)
class Inspection:
    """What was found, what the author typed on purpose, claims as a view or has to write, and the audits."""

    findings: tuple[Finding, ...] = ()
    literals: tuple[Literal, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    audits: tuple[Audited, ...] = ()
    todos: tuple[Todo, ...] = ()
    references: tuple[Counted, ...] = ()

    def with_findings(self, others: Iterable[Finding]) -> Inspection:
        """This inspection with further findings, each once."""
        every = tuple(dict.fromkeys((*self.findings, *others)))
        return replace(self, findings=every)

    def keep(self, folder: Path, digest: str, made: Typeset) -> None:
        """Nothing; the inspection lies in the build folder."""
        verdicts = [judged.verdict for judged in made.claims]
        told = {
            "digest": digest,
            "claims": {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
            **asdict(self),
        }
        write_text(folder / FINDINGS, json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def inspect(manuscript: Manuscript, made: Typeset, study: Study, root: Path) -> Inspection:
    """The inspection of a manuscript that was set from this study."""
    sources = {name: (root / name).read_text(encoding="utf-8") for name in SOURCES if (root / name).is_file()}
    proof = check_manuscript(manuscript, subjects=subjects(study), facts=dict(made.registry), sources=sources)
    lines = tuple(Audited(line.name, line.outcome, line.text) for line in study.audits)
    failed = (Finding("audit", line.name, line.found) for line in lines if line.outcome == OUTCOMES[False])
    figures = {name: drawn.figure for name, drawn in made.figures.items()}
    names = [*study.classes, *(label for _, label in study.models), study.dataset, *study.others]
    typed = artifact_findings(made.tables, figures, names)
    cited, counts = references(manuscript, made, root)
    findings = tuple(dict.fromkeys((*proof.findings, *typed, *without_origin(made), *failed, *cited)))
    written = tuple(todos(made.tex, made.lines))
    return Inspection(findings, proof.literals, proof.opinions, lines, written, counts)


def references(
    manuscript: Manuscript, made: Typeset, root: Path
) -> tuple[tuple[Finding, ...], tuple[Counted, ...]]:
    """What the references lack, and what there is of them; nothing where there is no topics.toml."""
    if not (root / TOPICS).is_file():
        return (), ()
    topics = load_topics((root / TOPICS).read_text(encoding="utf-8"))
    bibliography = manuscript.files.get(BIBLIOGRAPHY, b"").decode(errors="replace")
    found = tuple(reference_findings(made.tex, bibliography, topics, date.today().year))
    return found, reference_counts(made.tex, bibliography, topics)


def without_origin(made: Typeset) -> Iterator[Finding]:
    """The printed numbers that name nothing they were read from; a count may be one of the plan."""
    for printed in made.facts:
        fact, origin = printed.fact, printed.fact.origin
        read = origin.readings or origin.runs or origin.fields
        if isinstance(fact.value, int | float) and not read and not (fact.kind == "count" and origin.formula):
            place = str(printed.places[0]) if printed.places else "a table or figure"
            told = (
                f"{printed.text} ({printed.name or 'a fact without a key'}) names no runs, readings or fields"
            )
            yield Finding("origin", place, f"{told}; give the fact its Origin in the plug-in that makes it.")


def subjects(study: Study) -> Subjects:
    """What a claim can be about: the study's models, classes and dataset, beside the usual words."""
    return Subjects.of(
        models=[name for key, label in study.models for name in (label, key)],
        classes=list(study.classes),
        datasets=[study.dataset] if study.dataset else [],
        keys=dict(study.models),
    )


@dataclass(frozen=True)
class Kept:
    """An inspection as a build left it, with the digest of the inputs that it was made from."""

    digest: str
    inspection: Inspection
    claims: Mapping[str, int] = field(default_factory=dict)  # verdict -> claims


def kept(folder: Path) -> Kept | None:
    """What the last build in this folder found; None where there was none, InputError for a damaged file."""
    path = folder / FINDINGS
    if not path.is_file():
        return None
    try:
        value = read_json(path)
        found = Inspection(
            _each(Finding, value["findings"]),
            _each(Literal, value["literals"]),
            _each(Opinion, value["opinions"]),
            _each(Audited, value["audits"]),
            _each(Todo, value["todos"]),
            _each(Counted, value["references"]),
        )
        return Kept(str(value["digest"]), found, dict(value["claims"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: damaged ({error!r}). Type `paperkit build-pdf` again.") from None


def _each(kind: Any, rows: Iterable[Mapping[str, Any]]) -> tuple[Any, ...]:
    return tuple(kind(**row) for row in rows)
