r"""The tag \BLOCK{claim a > b} …, its branches reversed, equivalent and undecided, and \BLOCK{endclaim}."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol, cast

from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser

from paper_kit.analysis.claims import Judged, Relation
from paper_kit.analysis.comparison import ZERO, named
from paper_kit.analysis.facts import Fact
from paper_kit.core.errors import InputError

BRANCHES = ("reversed", "equivalent", "same", "undecided")
RELATIONS: dict[str, Relation] = {"gt": ">", "lt": "<", "eq": "=="}
PENDING = r"\pkmissing{[pending claim]}"
SHOWN = frozenset(
    {"verdict", "difference", "p", "p_equivalence"}
)  # what a template sees of `claim` inside the tag
FORM = r"Write \BLOCK{claim a > b}, with one of > < == between two facts."


class Judge(Protocol):
    """Judges a claim for the document that asks."""

    def __call__(
        self, left: Fact, relation: Relation, right: Fact, equivalence: bool = False, place: str = ""
    ) -> Judged: ...


class Judges(Protocol):
    """An environment of templates that can judge."""

    @property
    def judge(self) -> Judge: ...


class Told(InputError):
    """A problem with a claim, which already says its place."""


class ClaimTag(Extension):
    """Prints the branch that the test supports; inside, `claim` has the difference and the corrected p."""

    tags = {"claim"}

    def parse(self, parser: Parser) -> nodes.Node:
        """The tag as a block in which `claim` is what was judged."""
        line = next(parser.stream).lineno
        compared = parser.parse_expression()
        if not isinstance(compared, nodes.Compare) or len(compared.ops) != 1:
            parser.fail(f"This is no claim. {FORM}", line)
        operand = compared.ops[0]
        if operand.op not in RELATIONS:
            parser.fail(f"A claim cannot be made with this comparison. {FORM}", line)
        branches = self._branches(parser, line)
        asked = [
            compared.expr,
            nodes.Const(RELATIONS[operand.op]),
            operand.expr,
            nodes.Const(tuple(branches)),
            nodes.Const((parser.filename or parser.name or "", line)),
        ]
        judged = self.call_method("judged", asked, lineno=line)
        chosen = nodes.If(self._is("holds", line), branches.pop("holds"), [], [], lineno=line)
        for verdict, body in branches.items():
            chosen.elif_.append(nodes.If(self._is(verdict, line), body, [], [], lineno=line))
        chosen.else_ = [nodes.Output([nodes.TemplateData(PENDING)], lineno=line)]
        return nodes.With([nodes.Name("claim", "store")], [judged], [chosen], lineno=line)

    def _branches(self, parser: Parser, line: int) -> dict[str, list[nodes.Node]]:
        """Verdict -> what is printed."""
        found: dict[str, list[nodes.Node]] = {}
        verdict = "holds"
        while True:
            ends = tuple(f"name:{name}" for name in (*BRANCHES, "endclaim", "else", "elif"))
            found[verdict] = parser.parse_statements(ends)
            verdict = next(parser.stream).value
            if verdict == "endclaim":
                return found
            if verdict not in BRANCHES:
                told = ", ".join(rf"\BLOCK{{{name}}}" for name in BRANCHES)
                parser.fail(f"A claim has no {verdict}: its branches are {told}.", line)
            if verdict in found:
                parser.fail(rf"The claim has two branches \BLOCK{{{verdict}}}; leave one.", line)

    def _is(self, verdict: str, line: int) -> nodes.Compare:
        told = nodes.Getattr(nodes.Name("claim", "load"), "verdict", "load")
        return nodes.Compare(told, [nodes.Operand("eq", nodes.Const(verdict))], lineno=line)

    def judged(
        self, left: Any, relation: Relation, right: Any, branches: tuple[str, ...], place: tuple[str, int]
    ) -> Judged:
        """The claim, judged; InputError with the numbers where the branch that is needed is not there."""
        try:
            return self._judged(left, relation, right, branches, f"{place[0]}:{place[1]}")
        except InputError as error:
            raise Told([f"{place[0]}:{place[1]}: {problem}" for problem in error.problems]) from None

    def _judged(
        self, left: Any, relation: Relation, right: Any, branches: tuple[str, ...], place: str
    ) -> Judged:
        judge = cast(Judges, self.environment).judge
        told = judge(side(left), relation, side(right), "equivalent" in branches, place)
        if told.verdict == "same" and "same" not in branches:
            told = replace(told, verdict="undecided")
        if told.verdict not in (*branches, "pending"):
            raise InputError(
                f"The claim {named(side(left))} {relation} {named(side(right))} is {told.verdict}: "
                f"{told.difference.text}, {told.p.text if told.p.value is not None else 'counted'}. "
                rf"Write what is to be printed then: \BLOCK{{{told.verdict}}} … before \BLOCK{{endclaim}}."
            )
        return told


def refuse_absent_p(judged: Judged, name: str) -> None:
    """Nothing; InputError where a claim has no such p, because it was counted or equality was not tested."""
    if judged.verdict != "pending" and getattr(judged, name).value is None:
        why = "was counted" if name == "p" else "was not tested for equality"
        raise InputError(
            f"The claim on {judged.comparison.name} {why} and has no {name}; print its difference."
        )


def side(value: Any) -> Fact:
    """A side of a claim: a fact, or the number 0; InputError for anything else."""
    if isinstance(value, Fact):
        return value
    if value == 0 and isinstance(value, int) and not isinstance(value, bool):
        return ZERO
    raise InputError(f"A claim compares facts with facts, or a difference with 0, not with {value!r}. {FORM}")
