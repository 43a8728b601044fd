"""Square panels of classes by classes, placed to the inch, so that names and numbers are known to fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure as Drawing

from paper_kit.analysis.figures._canvas import text_in, wrapped
from paper_kit.analysis.style import TINY_PT, Style

NARROWEST_IN = 1.1  # of a panel
WIDEST_IN = 3.0  # of a panel, unless names or numbers need more
TALLEST_IN = 8.4  # of all: a page less its caption
GAP_IN, TITLE_IN, AXIS_IN, BAR_IN = 0.09, 0.2, 0.17, 0.58
BAR_WIDE_IN, BAR_TALLEST_IN = 0.09, 2.5
LINE = 1.2  # of a name's size, from one row to the next


@dataclass(frozen=True)
class Squares:
    """A grid of square panels in a drawing of this size, and how its rows are named."""

    width_in: float
    height_in: float
    columns: int
    panels: int
    side_in: float
    title_in: float
    left_in: float
    names_in: float
    names: tuple[str, ...]
    size_pt: float
    numbered: bool

    @property
    def rows(self) -> int:
        """Rows of panels."""
        return -(-self.panels // self.columns)

    @property
    def pitch_pt(self) -> float:
        """Points from one class to the next."""
        return self.side_in * 72 / len(self.names)

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of all panels, in fractions of the drawing."""
        wide = self.columns * (self.side_in + GAP_IN) - GAP_IN
        return (self.left_in + wide / 2) / self.width_in, (self._bottom + self._top) / 2 / self.height_in

    @property
    def _top(self) -> float:
        return self.height_in - self.title_in - 0.03

    @property
    def _bottom(self) -> float:
        return self._top - (self.rows - 1) * (self.side_in + self.title_in + GAP_IN) - self.side_in

    def panel(self, drawing: Drawing, place: int) -> Any:
        """The axes of a panel, with the names of the classes where it stands outermost."""
        row, column = divmod(place, self.columns)
        left = self.left_in + column * (self.side_in + GAP_IN)
        bottom = self._top - self.side_in - row * (self.side_in + self.title_in + GAP_IN)
        panel = self._axes(drawing, left, bottom, self.side_in, self.side_in)
        panel.set_yticks(*(self._ticks() if column == 0 else ([], [])), fontsize=self.size_pt)
        lowest = place + self.columns >= self.panels
        turned = 0 if self.numbered else 90
        panel.set_xticks(*(self._ticks() if lowest else ([], [])), fontsize=self.size_pt, rotation=turned)
        return panel

    def bar(self, drawing: Drawing) -> Any:
        """Axes for the bar of the scale, no taller than the panels."""
        left = self.left_in + self.columns * (self.side_in + GAP_IN)
        high = min(self._top - self._bottom, BAR_TALLEST_IN)
        bottom = (self._top + self._bottom - high) / 2
        return self._axes(drawing, left, bottom, BAR_WIDE_IN, high)

    def _axes(self, drawing: Drawing, left: float, bottom: float, wide: float, high: float) -> Any:
        across, up = self.width_in, self.height_in
        return drawing.add_axes((left / across, bottom / up, wide / across, high / up))

    def _ticks(self) -> tuple[list[int], list[str]]:
        """Every class by name, or some by number."""
        if not self.numbered:
            return list(range(len(self.names))), list(self.names)
        room = 1.6 * self.size_pt
        step = next((n for n in (1, 2, 5, 10, 20, 50) if n * self.pitch_pt >= room), 100)
        shown = [n for n in range(1, len(self.names) + 1) if n % step == 0]
        if step > 1 and (shown or [step])[0] * self.pitch_pt >= room + self.pitch_pt:
            shown = [1, *shown]
        return [n - 1 for n in shown], [str(n) for n in shown]


def squares(style: Style, width_in: float, panels: int, classes: tuple[str, ...], *, titled: bool) -> Squares:
    """The grid with the most columns in which the names fit; else one whose classes are numbered."""
    title_in = TITLE_IN if titled else 0.0
    widest = int((width_in - 0.4 - BAR_IN) / NARROWEST_IN)
    for columns in range(max(1, min(panels, widest)), 0, -1):
        for size_pt, signs, lines in ((style.small_pt, 14, 2), (style.small_pt, 26, 1), (TINY_PT, 26, 1)):
            names = tuple(wrapped(name, signs, lines) for name in classes)
            made = _grid(width_in, columns, panels, title_in, names, size_pt, numbered=False)
            needed = max(name.count("\n") + 1 for name in names) * LINE * size_pt
            if (
                made.pitch_pt >= needed
                and made.height_in <= TALLEST_IN
                and made.side_in >= NARROWEST_IN / 1.4
            ):
                return made
    columns = max(1, min(panels, widest))
    return _grid(width_in, columns, panels, title_in, classes, style.small_pt, numbered=True)


def _grid(
    width_in: float,
    columns: int,
    panels: int,
    title_in: float,
    names: tuple[str, ...],
    size_pt: float,
    *,
    numbered: bool,
) -> Squares:
    """Panels as large as width, page and reason allow, in the middle of the width."""
    rows = -(-panels // columns)
    names_in = 0.15 if numbered else max(text_in(name, size_pt) for name in names)
    left_in, below_in = AXIS_IN + names_in + 0.06, AXIS_IN + names_in + 0.06
    above_in = rows * (title_in + GAP_IN) - GAP_IN + 0.03
    wide = (width_in - left_in - BAR_IN - (columns - 1) * GAP_IN) / columns
    most = max(WIDEST_IN, len(names) * 0.135)
    side_in = max(0.1, min(wide, most, (TALLEST_IN - below_in - above_in) / rows))
    used = left_in + columns * (side_in + GAP_IN) - GAP_IN + BAR_IN
    left_in += max(0.0, (width_in - used) / 2)
    height_in = rows * side_in + above_in + below_in
    return Squares(
        width_in, height_in, columns, panels, side_in, title_in, left_in, names_in, names, size_pt, numbered
    )
