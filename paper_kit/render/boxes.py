"""Where the boxes of a diagram stand: rows that fit a width, in points, from the top left corner down."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from paper_kit.analysis.artifacts import Diagram, Node

LEADING = 1.17
PAD, PAD_TEXT = 3.5, 4.0  # inside of a box, beside and above its text
GAP, WIDEST_GAP = 11.0, 22.0  # between boxes
NARROWEST, WIDEST = 42.0, 96.0  # of a box
STACK = 1.6  # how far a copy stands behind the one before it
LONG_WORD = 60.0  # a box this wide breaks a longer word
MOST_COPIES = 2  # drawn behind a box
MOST_LINES = 5  # of what a part does
LANE = 8.0  # above boxes, for lines that skip others
RISE = 9.0  # of a branch
MARGIN = 9.0  # right and left of rows, where lines lead from one to the next
BETWEEN = 17.0  # rows
# Widths of Times in em (Adobe, Times-Roman.afm), in classes; more is added for wider faces.
_WIDTHS = (("iljtfI.,;:'|!()[]/ ", 0.3), ("mwMW@%", 0.83), ("×", 0.78), ("…", 1.0))
_WIDER, _BOLD = 1.15, 1.06
_SEAM = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[._/ -])")  # between the parts of a word
_UNIT = re.compile(r"[^ -]*-+|[^ -]+| ")  # what TeX leaves whole: a word to its hyphen


def width_of(text: str, size_pt: float, *, bold: bool = False) -> float:
    """About how wide a text is set, in points, on the safe side."""
    ems = sum(
        next((width for signs, width in _WIDTHS if sign in signs), 0.7 if sign.isupper() else 0.49)
        for sign in text
    )
    return ems * size_pt * _WIDER * (_BOLD if bold else 1)


def breakable(text: str, width_pt: float, size_pt: float) -> str:
    """The text with spaces where a word is too wide: between its parts, as Squeeze Excite, else anywhere."""
    return "".join(
        unit if width_of(unit, size_pt) <= width_pt else _broken(unit, width_pt, size_pt)
        for unit in _UNIT.findall(text)
    )


def _broken(word: str, width_pt: float, size_pt: float) -> str:
    pieces = [""]
    for piece in _SEAM.split(word):
        if width_of(pieces[-1] + piece, size_pt) <= width_pt:
            pieces[-1] += piece
            continue
        pieces.append("")
        for sign in piece:
            if pieces[-1] and width_of(pieces[-1] + sign, size_pt) > width_pt:
                pieces.append("")
            pieces[-1] += sign
    return " ".join(piece for piece in pieces if piece)


def lines_of(text: str, width_pt: float, size_pt: float, *, bold: bool = False) -> list[str]:
    """The text in lines of at most this width, as TeX will break it: at spaces and after hyphens."""
    lines = [""]
    for unit in _UNIT.findall(text):
        if lines[-1].strip() and width_of(lines[-1] + unit, size_pt, bold=bold) > width_pt:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        if lines[-1] or unit != " ":
            lines[-1] += unit
    return [line for line in lines if line]


def shortened(text: str, width_pt: float, size_pt: float, most: int, *, bold: bool = False) -> str:
    """The text in at most so many lines; what does not fit ends in an ellipsis."""
    ready = breakable(text, width_pt, size_pt)
    lines = lines_of(ready, width_pt, size_pt, bold=bold)
    if len(lines) <= most:
        return ready
    kept = " ".join(lines[:most])
    while " " in kept and len(lines_of(f"{kept}…", width_pt, size_pt, bold=bold)) > most:
        kept = kept.rpartition(" ")[0]
    return f"{kept.rstrip(',;: ')}…"


@dataclass(frozen=True, eq=False)
class Spot:
    """A node's box: its left edge, top, width and height in points; `y` grows downward."""

    node: Node
    x: float
    y: float
    width: float
    height: float
    row: int = 0

    @property
    def middle(self) -> tuple[float, float]:
        """The centre."""
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def depth(self) -> float:
        """How far its copies stand out above and on the right."""
        return STACK * min(MOST_COPIES, self.node.copies - 1)

    @property
    def is_lower(self) -> bool:
        """Whether it is the lower part of another's box."""
        return bool(self.node.host) and not self.node.beside

    @property
    def inner(self) -> float:
        """The width of its text."""
        return self.width - 2 * PAD


@dataclass(frozen=True)
class Row:
    """A row's lane for skipping lines, its line of flow, and the line below it on which one leads on."""

    lane: float
    flow: float
    below: float


@dataclass(frozen=True)
class Sheet:
    """All boxes by name of their node, the rows, and the size of the whole in points."""

    spots: dict[str, Spot]
    rows: tuple[Row, ...]
    width: float
    height: float


@dataclass(frozen=True, eq=False)
class _Column:
    """A node on the way through with the lower part of its box and what stands beside it."""

    node: Node
    lower: Node | None
    beside: Node | None

    @property
    def is_end(self) -> bool:
        return self.node.kind == "end"


