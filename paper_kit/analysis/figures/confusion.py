"""Confusion matrices of the base runs: rows are labels, normalised to their sum."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing

from paper_kit.analysis.artifacts import Figure, Note
from paper_kit.analysis.figures._canvas import canvas, listed, pending_note, waiting, wrapped
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import Style
from paper_kit.analysis.tables._parts import number
from paper_kit.core.experiment import ModelEntry
from paper_kit.stats.metrics import Integers, row_rates

NARROWEST_IN = 1.45  # of one panel: seven classes of two digits at 7 pt
LABELS_IN = 0.55  # beside or below a panel, for class names
BAR_IN = 0.75  # for the bar of the scale, and the label of the rows
DARK = 0.55  # rates above are printed in white


def draw(
    results: Results,
    style: Style,
    *,
    width: Literal["column", "text"] = "column",
    model: str = "",
    show: Literal["rate", "count"] = "rate",
    experiment: str = "",
) -> Figure:
    """One model's matrix, or without `model` those of all in one scale; cells print percent or counts."""
    study = results.plan(experiment).experiment
    entries = (results.model(model, experiment),) if model else study.model
    found = [(entry, results.measured(entry.key, experiment=experiment).counts_KK) for entry in entries]
    known = [(entry, counts) for entry, counts in found if counts is not None]
    if not known:
        return waiting("confusion", style, width)
    classes = results.classes(experiment)
    columns = min(len(known), max(1, int(style.width(width) / NARROWEST_IN)))
    rows = -(-len(known) // columns)
    panel_in = (style.width(width) - LABELS_IN - BAR_IN) / columns
    drawing = canvas(style, width, rows * (panel_in + (0.2 if len(known) > 1 else 0.05)) + LABELS_IN + 0.15)
    axes = drawing.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for place, panel in enumerate(axes.flat):
        if place >= len(known):
            panel.set_visible(False)
            continue
        image = _panel(panel, known[place][1], style, show)
        if len(known) > 1:
            panel.set_title(known[place][0].label, pad=3)
    _labels(drawing, axes, classes, style, len(known))
    bar = drawing.colorbar(image, ax=axes, fraction=0.05, pad=0.015, aspect=25, shrink=0.97)
    bar.set_ticks([0, 0.5, 1], labels=["0", "50", "100"])
    bar.set_label("% of the label's images", labelpad=1)
    bar.outline.set_linewidth(0.5)
    notes = (*_notes(results, experiment, show), *pending_note(results, [e.key for e in entries], experiment))
    return Figure("confusion", drawing, _data(known, classes), _alt(known, classes), notes)


def _panel(panel: Any, counts_KK: Integers, style: Style, show: str) -> Any:
    rates_KK = row_rates(counts_KK)
    image = panel.imshow(np.nan_to_num(rates_KK), cmap="Blues", vmin=0, vmax=1, aspect="equal")
    for row, column in np.ndindex(*counts_KK.shape):
        rate = rates_KK[row, column]
        text = (
            str(counts_KK[row, column])
            if show == "count"
            else f"{rate * 100:.0f}"
            if np.isfinite(rate)
            else ""
        )
        colour = "white" if rate > DARK else "#9A9A9A" if text == "0" else "black"
        panel.text(column, row, text, ha="center", va="center", color=colour, fontsize=style.small_pt)
    for spine in panel.spines.values():
        spine.set_visible(True)
        spine.set_linewidth(0.5)
    panel.tick_params(length=0, pad=2)
    return image


def _labels(drawing: Drawing, axes: Any, classes: tuple[str, ...], style: Style, shown: int) -> None:
    """Class names on the outer axes, what the axes mean once for the whole drawing."""
    names = [wrapped(name, 14, lines=2) for name in classes]
    places = range(len(classes))
    for panel in axes[:, 0]:
        panel.set_yticks(places, names)
    rows, columns = axes.shape
    for column in range(columns):
        lowest = rows - 1 if (rows - 1) * columns + column < shown else rows - 2
        panel = axes[lowest, column]
        panel.set_xticks(places, names, rotation=90)
        panel.tick_params(labelbottom=True)
        for label in panel.get_xticklabels():
            label.set_in_layout(lowest == rows - 1)  # else they hang into the empty place below
    drawing.supxlabel("Prediction", fontsize=style.size_pt)
    drawing.supylabel("Label", fontsize=style.size_pt)


def _notes(results: Results, experiment: str, show: str) -> tuple[Note, ...]:
    seeds = len(results.plan(experiment).experiment.seeds)
    what = "Cells print percent of the row." if show == "rate" else "Cells print counts."
    count = number("counts.seeds", seeds, "count", "seeds")
    return (Note(what, *((" Summed over ", count, " seeds.") if seeds > 1 else ())),)


def _data(known: list[tuple[ModelEntry, Integers]], classes: tuple[str, ...]) -> pd.DataFrame:
    """One row a cell: model, label, prediction, count, rate."""
    rows = []
    for entry, counts_KK in known:
        rates_KK = row_rates(counts_KK)
        for row, column in np.ndindex(*counts_KK.shape):
            cell = (classes[row], classes[column], int(counts_KK[row, column]), float(rates_KK[row, column]))
            rows.append((entry.key, *cell))
    return pd.DataFrame(rows, columns=["model", "label", "prediction", "count", "rate"])


def _alt(known: list[tuple[ModelEntry, Integers]], classes: tuple[str, ...]) -> str:
    labels = listed([entry.label for entry, _ in known])
    return f"Confusion matrices of {labels} over the classes {listed(classes)}, darker for more of a row."
