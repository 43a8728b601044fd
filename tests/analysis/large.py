"""A study of 12 models and 30 classes with made-up runs, and what overlaps in a figure of it."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

from matplotlib.text import Text

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
    """Pairs of texts of a figure that lie over each other by more than a pixel, and texts that leave it."""
    figure.figure.draw_without_rendering()
    texts = [
        each
        for each in figure.figure.findobj(Text)
        if each.get_visible() and each.get_text().strip() and _drawn(each)
    ]
    boxes = [(each.get_text(), each.get_window_extent()) for each in texts]
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


def _drawn(text: Text) -> bool:
    """Whether the text is no label of a hidden panel, and no tick's outside the limits of its axis."""
    axes = text.axes
    if axes is None:
        return True
    ticks = [(axes.xaxis, axes.get_xlim(), 0), (axes.yaxis, axes.get_ylim(), 1)]
    for axis, limits, place in ticks:
        if text in axis.get_ticklabels(which="both"):
            inside = min(limits) <= text.get_position()[place] <= max(limits)
            return bool(axes.get_visible() and axes.axison and axis.get_visible() and inside)
    return bool(axes.get_visible())