@dataclass(frozen=True, eq=False)
class _Fitter:
    """Rows of boxes for one diagram at one width and size of type."""

    diagram: Diagram
    width: float
    size: float

    @cached_property
    def columns(self) -> list[_Column]:
        hosted = {(node.host, node.beside): node for node in self.diagram.nodes if node.host}
        return [
            _Column(node, hosted.get((node.name, False)), hosted.get((node.name, True)))
            for node in self.diagram.nodes
            if not node.host
        ]

    @property
    def leading(self) -> float:
        return self.size * LEADING

    @cached_property
    def end(self) -> float:
        """The width of input and logits."""
        texts = [t for c in self.columns if c.is_end for t in (c.node.title, c.node.shape) if t is not None]
        return max((width_of(text.text, self.size, bold=True) for text in texts), default=0.0)

    def length(self, row: Sequence[_Column], box: float, gap: float) -> float:
        """How long a row is."""
        return sum(self.end if column.is_end else box for column in row) + gap * (len(row) - 1)

    def free(self, rows: int) -> float:
        """The width that a row may take, one of so many."""
        return self.width - (2 * MARGIN if rows > 1 else 0.0) - STACK * MOST_COPIES

    def gap(self, row: Sequence[_Column], box: float, rows: int) -> float:
        """The gap with which a row takes all its width."""
        return (self.free(rows) - self.length(row, box, 0.0)) / (len(row) - 1)

    def box(self, rows: Sequence[Sequence[_Column]], gap: float) -> float:
        """The width of a box with which every row fits."""
        return min(
            (self.free(len(rows)) - self.length(row, 0.0, gap))
            / max(1, sum(not column.is_end for column in row))
            for row in rows
        )

    def needed(self) -> float:
        """The width of a box in which every text keeps to its lines and no usual word is broken."""
        texts = [node.text.text for node in self.diagram.nodes if node.text is not None]
        titles = [node.title.text for node in self.diagram.nodes if node.kind != "end"]
        words = [width_of(piece, self.size) for text in texts for piece in _SEAM.split(text)]
        words += [width_of(unit, self.size, bold=True) for text in titles for unit in _UNIT.findall(text)]
        width = max(NARROWEST, min(max(words, default=0.0) + 2 * PAD, LONG_WORD))
        while width < WIDEST and any(
            len(lines_of(text, width - 2 * PAD, self.size)) > MOST_LINES for text in texts
        ):
            width += 2.0
        return width

    def rows(self) -> list[list[_Column]]:
        """The columns in as few rows as fit, balanced."""
        needed = self.needed()
        found: list[list[_Column]] = []
        for count in range(1, len(self.columns) + 1):
            found = _balanced(self.columns, count)
            if self.box(found, GAP) >= needed:
                break
        return found

    def laned(self, rows: Sequence[Sequence[_Column]]) -> set[int]:
        """The places of the rows above which lines that skip others start or end."""
        place = {
            node.name: number
            for number, row in enumerate(rows)
            for column in row
            for node in (column.node, column.lower, column.beside)
            if node is not None
        }
        skips = [edge for edge in self.diagram.edges if edge.kind == "skip"]
        return {place[name] for edge in skips for name in (edge.source, edge.target)}

    def text_height(self, node: Node, inner: float) -> float:
        """The height of a title and of what the node does; a hosted node has no title of its own."""
        lines = 0
        if not node.host:
            title = shortened(node.title.text, inner, self.size, MOST_LINES, bold=True)
            lines += len(lines_of(title, inner, self.size, bold=True))
        if node.text is not None:
            ready = shortened(node.text.text, inner, self.size, MOST_LINES)
            lines += len(lines_of(ready, inner, self.size))
        lines += node.beside and node.parameters is not None
        return lines * self.leading + 2 * PAD_TEXT


def _balanced(columns: list[_Column], count: int) -> list[list[_Column]]:
    size, more = divmod(len(columns), count)
    ends = [size * (at + 1) + min(at + 1, more) for at in range(count)]
    return [columns[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def lay_out(diagram: Diagram, width_pt: float, size_pt: float) -> Sheet:
    """The boxes of the diagram in rows that fit the width."""
    fit = _Fitter(diagram, width_pt, size_pt)
    rows = fit.rows()
    box = min(WIDEST, fit.box(rows, GAP))
    gap = min([WIDEST_GAP, *(fit.gap(row, box, len(rows)) for row in rows if len(row) > 1)])
    whole = max(fit.length(row, box, gap) for row in rows) + STACK * MOST_COPIES
    laned = fit.laned(rows)
    spots: dict[str, Spot] = {}
    tracks: list[Row] = []
    y = 0.0
    for number, row in enumerate(rows):
        track, placed = _row(
            fit, row, ((width_pt - whole) / 2, y, box, gap), number, LANE if number in laned else 0.0
        )
        spots |= {spot.node.name: spot for spot in placed}
        tracks.append(track)
        y = track.below + BETWEEN
    return Sheet(spots, tuple(tracks), width_pt, y - BETWEEN)


def _row(
    fit: _Fitter, row: Sequence[_Column], place: tuple[float, float, float, float], number: int, lane: float
) -> tuple[Row, list[Spot]]:
    x, y, box, gap = place
    inner = box - 2 * PAD
    asides = [fit.text_height(column.beside, inner) for column in row if column.beside]
    aside = max(asides, default=0.0)
    top = y + lane + (aside + RISE if aside else 0.0) + STACK * MOST_COPIES
    lower = max((fit.text_height(c.lower, inner) for c in row if c.lower), default=0.0)
    upper = max((fit.text_height(c.node, inner) for c in row if c.lower), default=0.0)
    alone = max((fit.text_height(c.node, inner) for c in row if not (c.lower or c.is_end)), default=0.0)
    height = max(upper + lower, alone, 3 * fit.leading)
    spots: list[Spot] = []
    for column in row:
        width = fit.end if column.is_end else box
        own = height - (lower if column.lower else 0.0)
        spots.append(Spot(column.node, x, top, width, own, number))
        if column.lower:
            spots.append(Spot(column.lower, x, top + own, width, lower, number))
        if column.beside:
            spots.append(Spot(column.beside, x, y + lane, width, aside, number))
        x += width + gap
    labels = 2 * fit.leading + 3.0
    return Row(y + 1.0, top + height / 2, top + height + labels), spots
