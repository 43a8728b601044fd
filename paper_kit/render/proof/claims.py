r"""Claim tags read: whether they test anything, and whether each branch says what that branch may say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from jinja2 import Environment, TemplateSyntaxError, nodes

from paper_kit.render.lexer import Tag
from paper_kit.render.proof.lexicon import (
    CLAIMING,
    HARMLESS,
    NEGATED,
    OVERALL,
    QUALIFIED,
    RANKING,
    RELATING,
    UPWARD,
)
from paper_kit.render.proof.page import VALUE, Page, Span
from paper_kit.render.proof.sentences import sentences
from paper_kit.render.proof.subjects import Subjects

NEUTRAL = ("equivalent", "same", "undecided")
BRANCHES = frozenset({"reversed", *NEUTRAL})
# A fact that can lie on either side of nought.
_SIGNED = re.compile(
    r"change|difference|effect|gain|drop|delta|shift|lead|margin|gap|advantage|loss_of|bias|correlation",
    re.IGNORECASE,
)
_COUNTED = frozenset({"counts", "settings", "data", "environment", "study"})  # no results
_OF_RESULTS = re.compile(
    r"\b(?:accurac\w*|recalls?|calibrat\w*|networks?|models?|architectures?|transformers?)\b", re.I
)


@dataclass
class Claimed:
    """One claim tag: its expression, and the spans of what each verdict prints."""

    tag: Tag
    expression: str
    end: int = 0
    branches: dict[str, Span] = field(default_factory=dict)


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a claim tag, and where."""

    start: int
    message: str


def word(tag: Tag) -> str:
    """The first word of a tag, such as claim."""
    return tag.inside.strip().strip("-+").strip().partition(" ")[0]


def claim_tags(tags: Sequence[Tag]) -> list[Claimed]:
    """The closed claim tags of a template with their branches, in the order of their ends."""
    done: list[Claimed] = []
    opened: list[tuple[Claimed, str, int]] = []
    for tag in tags:
        first = word(tag) if tag.name == "BLOCK" else ""
        if first == "claim":
            expression = tag.inside.strip().strip("-+").strip().partition(" ")[2]
            opened.append((Claimed(tag, expression), "holds", tag.end))
        elif opened and first in {*BRANCHES, "endclaim"}:
            claim, verdict, start = opened.pop()
            claim.branches[verdict] = (start, tag.start)
            claim.end = tag.end
            if first == "endclaim":
                done.append(claim)
            else:
                opened.append((claim, first, tag.end))
    return done


def claim_findings(page: Page, subjects: Subjects, environment: Environment) -> Iterator[Wrong]:
    """What is wrong with the claim tags of a page; a claim that does not parse is found elsewhere."""
    for claim in claim_tags(page.tags):
        try:
            sides = _sides(claim.expression, environment)
        except TemplateSyntaxError:
            continue
        if sides is None:
            continue
        shown = rf"\BLOCK{{claim {claim.expression}}}"
        degenerate = _degenerate(*sides)
        if degenerate:
            yield Wrong(
                claim.tag.start,
                f"{shown} {degenerate}; a claim compares a fact with another, or a change with 0.",
            )
        for wrong in (*_strangers(claim, page, subjects, sides), *_opposed(claim, page, subjects)):
            yield Wrong(wrong.start, f"{wrong.message} {shown}.")


@dataclass(frozen=True)
class Side:
    """One side of a claim: the steps of its key, None for those that are computed; or a constant."""

    source: str
    steps: tuple[str | None, ...] = ()
    constant: bool = False
    computed: bool = False


@lru_cache(maxsize=1024)
def _sides(expression: str, environment: Environment) -> tuple[Side, Side] | None:
    parsed = environment.parse(f"\\VAR{{{expression}}}")
    found = next(iter(parsed.find_all(nodes.Compare)), None)
    if found is None or len(found.ops) != 1:
        return None
    return _side(found.expr), _side(found.ops[0].expr)


def _side(node: nodes.Node) -> Side:
    source = repr(node)
    if isinstance(node, nodes.Const | nodes.Neg | nodes.Pos):
        return Side(repr(getattr(node, "value", source)), constant=True)
    steps: list[str | None] = []
    inner: nodes.Node = node
    while isinstance(inner, nodes.Getattr | nodes.Getitem):
        if isinstance(inner, nodes.Getattr):
            steps.append(inner.attr)
        else:
            steps.append(str(inner.arg.value) if isinstance(inner.arg, nodes.Const) else None)
        inner = inner.node
    if isinstance(inner, nodes.Name):
        return Side(source, (inner.name, *reversed(steps)))
    return Side(source, computed=True)


