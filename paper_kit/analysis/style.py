"""How figures look: the venue's widths and fonts, one colour, marker and line a model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

Width = Literal["column", "text"]

# Okabe and Ito 2008, with one of Tol 2021 third; ordered so that two of one line differ in grey too.
COLOURS = ("#0072B2", "#E69F00", "#882255", "#009E73", "#56B4E9", "#D55E00", "#CC79A7", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.5, 1.2, 1.5)))
SMALLEST_PT = 7.0  # of labels and names
TINY_PT = 6.0  # of numbers in crowded cells; nothing is smaller


@dataclass(frozen=True)
class Look:
    """One model's colour, marker and line; a different line tells models apart in grey."""

    colour: str
    marker: str
    line: Any


@dataclass(frozen=True)
class Style:
    """A venue's column and text width in inches, and the font of its figures.

    `font_family` names are tried in order, where they are installed; STIXGeneral (a Times) and DejaVu Sans
    come with matplotlib, so that a figure is the same on every machine.
    """

    column_in: float = 3.5
    text_in: float = 7.16
    font: Literal["serif", "sans"] = "serif"
    font_family: tuple[str, ...] = ()
    size_pt: float = 8.0

    def width(self, name: Width | str) -> float:
        """Inches of "column" or "text"."""
        return self.text_in if name == "text" else self.column_in

    @property
    def small_pt(self) -> float:
        """Size of tick labels and legends, in points; never under 7."""
        return max(SMALLEST_PT, self.size_pt - 1)

    def look(self, index: int) -> Look:
        """The look of the model, or class, at this place of the study; the first 64 all differ."""
        round_, place = divmod(index, len(COLOURS))
        marker, line = MARKERS[(place + round_) % len(MARKERS)], LINES[(place + round_) % len(LINES)]
        return Look(COLOURS[place], marker, line)

    def parameters(self) -> dict[Any, Any]:
        """matplotlib's rcParams for this style."""
        own = {"serif": ("STIXGeneral",), "sans": ("DejaVu Sans",)}[self.font]
        return {
            "font.family": [*_installed(self.font_family), *own],
            "font.size": self.size_pt,
            "mathtext.fontset": "stix" if self.font == "serif" else "dejavusans",
            "axes.unicode_minus": True,
            "text.usetex": False,
            "text.parse_math": False,
            "axes.labelsize": self.size_pt,
            "axes.titlesize": self.size_pt,
            "xtick.labelsize": self.small_pt,
            "ytick.labelsize": self.small_pt,
            "legend.fontsize": self.small_pt,
            "legend.frameon": False,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.linewidth": 0.6,
            "axes.axisbelow": True,
            "xtick.major.width": 0.6,
            "ytick.major.width": 0.6,
            "xtick.major.size": 2.5,
            "ytick.major.size": 2.5,
            "grid.linewidth": 0.4,
            "grid.color": "#D9D9D9",
            "lines.linewidth": 1.2,
            "lines.markersize": 4.0,
            "savefig.bbox": None,
            "pdf.fonttype": 42,
            "figure.dpi": 100,
            "image.interpolation": "nearest",
        }

    @contextmanager
    def context(self) -> Iterator[None]:
        """Inside, drawing follows this style, whatever the user's own matplotlib settings."""
        import matplotlib

        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(self.parameters())
            yield


def _installed(names: tuple[str, ...]) -> list[str]:
    """Those of the fonts that matplotlib finds; it warns of each other one at every word."""
    if not names:
        return []
    from matplotlib.font_manager import fontManager

    known = set(fontManager.get_font_names())
    return [name for name in names if name in known]
