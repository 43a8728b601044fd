"""A paper as pandoc's tree, its parts shaped for one target: an HTML page or a Word document."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

from paper_kit.render.exports.web_floats import Float, Grid
from paper_kit.render.exports.web_tex import Source
from paper_kit.render.exports.web_tree import (
    Node,
    Nodes,
    attributes,
    changed,
    kind,
    span,
    text,
    tree_of,
    url,
    words,
)


class Shape(Protocol):
    """How a target shows what has no node in pandoc's tree."""

    def fact(self, number: int, inlines: Nodes) -> Nodes:
        """The inlines of a printed fact."""

    def origin(self, numbers: list[str], inlines: Nodes) -> Nodes:
        """A value of the provenance section, to which the facts of those numbers lead."""

    def picture(self, file: str, alt: str) -> Node:
        """The picture of that file with its text for those who cannot see it."""

    def floated(self, one: Float, caption: Nodes, blocks: Nodes) -> Nodes:
        """A figure, a table or an algorithm; the caption begins with its number."""

    def equation(self, label: str, number: str, formula: str) -> Nodes:
        """A displayed formula."""

    def step(self, depth: int) -> Nodes:
        """What comes before a step of an algorithm that is so deep in others."""

    def comment(self, inlines: Nodes) -> Nodes:
        """A remark at the end of a step."""

    def styled(self, style: str, blocks: Nodes, name: str = "") -> Node:
        """Blocks of one of the styles notes, reference, origins, listing."""


@dataclass(frozen=True)
class Page:
    """The parts of a paper: inlines of the title, of each author's lines, of the keywords; blocks."""

    title: Nodes
    authors: tuple[tuple[Nodes, ...], ...]
    abstract: Nodes
    keywords: Nodes
    body: Nodes


STYLES = {"pkunder": "notes", "pkorigins": "origins", "pklisting": "listing"}
COLOURS = {"color: pkmark": "missing", "color: pkgrey": "grey"}


def page(source: Source, shape: Shape) -> Page:
    """The paper, its parts shaped."""
    blocks = changed(tree_of(source.tex)["blocks"], lambda node: _shaped(node, source, shape))
    found = Page([], (), [], [], [])
    for block in blocks:
        inside = block["c"][1] if block["t"] == "Div" else []
        lines = tuple(one["c"] for one in inside if one["t"] in ("Para", "Plain"))
        if kind(block) == "pkfronttitle":
            found = replace(found, title=lines[0] if lines else [])
        elif kind(block) == "pkfrontauthor":
            found = replace(found, authors=(*found.authors, lines))
        elif kind(block) == "pkfrontabstract":
            found = replace(found, abstract=inside)
        elif kind(block) == "pkfrontkeywords":
            found = replace(found, keywords=lines[0] if lines else [])
        else:
            found.body.append(block)
    return found


def _shaped(node: Node, source: Source, shape: Shape) -> Nodes:
    scheme, rest = url(node)
    if scheme:
        return _linked(node, scheme, rest, shape)
    if node["t"] == "Span" and (style := dict(node["c"][0][2]).get("style", "")) in COLOURS:
        return [span(node["c"][1], classes=(COLOURS[style],))]
    if node["t"] == "Span" and node["c"][0] == ["", [], []]:
        return list(node["c"][1])  # a group of TeX
    if node["t"] == "Para" and not node["c"]:
        return []
    if node["t"] == "Div":
        return _block(node, source, shape)
    return [node]


def _linked(node: Node, scheme: str, rest: str, shape: Shape) -> Nodes:
    """What stands for a link of ours."""
    inlines: Nodes = node["c"][1]
    if scheme == "pk":
        return shape.fact(int(rest), inlines)
    if scheme == "pkto":
        return shape.origin(rest.split(","), inlines)
    if scheme == "pkimage":
        return [shape.picture(rest, words(inlines).strip())]
    if scheme == "pkno":
        return [span(inlines, classes=("number",))]
    if scheme == "pkdepth":
        return shape.step(int(rest))
    return shape.comment(inlines)


def _block(node: Node, source: Source, shape: Shape) -> Nodes:
    """What stands for an environment of ours."""
    name, (_, blocks) = kind(node), node["c"]
    if name in STYLES:
        return [shape.styled(STYLES[name], blocks)]
    if name == "pkfloat":
        one, rest = source.floats[_index(blocks[0])], blocks[1:]
        captions = [block for block in rest if kind(block) == "pkcaption"]
        inner = [
            inline for block in captions for part in block["c"][1] for inline in [*part["c"], {"t": "Space"}]
        ]
        start = [span(text(one.title), classes=("number",)), {"t": "Space"}] if one.title else []
        others = [block for block in rest if kind(block) != "pkcaption"]
        return shape.floated(one, [*start, *inner[:-1]] if captions else [], others)
    if name == "pkgrid":
        grid = source.grids[_index(blocks[0])]
        return [_table(block, grid) if block["t"] == "Table" else block for block in blocks[1:]]
    if name == "pkequation":
        label, number = source.equations[_index(blocks[0])]
        return shape.equation(label, number, str(blocks[1]["c"][0]["c"][1]))
    if name == "pkreference":
        return [shape.styled("reference", blocks[1:], f"ref-{source.references[_index(blocks[0])]}")]
    return [node]


def _index(block: Node) -> int:
    """The number at the end of an environment's first paragraph."""
    return int("".join(sign for sign in words(block) if sign.isdigit()))


def _table(node: Node, grid: Grid) -> Node:
    """The table with its headers, row names and rules."""
    _, caption, columns, head, bodies, foot = node["c"]
    rows = [row for body in bodies for row in body[3]]
    heads, body = rows[: grid.heads], rows[grid.heads :]
    for place in grid.rules:
        if 0 < place < len(body):
            body[place][0] = attributes("", ("ruled",))
    shown: list[Any] = [attributes(), int(grid.named_rows), [], body]
    return {"t": "Table", "c": [attributes(), caption, columns, [head[0], heads], [shown], foot]}


def captioned(blocks: Nodes, caption: Nodes) -> tuple[Nodes, bool]:
    """The blocks with the caption in their first table, and whether there is one."""
    for place, block in enumerate(blocks):
        if block["t"] == "Table":
            inside = [block["c"][0], [None, [{"t": "Plain", "c": caption}]], *block["c"][2:]]
            return [*blocks[:place], {"t": "Table", "c": inside}, *blocks[place + 1 :]], True
    return blocks, False


def formula(tex: str, *, display: bool = True) -> Node:
    """A formula."""
    return {"t": "Math", "c": [{"t": "DisplayMath" if display else "InlineMath"}, tex]}


def headings(blocks: Nodes) -> list[tuple[int, str, str]]:
    """(level, id, text) of each heading that stands outside of other blocks."""
    return [
        (block["c"][0], block["c"][1][0], words(block["c"][2]).strip())
        for block in blocks
        if block["t"] == "Header"
    ]
