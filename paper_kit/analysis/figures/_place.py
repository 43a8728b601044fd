"""Where names stand beside points so that nothing lies on anything else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.transforms import Bbox

SIDES = (  # points right of and above the mark, then which side of the text stands there
    (6, 0, "left", "center"),
    (-6, 0, "right", "center"),
    (5, 7, "left", "center"),
    (-5, 7, "right", "center"),
    (5, -7, "left", "center"),
    (-5, -7, "right", "center"),
)
MARK_PT = 4.0  # half a mark with its air

Point = tuple[str, float, float]  # name, x, y
Segment = tuple[float, float, float, float]  # from x, y to x, y


def place_names(axes: Any, points: Sequence[Point], lines: Sequence[Segment], size_pt: float) -> bool:
    """Whether every name found a place beside its point, off all points and lines; else none is left."""
    drawing = axes.figure
    drawing.draw_without_rendering()  # so that places are known
    dots = drawing.dpi / 72
    taken = [_box(axes, (x, y, x, y), MARK_PT * dots) for _, x, y in points]
    taken += [_box(axes, line, dots) for line in lines]
    inside = axes.get_window_extent()
    names: list[Any] = []
    for name, x, y in points:
        options = {"textcoords": "offset points", "fontsize": size_pt, "in_layout": False}
        for right, up, ha, va in SIDES:
            text = axes.annotate(name, (x, y), xytext=(right, up), ha=ha, va=va, **options)
            box = text.get_window_extent()
            if _within(box, inside) and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                names.append(text)
                break
            text.remove()
        else:
            for text in names:
                text.remove()
            return False
    return True


def _box(axes: Any, line: Segment, around: float) -> Bbox:
    """A line along an axis with so much air around it, in dots."""
    ends = axes.transData.transform([line[:2], line[2:]])
    return Bbox([ends.min(axis=0) - around, ends.max(axis=0) + around])


def _within(box: Bbox, outer: Bbox) -> bool:
    return bool(box.x0 >= outer.x0 and box.x1 <= outer.x1 and box.y0 >= outer.y0 and box.y1 <= outer.y1)
