"""A sheet on which pictures and words are placed in inches, so that nothing can come to lie on another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure as Drawing
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import TextToPath

from paper_kit.analysis.artifacts import Figure, Note
from paper_kit.analysis.style import Style

POINTS = 72.0  # an inch
LINE = 1.25  # of the size of the words
GAP_IN = 0.04  # between neighbours
TALLEST_IN = 8.4  # a page, less a caption
EMPTY, GREY, FAINT = "#F0F0F0", "#666666", "#BBBBBB"


@dataclass(frozen=True)
class Sheet:
    """A drawing with one pair of axes in inches from its upper left corner."""

    drawing: Drawing
    axes: Any
    size_pt: float

    def picture(self, image: Any, x: float, y: float, side: float) -> None:
        """Nothing; a picture (H, W) uint8 grey or (H, W, 3) stands at (x, y), with its own pixels."""
        look = {"cmap": "gray", "vmin": 0, "vmax": 255} if image.ndim == 2 else {}
        place = (x, x + side, y + side, y)
        self.axes.imshow(image, extent=place, interpolation="none", aspect="auto", zorder=2, **look)

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Nothing; a filled box stands at (x, y)."""
        self.axes.add_patch(Rectangle((x, y), width, height, facecolor=colour, edgecolor="none", zorder=1))

    def words(
        self, text: str, x: float, y: float, *, ha: str = "center", va: str = "top", **look: Any
    ) -> None:
        """Nothing; words stand at (x, y)."""
        look = {"fontsize": self.size_pt, "linespacing": 1.05, **look}
        self.axes.text(x, y, text, ha=ha, va=va, zorder=3, **look)

    def caption(self, text: str, x: float, y: float, **look: Any) -> None:
        """Nothing; words stand on a line below (x, y), each caption of a row on the same line."""
        self.words(text, x, y + 0.92 * self.size_pt / POINTS, va="baseline", **look)

    def missing(self, text: str, x: float, y: float, side: float) -> None:
        """Nothing; an empty place says why it is."""
        self.box(x, y, side, side, EMPTY)
        self.words(folded(text, side, self.size_pt, 4), x + side / 2, y + side / 2, va="center", color=GREY)


def sheet(style: Style, width: str, height_in: float) -> Sheet:
    """An empty sheet at the venue's width."""
    width_in = style.width(width)
    drawing = Drawing(figsize=(width_in, height_in))
    drawing.suppressComposite = True  # else all pictures would become one, at the drawing's resolution
    axes = drawing.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, width_in)
    axes.set_ylim(height_in, 0)
    axes.set_autoscale_on(False)
    return Sheet(drawing, axes, style.small_pt)


def line_in(size_pt: float, lines: int = 1) -> float:
    """Inches that so many lines of words take."""
    return lines * size_pt * LINE / POINTS


def long_in(text: str, size_pt: float) -> float:
    """Inches that a line of words is long."""
    font = FontProperties(size=size_pt)
    wide, _, _ = TextToPath().get_text_width_height_descent(text, font, ismath=False)
    return float(wide) / POINTS


def cut(text: str, width_in: float, size_pt: float) -> str:
    """The text, or as much of its beginning as fits into the width, with an ellipsis."""
    if long_in(text, size_pt) <= width_in:
        return text
    while text and long_in(f"{text}…", size_pt) > width_in:
        text = text[:-1]
    return f"{text.rstrip()}…"


def folded(text: str, width_in: float, size_pt: float, lines: int = 3) -> str:
    """The text in at most so many lines, none longer than the width, broken inside words where these are."""
    found: list[str] = []
    rest = text.strip()
    while rest:
        if len(found) == lines - 1:
            return "\n".join([*found, cut(rest, width_in, size_pt)])
        head = _head(rest, width_in, size_pt)
        found.append(head.rstrip())
        rest = rest[len(head) :].lstrip()
    return "\n".join(found)


def _head(text: str, width_in: float, size_pt: float) -> str:
    """The beginning of a text that fits: whole words, or as many signs as fit, at least one."""
    fits = 1
    while fits < len(text) and long_in(text[: fits + 1].rstrip(), size_pt) <= width_in:
        fits += 1
    if fits == len(text) or text[fits] == " ":
        return text[:fits]
    space = text.rfind(" ", 0, fits)
    if space > 0:
        return text[: space + 1]
    ends = range(2, min(fits, len(text) - 2) + 1)  # never a single letter on a line of its own
    inner = [n for n in ends if text[n].isupper() and text[n - 1].islower()]
    return text[: inner[-1]] if inner else text[:fits]  # AdvancedEmote|Net


def not_recorded(name: str, style: Style, width: str, told: str) -> Figure:
    """A figure that says what is not recorded, and what to type."""
    lines = folded(told, style.width(width) - 2 * GAP_IN, style.small_pt, 4)
    made = sheet(style, width, 1.0)
    made.words(lines, style.width(width) / 2, 0.5, va="center", color=GREY)
    return Figure(
        name, made.drawing, pd.DataFrame(), f"Nothing to draw; {told}.", (Note(f"Pending: {told}."),)
    )
