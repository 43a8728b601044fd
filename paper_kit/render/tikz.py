"""A Diagram as a TikZ picture as wide as the line, its numbers linked to their origin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from paper_kit.analysis.artifacts import Diagram, NodeKind
from paper_kit.analysis.facts import Fact
from paper_kit.render.boxes import (
    LEADING,
    MARGIN,
    MOST_COPIES,
    MOST_LINES,
    STACK,
    Sheet,
    Spot,
    lay_out,
    shortened,
)
from paper_kit.render.measured import FactText
from paper_kit.render.tex import Tex, join

Show = Callable[[Any], Tex]

SMALLEST_PT = 6.5
PT_PER_IN = 72.27
SLACK_PT = 0.4  # narrower than the line, so that rounding never makes it overfull
# Fill and line of each kind: tints and the colours of Okabe and Ito 2008; shapes tell them apart in grey.
COLOURS: dict[NodeKind, tuple[str, str]] = {
    "end": ("FFFFFF", "FFFFFF"),
    "stage": ("E4EFF7", "0072B2"),
    "attention": ("FCE8D8", "D55E00"),
    "fusion": ("F3E3ED", "882255"),
    "token": ("DFF2EB", "009E73"),
    "head": ("EFEFEF", "595959"),
}
_POINT = 5.0  # of the arrow shape of a fusion
_DOUBLE = 1.4  # between the two lines around a token
_AIR = 1.5  # between a text without a box and an arrow
_NOSE = 4.0  # radius of a turning line


def type_size(size_pt: float) -> float:
    """The size of a diagram's text in a venue whose figures have this one, in points."""
    return max(SMALLEST_PT, size_pt - 1.5)


def picture(diagram: Diagram, show: Show) -> Tex:
    """The tikzpicture of a diagram at its width; needs tikz with arrows.meta."""
    size = type_size(diagram.size_pt)
    sheet = lay_out(diagram, diagram.width_in * PT_PER_IN - SLACK_PT, size)
    lines = [
        Tex(r"\begin{tikzpicture}[x=1pt,y=-1pt,line width=0.5pt,line join=round,"),
        Tex(rf"  font=\fontsize{{{size:.3g}}}{{{size * LEADING:.3g}}}\selectfont,"),
        Tex(r"  text box/.style={inner sep=0pt,outer sep=0pt,align=flush center,text width=#1},"),
        Tex(r"  way/.style={-{Stealth[length=3.6pt,width=3.2pt]},draw=black!70,rounded corners=2pt},"),
        Tex(r"  skip/.style={way,draw=pkfusion,line width=0.7pt}]"),
        *_colours(),
        Tex(rf"\useasboundingbox (0,0) rectangle {_at(sheet.width, sheet.height)};"),
        *(line for edge in diagram.edges for line in _edge(sheet, edge.source, edge.target, edge.kind)),
        *(line for spot in sheet.spots.values() for line in _node(spot, size, show)),
        *(line for spot in sheet.spots.values() for line in _labels(sheet, spot, show)),
        Tex(r"\end{tikzpicture}%"),
    ]
    return Tex("\n".join(lines) + "\n")


def _colours() -> Iterator[Tex]:
    for kind, (fill, line) in COLOURS.items():
        yield Tex(rf"\definecolor{{pk{kind}}}{{HTML}}{{{line}}}")
        yield Tex(rf"\definecolor{{pk{kind}fill}}{{HTML}}{{{fill}}}")


def _at(x: float, y: float) -> Tex:
    return Tex(f"({x:.2f},{y:.2f})")


def _node(spot: Spot, size: float, show: Show) -> Iterator[Tex]:
    node = spot.node
    if node.kind != "end":
        yield from _frame(spot)
    x, y = spot.middle
    texts = list(_texts(spot, size, show))
    if texts:
        inner = spot.width if node.kind == "end" else spot.inner
        shift = -_POINT / 4 if node.kind == "fusion" else 0.0
        yield _text(x + shift, y, inner, join(texts, Tex(r"\\")))


def _texts(spot: Spot, size: float, show: Show) -> Iterator[Tex]:
    """The title, what the node does, and what stands nowhere else."""
    node, inner = spot.node, spot.inner
    if not node.host:
        wide = spot.width if node.kind == "end" else inner
        title = _cut(node.title, wide, size, show, bold=True)
        yield Tex(rf"\textbf{{{title}}}")
    if node.text is not None:
        yield _cut(node.text, inner, size, show)
    if node.kind == "end" and node.shape is not None:
        yield show(node.shape)
    if node.beside and node.parameters is not None:
        yield show(node.parameters)


