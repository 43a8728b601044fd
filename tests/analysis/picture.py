"""What a drawing prints: its texts with size and box in points at print scale, as the PDF has them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from matplotlib.figure import Figure as Drawing
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from paper_kit.analysis.artifacts import Figure

LEADING_PT = 1.2  # boxes of lines reach so far above and below what is inked


class Printed(NamedTuple):
    """A text as drawn: what it says, its size and its box, both in points."""

    text: str
    size_pt: float
    box: Bbox


def printed(figure: Figure) -> tuple[bytes, list[Printed]]:
    """The figure's PDF and every text that is drawn into it; a figure without matplotlib has none."""
    found: list[Printed] = []
    draw, draw_all = Text.draw, Drawing.draw

    def anew(self, renderer):
        found.clear()  # what went before was for the layout only
        return draw_all(self, renderer)

    def noted(self, renderer, *rest, **options):
        if self.get_visible() and self.get_text().strip():
            found.append(Printed(self.get_text(), self.get_fontsize(), self.get_window_extent(renderer)))
        return draw(self, renderer, *rest, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", noted)
        patch.setattr(Drawing, "draw", anew)
        pdf = figure.to_pdf()
    return pdf, found


def clashes(texts: list[Printed]) -> list[str]:
    """Pairs of texts of which one lies on the other."""
    boxes = np.array([each.box.extents for each in texts]).reshape(-1, 4)
    wide = np.minimum.outer(boxes[:, 2], boxes[:, 2]) - np.maximum.outer(boxes[:, 0], boxes[:, 0])
    high = np.minimum.outer(boxes[:, 3], boxes[:, 3]) - np.maximum.outer(boxes[:, 1], boxes[:, 1])
    pairs = np.argwhere(np.triu((wide > LEADING_PT) & (high > LEADING_PT), 1))[:20]
    return [f"{texts[one].text!r} and {texts[other].text!r}" for one, other in pairs]


def outside(figure: Figure, texts: list[Printed]) -> list[str]:
    """Texts that reach over the drawing's edge."""
    wide, high = figure.figure.get_size_inches() * 72
    return [
        each.text
        for each in texts
        if each.box.x0 < -1 or each.box.y0 < -1 or each.box.x1 > wide + 1 or each.box.y1 > high + 1
    ]
