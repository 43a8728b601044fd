"""A manuscript proofread: findings by file and line, and what its author chose to type or to claim."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import Environment, TemplateSyntaxError

from paper_kit.render.check import Finding
from paper_kit.render.environment import TexEnvironment
from paper_kit.render.lexer import Tag
from paper_kit.render.proof.around import brace_findings, counter_findings, owner_findings, value_findings
from paper_kit.render.proof.claims import claim_findings
from paper_kit.render.proof.comparisons import comparisons
from paper_kit.render.proof.expressions import in_tag
from paper_kit.render.proof.files import LITERATURE, PAPER, literature_findings, paper_findings
from paper_kit.render.proof.numbers import Typed, in_formula, in_prose
from paper_kit.render.proof.page import VALUE, Page
from paper_kit.render.proof.reader import read_page
from paper_kit.render.proof.subjects import Subjects
from paper_kit.render.proof.suggest import Values, told
from paper_kit.render.source_map import Place
from paper_kit.render.tex import escape

if TYPE_CHECKING:
    from paper_kit.render.manuscript import Manuscript

SUBJECTS = Subjects()
PREAMBLE = re.compile(r"venues/[^/]+/preamble\.tex")
AROUND = 60  # signs on either side of a number that say what it counts


@dataclass(frozen=True)
class Literal:
    r"""One \literal: where, the number, and why it is typed."""

    place: str
    text: str
    reason: str


@dataclass(frozen=True)
class Opinion:
    r"""One \opinion: where, and what it says."""

    place: str
    text: str


@dataclass(frozen=True)
class Proof:
    """What proofreading found, in the order of the files."""

    findings: tuple[Finding, ...] = ()
    literals: tuple[Literal, ...] = ()
    opinions: tuple[Opinion, ...] = ()

    def joined(self, others: Iterable[Proof]) -> Proof:
        """This proof and the others in one."""
        every = (self, *others)
        return Proof(
            tuple(found for proof in every for found in proof.findings),
            tuple(literal for proof in every for literal in proof.literals),
            tuple(opinion for proof in every for opinion in proof.opinions),
        )


def check_manuscript(
    manuscript: Manuscript,
    *,
    subjects: Subjects = SUBJECTS,
    facts: Mapping[str, str] | None = None,
    sources: Mapping[str, str] | None = None,
) -> Proof:
    """The proof of paper.toml, literature.toml and all templates but the venues' preambles.

    `facts` ({key: printed text}) are suggested; `sources` are the two TOML files by name, for their lines.
    """
    values = Values(facts or {})
    environment = expressions()
    files = sources or {}
    said = paper_findings(manuscript.paper, files.get(PAPER, ""), values)
    published = literature_findings(files.get(LITERATURE, ""), values)
    return Proof((*said, *published)).joined(
        check_template(f"{manuscript.folder}/{name}", source, subjects, values, environment)
        for name, source in manuscript.templates.items()
        if not PREAMBLE.fullmatch(name)
    )


def expressions() -> Environment:
    """The environment that parses what stands in tags."""
    return TexEnvironment({}, "templates", escape)


def check_template(
    name: str,
    source: str,
    subjects: Subjects = SUBJECTS,
    values: Values | None = None,
    environment: Environment | None = None,
) -> Proof:
    """The proof of one template, shown under `name`."""
    try:
        page = read_page(source)
    except TemplateSyntaxError as error:
        return Proof((Finding("template", f"{name}:{error.lineno}", f"{error.message}."),))
    found: list[tuple[int, Finding]] = []
    for typed in (*in_prose(page.text), *_cut(page), *in_formula(page.math, page.formulas)):
        tags = values.holding(typed, _around(page, typed.start, typed.end)) if values else ()
        found.append((typed.start, _finding("number", name, page, typed.start, told(typed.text, tags))))
    for tag in page.tags:
        found += _in_tag(tag, name, page, values, environment or expressions())
    for claim in comparisons(page, subjects):
        message = (
            rf"'{claim.word}' claims something of {claim.subject}; write \BLOCK{{claim a > b}} … "
            r"\BLOCK{endclaim}, or \opinion{…} where it is your view."
        )
        found.append((claim.start, _finding("claim", name, page, claim.start, message)))
    for kind, wrongs in (
        ("claim", claim_findings(page, subjects, environment or expressions())),
        ("number", (*value_findings(page), *counter_findings(page))),
        ("name", owner_findings(page, subjects)),
        ("literal", brace_findings(page)),
    ):
        found += [(each.start, _finding(kind, name, page, each.start, each.message)) for each in wrongs]
    found += _without_reason(name, page)
    in_order = tuple(finding for _, finding in sorted(found, key=lambda pair: pair[0]))
    return Proof(in_order, tuple(_literals(name, page)), tuple(_opinions(name, page)))


def _literals(name: str, page: Page) -> Iterator[Literal]:
    """What the author typed on purpose, with the reason."""
    for each in page.literals:
        text, reason = " ".join(each.text.split()), " ".join(each.reason.split())
        yield Literal(_place(name, page, each.start), text, reason)


def _opinions(name: str, page: Page) -> Iterator[Opinion]:
    """What the author holds as a view."""
    for start, end in page.opinions:
        yield Opinion(_place(name, page, start), " ".join(page.source[start:end].split()))


def _cut(page: Page) -> Iterator[Typed]:
    r"""The number words that commands cut in two, as n\textit{i}nety."""
    text, places = page.joined
    for typed in in_prose(text) if len(text) < len(page.text) else ():
        start, end = places[typed.start], places[typed.end - 1] + 1
        if typed.word and end - start > typed.end - typed.start:
            yield Typed(start, end, typed.text, True)


def _in_tag(
    tag: Tag, name: str, page: Page, values: Values | None, environment: Environment
) -> Iterator[tuple[int, Finding]]:
    line = page.line(tag.start)
    shown = f"\\{tag.name}{{{tag.inside.strip()}}}"
    try:
        for offset, text in in_tag(tag, environment):
            if text.startswith("loop.") and page.text[tag.start] != VALUE:
                continue  # the name of a label
            tags = (
                values.holding(Typed(0, 0, text, not text[:1].isdigit()), _around(page, tag.start, tag.end))
                if values
                else ()
            )
            message = told(text, tags).replace("is typed;", f"is typed in {shown};", 1)
            yield tag.start, Finding("number", str(Place(name, line + offset)), message)
    except TemplateSyntaxError as error:
        where = str(Place(name, line + error.lineno - 1))
        yield tag.start, Finding("template", where, f"{shown}: {error.message}.")


def _without_reason(name: str, page: Page) -> Iterator[tuple[int, Finding]]:
    for each in page.literals:
        if not re.search(r"\w", each.reason):
            message = rf"\literal{{{each.text}}}{{}} has no reason; say why the number is typed."
            yield each.start, _finding("literal", name, page, each.start, message)


def _around(page: Page, start: int, end: int) -> str:
    return page.text[max(0, start - AROUND) : start] + " " + page.text[end : end + AROUND]


def _finding(kind: str, name: str, page: Page, position: int, message: str) -> Finding:
    return Finding(kind, _place(name, page, position), message)


def _place(name: str, page: Page, position: int) -> str:
    return str(Place(name, page.line(position)))