def _cut(fact: Fact, width: float, size: float, show: Show, *, bold: bool = False) -> Tex:
    return show(FactText.of(fact, shortened(fact.text, width, size, MOST_LINES, bold=bold)))


def _labels(sheet: Sheet, spot: Spot, show: Show) -> Iterator[Tex]:
    """Below a box the shape that it gives out and its parameters, those of its lower part added."""
    if spot.node.host or spot.node.kind == "end":
        return
    lower = next((s for s in sheet.spots.values() if s.is_lower and s.node.host == spot.node.name), spot)
    shape = spot.node.shape if lower.node.shape is None else lower.node.shape
    sizes = [one.node.parameters for one in dict.fromkeys((spot, lower))]
    shown = [show(size) for size in sizes if size is not None and size.value]
    lines = [*([show(shape)] if shape is not None else []), *([join(shown, " + ")] if shown else [])]
    if lines:
        x, bottom = spot.middle[0], lower.y + lower.height + 2.5
        yield _text(x, bottom, spot.width + 6, join(lines, Tex(r"\\")), "north")


def _text(x: float, y: float, width: float, written: Tex, anchor: str = "center") -> Tex:
    return Tex(rf"\node[text box={width:.2f}pt,anchor={anchor}] at {_at(x, y)} {{{written}}};")


def _frame(spot: Spot) -> Iterator[Tex]:
    """The outline, copies behind it first."""
    node = spot.node
    style = f"draw=pk{node.kind},fill=pk{node.kind}fill"
    for copy in range(min(MOST_COPIES, node.copies - 1), 0, -1):
        yield Tex(rf"\path[{style}] {_outline(spot, copy * STACK)};")
    yield Tex(rf"\path[{style}] {_outline(spot, 0.0)};")
    if node.kind == "token":
        start = _at(spot.x + _DOUBLE, spot.y + _DOUBLE)
        end = _at(spot.x + spot.width - _DOUBLE, spot.y + spot.height - _DOUBLE)
        yield Tex(rf"\draw[pktoken,line width=0.3pt] {start} rectangle {end};")


def _outline(spot: Spot, off: float) -> Tex:
    """The path around a box: a rectangle, one with round corners for attention, an arrow for a fusion."""
    x, y, right, bottom = spot.x + off, spot.y - off, spot.x + spot.width + off, spot.y + spot.height - off
    if spot.node.kind == "fusion":
        middle = (y + bottom) / 2
        corners = [(x, y), (right - _POINT, y), (right, middle), (right - _POINT, bottom), (x, bottom)]
        return Tex(f"{' -- '.join(_at(*corner) for corner in corners)} -- cycle")
    radius = {"attention": 4.5, "token": 0.0}.get(spot.node.kind, 1.2)
    return Tex(f"[rounded corners={radius}pt] {_at(x, y)} rectangle {_at(right, bottom)}")


def _edge(sheet: Sheet, source: str, target: str, kind: str) -> Iterator[Tex]:
    one, two = sheet.spots[source], sheet.spots[target]
    if kind == "branch":
        x = one.middle[0]
        yield Tex(rf"\draw[way] {_at(x, one.y - one.depth)} -- {_at(x, two.y + two.height)};")
    elif kind == "skip":
        yield Tex(rf"\draw[skip] {_path(_skipping(sheet, one, two))};")
    else:
        yield Tex(rf"\draw[way] {_path(_flowing(sheet, one, two))};")


def _path(points: list[tuple[float, float]]) -> Tex:
    return Tex(" -- ".join(_at(*point) for point in points))


def _flowing(sheet: Sheet, one: Spot, two: Spot) -> list[tuple[float, float]]:
    """To the next box, or round the end of the row to the first of the next."""
    start = (one.x + one.width + (_AIR if one.node.kind == "end" else one.depth), sheet.rows[one.row].flow)
    end = (two.x - (_AIR if two.node.kind == "end" else 0.0), sheet.rows[two.row].flow)
    if one.row == two.row:
        return [start, end]
    right, left = sheet.width - MARGIN + _NOSE, two.x - MARGIN
    between = sheet.rows[one.row].below + 5.0
    return [start, (right, start[1]), (right, between), (left, between), (left, end[1]), end]


def _skipping(sheet: Sheet, one: Spot, two: Spot) -> list[tuple[float, float]]:
    """Up to the lane above the row, along it, and down into the box; by the right edge to a later row."""
    start, end = (one.middle[0], one.y - one.depth), (two.middle[0], two.y)
    lane, last = sheet.rows[one.row].lane, sheet.rows[two.row].lane
    if one.row == two.row:
        return [start, (start[0], lane), (end[0], lane), end]
    edge = sheet.width - 0.5
    return [start, (start[0], lane), (edge, lane), (edge, last), (end[0], last), end]