def _degenerate(left: Side, right: Side) -> str:
    """Why there is nothing to test; "" where there is."""
    if (left.constant and left.source != "0") or (right.constant and right.source != "0"):
        return ""  # a typed number, which is found as such
    if left.constant:
        return "compares a number"
    if left.computed or right.computed:
        return "computes with facts, which no test stands behind"
    if left.source == right.source:
        return "compares a fact with itself"
    if right.constant and len(left.steps) > 1 and not _SIGNED.search(str(left.steps[-1])):
        return f"is always true: {'.'.join(step or '…' for step in left.steps)} is above 0 by its nature"
    return ""


def _strangers(claim: Claimed, page: Page, subjects: Subjects, sides: tuple[Side, Side]) -> Iterator[Wrong]:
    """Claims of a branch about networks that the test does not compare, or about more than it compares."""
    facts = [side for side in sides if side.steps]
    roots = {side.steps[0] for side in facts}
    known = [
        subjects.model(step) if step else None
        for side in facts
        for step in (side.steps[1:2] if side.steps[0] in {"results", "cost", "model", "calibration"} else ())
    ]
    counted = bool(facts) and roots <= _COUNTED
    exact = bool(known) and all(known)
    for verdict, start, text in _sentences(claim, page):
        found = comparing(text)
        if found is None:
            continue
        named = subjects.named(text, _printed(page, start, start + len(text)))
        others = sorted(named - set(known)) if exact or counted else []
        about = ", ".join(others) or (counted and (match := _OF_RESULTS.search(text)) and match[0]) or ""
        if about:
            yield Wrong(
                start + found[0],
                f"'{_said(text, found)}' claims something of {about}, which is not tested by",
            )
        elif exact and verdict != "undecided" and (over := OVERALL.search(text)) and not NEGATED.search(text):
            yield Wrong(start + over.start(), f"'{' '.join(over[0].split())}' says more than is tested by")


def _opposed(claim: Claimed, page: Page, subjects: Subjects) -> Iterator[Wrong]:
    """Branches that say what another branch says, and claims where the test decides nothing."""
    said: dict[str, tuple[tuple[bool, ...], bool, frozenset[str]]] = {}
    for verdict, start, text in _sentences(claim, page):
        found = comparing(text)
        if found is None:
            continue
        negated = bool(NEGATED.search(text[: found[0]]))
        if verdict in NEUTRAL:
            related = RELATING.match(text, found[0]) and not RANKING.match(text, found[0])
            if not negated and (related or not QUALIFIED.search(text)):
                message = rf"is printed where the test finds none of it, in \BLOCK{{{verdict}}} of"
                yield Wrong(start + found[0], f"'{_said(text, found)}' {message}")
            continue
        pointing = RELATING.search(text)
        if pointing is None or verdict in said:
            continue
        found = pointing.span()
        said[verdict] = _meaning(page, subjects, start, text, found)
        if verdict == "reversed" and said.get("holds") == said[verdict]:
            message = (
                rf"'{_said(text, found)}' is printed both where the claim holds and in \BLOCK{{reversed}} of"
            )
            yield Wrong(start + found[0], message)


def _meaning(
    page: Page, subjects: Subjects, start: int, text: str, found: Span
) -> tuple[tuple[bool, ...], bool, frozenset[str]]:
    """Whether each word points up, whether the first is denied, and which networks stand before it."""
    before = text[: found[0]]
    named = subjects.named(before, _printed(page, start, start + found[0]))
    return (
        tuple(bool(UPWARD.match(each[0])) for each in RELATING.finditer(text)),
        bool(NEGATED.search(before)),
        frozenset(named),
    )


def _sentences(claim: Claimed, page: Page) -> Iterator[tuple[str, int, str]]:
    """(verdict, where it starts, text) of each sentence of a claim's branches, opinions blanked."""
    for verdict, (first, last) in claim.branches.items():
        signs = list(page.text[first:last])
        for start, end in page.opinions:
            if first <= start and end <= last:
                signs[start - first : end - first] = " " * (end - start)
        text = "".join(signs)
        for start, end in sentences(text):
            yield verdict, first + start, text[start:end]


def _printed(page: Page, start: int, end: int) -> list[str]:
    return [tag.inside for tag in page.tags if tag.name == "VAR" and start <= tag.start < end]


@lru_cache(maxsize=4096)
def comparing(text: str) -> Span | None:
    """Where the first words that compare stand; None where none do."""
    harmless = [found.span() for found in HARMLESS.finditer(text)]
    position = 0
    while found := CLAIMING.search(text, position):
        ends = [end for start, end in harmless if start <= found.start() < end]
        if not ends:
            return found.span()
        position = max([*ends, found.start() + 1])
    return None


def _said(text: str, found: Span) -> str:
    return " ".join(text[slice(*found)].replace(VALUE, "").split())
