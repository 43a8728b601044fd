"""A study of 12 models and 30 classes with made-up runs, and what overlaps in a figure of it."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from paper_kit.analysis.artifacts import Figure
from paper_kit.analysis.results import Results, collect
from paper_kit.core.experiment import Experiment
from paper_kit.core.plan import plan
from paper_kit.core.store import Store
from tests.analysis.fabricated import ABLATIONS, experiment, write_run

CLASSES = tuple(f"Expression {n} of many" for n in range(30))


def large(root: Path, models: int = 12, images: int = 300) -> Results:
    """Results of that study, one seed."""
    known = experiment(models=1).model_dump(mode="json", exclude_defaults=True)
    known["model"] = [
        {"key": f"m{n}", "label": f"ResEmoteNet-{n}", "part": {"name": "resemotenet", "width": 8 + n}}
        for n in range(models)
    ]
    plans, store = (plan(Experiment.model_validate({**known, "ablation": ABLATIONS})),), Store(root)
    for spec in plans[0].runs:
        write_run(store, spec, images=images, classes=CLASSES)
    return collect(plans, store)


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of drawn texts that lie over each other by more than a pixel, and texts that leave the page."""
    boxes: list[tuple[str, Bbox]] = []
    draw = Text.draw

    def noted(self: Text, renderer: RendererBase, *rest: object, **options: object) -> None:
        if self.get_visible() and self.get_text().strip():
            boxes.append((self.get_text(), self.get_window_extent(renderer)))
        draw(self, renderer, *rest, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", noted)
        FigureCanvasAgg(figure.figure).draw()
    page = figure.figure.bbox
    found = [
        (a, b)
        for (a, one), (b, two) in combinations(boxes, 2)
        if min(one.x1, two.x1) - max(one.x0, two.x0) > 1 and min(one.y1, two.y1) - max(one.y0, two.y0) > 1
    ]
    return found + [
        (text, "outside")
        for text, box in boxes
        if box.x0 < page.x0 - 1 or box.y0 < page.y0 - 1 or box.x1 > page.x1 + 1 or box.y1 > page.y1 + 1
    ]
