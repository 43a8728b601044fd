r"""Typed numbers inside tags, as in \VAR{72.4}, \BLOCK{set x = 72.4} and \VAR{results.x.accuracy + 3}."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from jinja2 import Environment, nodes

from paper_kit.render.lexer import Tag
from paper_kit.render.proof.numbers import in_prose

ARTIFACTS = frozenset({"table", "figure"})  # their arguments choose an artifact and its layout
LAYOUT = frozenset(
    {"batch", "label", "key", "map", "reject", "rejectattr", "select", "selectattr", "sort", "unique"}
)
_COUNTING = frozenset({"length", "count", "wordcount"})
_LOOP = frozenset({"index", "index0", "revindex", "revindex0", "length", "depth", "depth0"})
_ARITHMETIC = (nodes.BinExpr, nodes.Neg, nodes.Pos)
_DIGITS = re.compile(r"\d")
_ENDS = {"if": "endif", "for": "endfor", "macro": "endmacro", "call": "endcall", "filter": "endfilter",
         "with": "endwith", "block": "endblock"}  # fmt: skip
_SILENT = frozenset(
    {
        "",
        "else",
        "elif",
        "include",
        "import",
        "from",
        "extends",
        "reversed",
        "equivalent",
        "same",
        "undecided",
    }
)


def in_tag(tag: Tag, environment: Environment) -> tuple[tuple[int, str], ...]:
    """(line within the tag from 0, the number as typed) of a tag; TemplateSyntaxError for bad syntax."""
    return _in_tag(tag.name, tag.inside, environment)


@lru_cache(maxsize=4096)
def _in_tag(name: str, inside: str, environment: Environment) -> tuple[tuple[int, str], ...]:
    word, _, rest = inside.strip().strip("-+").strip().partition(" ")
    claim = name == "BLOCK" and word == "claim"
    if name == "VAR" or claim:
        parsed = environment.parse(f"\\VAR{{{rest if claim else inside}}}")
    elif name == "COMMENT" or word in _SILENT or word.startswith("end"):
        return ()
    else:
        end = "endset" if word == "set" and "=" not in rest else _ENDS.get(word, "")
        closing = f"\\BLOCK{{{end}}}" if end else ""
        parsed = environment.parse(f"\\BLOCK{{{inside}}}{closing}")
    # A claim may be that a change is below zero.
    return tuple((node.lineno - 1, text) for node, text in _typed(parsed) if not claim or text != "0")


def _typed(node: nodes.Node, taken_apart: bool = False) -> Iterator[tuple[nodes.Node, str]]:
    """The constants of an expression that reach the page; every digit of a text that is taken apart."""
    if isinstance(node, nodes.Const):
        yield from ((node, text) for text in _constant(node.value, taken_apart))
        return
    if _counts(node):
        name = getattr(node, "name", "") or f"loop.{getattr(node, 'attr', '')}"
        yield node, name if name.startswith("loop") else f"|{name}"
        return
    if isinstance(node, nodes.Getattr | nodes.Getitem | nodes.Filter) and node.node is not None:
        yield from _typed(node.node, True)
        if isinstance(node, nodes.Filter):
            yield from _arguments(node, taken_apart)
        return
    if isinstance(node, _ARITHMETIC):
        truths = (each for each in node.iter_child_nodes() if _is_truth(each))
        yield from ((each, str(getattr(each, "value", "")).lower()) for each in truths)
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in ARTIFACTS:
        return
    for child in _printed(node):
        yield from _typed(child, taken_apart)


def _counts(node: nodes.Node) -> bool:
    """Whether it makes a number of what is no fact: how many, which one of a loop."""
    if isinstance(node, nodes.Filter):
        return node.name in _COUNTING
    ofloop = (
        isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name) and node.node.name == "loop"
    )
    return ofloop and getattr(node, "attr", "") in _LOOP


def _is_truth(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Const) and isinstance(node.value, bool)


def _arguments(node: nodes.Filter, taken_apart: bool) -> Iterator[tuple[nodes.Node, str]]:
    """The constants among the arguments of a filter; some choose a layout, and name keys."""
    given = [*node.args, *(pair.value for pair in node.kwargs)]
    if node.name in {"batch", "slice"}:
        given = given[1:]  # the first is a number of columns
    for each in given:
        if node.name not in LAYOUT or not (isinstance(each, nodes.Const) and type(each.value) is bool):
            yield from _typed(each, taken_apart)


def _printed(node: nodes.Node) -> Iterator[nodes.Node]:
    """The parts of a node whose values can be printed: no conditions, no keys, no names of templates."""
    match node:
        case nodes.If():
            yield from node.body
        case nodes.CondExpr():
            yield from (part for part in (node.expr1, node.expr2) if part is not None)
        case nodes.For():
            yield node.iter
        case nodes.Test() | nodes.TemplateData() | nodes.Include() | nodes.Import() | nodes.FromImport():
            return
        case _:
            yield from node.iter_child_nodes()


def _constant(value: object, taken_apart: bool) -> Iterator[str]:
    if isinstance(value, str) and taken_apart and _DIGITS.search(value):
        yield value
    elif isinstance(value, str):
        yield from (found.text for found in in_prose(value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield f"{value!r}"
