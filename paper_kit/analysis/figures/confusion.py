"""Confusion matrices of the base runs: rows are labels, normalised to their sum."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure as Drawing

from paper_kit.analysis.artifacts import Figure, Note
from paper_kit.analysis.figures._canvas import listed, pending_note, text_in, waiting
from paper_kit.analysis.figures._squares import Squares, squares
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import TINY_PT, Style
from paper_kit.analysis.tables._parts import number
from paper_kit.core.experiment import ModelEntry
from paper_kit.stats.metrics import Integers, row_rates

COLOURS = colormaps["Blues"].with_extremes(bad="#E4E4E4")
DARK = 0.1791  # relative luminance below which white is read better than black, by WCAG 2.2's contrast ratio
FAINT = "#666666"  # 5.5 : 1 on the lightest cell
LINE = 1.25  # height of a line of numbers, of its size

Known = list[tuple[ModelEntry, Integers]]


def draw(
    results: Results,
    style: Style,
    *,
    width: Literal["column", "text"] = "column",
    model: str = "",
    show: Literal["rate", "count", "both"] = "rate",
    experiment: str = "",
) -> Figure:
    """One model's matrix, or without `model` those of all in one scale; cells print percent, counts or both.

    Where the numbers do not fit the cells they are left out, and so are names that do not fit their rows;
    a note says so.
    """
    study = results.plan(experiment).experiment
    entries = (results.model(model, experiment),) if model else study.model
    found = [(entry, results.measured(entry.key, experiment=experiment).counts_KK) for entry in entries]
    known = [(entry, counts) for entry, counts in found if counts is not None]
    if not known:
        return waiting("confusion", style, width)
    classes = results.classes(experiment)
    drawing = Drawing(figsize=(style.width(width), 1))
    places = squares(style, style.width(width), len(known), classes, titled=len(known) > 1)
    drawing.set_figheight(places.height_in)
    texts = [_texts(counts, show) for _, counts in known]
    size_pt = _size(texts, places, style)
    for place, (entry, counts) in enumerate(known):
        panel = places.panel(drawing, place)
        _panel(panel, counts, texts[place] if size_pt else {}, size_pt)
        if len(known) > 1:
            panel.set_title(entry.label, pad=3)
    _frame(drawing, places, style)
    told = _notes(results, experiment, show if size_pt else "", places, known)
    notes = (*told, *pending_note(results, [entry.key for entry in entries], experiment))
    return Figure("confusion", drawing, _data(known, classes), _alt(known, classes), notes)


def _texts(counts_KK: Integers, show: str) -> dict[tuple[int, int], str]:
    """What each cell prints; a row without images prints no rates."""
    rates_KK = row_rates(counts_KK)
    texts = {}
    for cell in np.ndindex(*counts_KK.shape):
        rate = f"{rates_KK[cell] * 100:.0f}" if np.isfinite(rates_KK[cell]) else ""
        count = str(counts_KK[cell])
        texts[cell] = {"rate": rate, "count": count, "both": f"{rate}\n{count}" if rate else ""}[show]
    return texts


def _signs(text: str) -> int:
    """Digits, which are all of one width, in the longest line."""
    return max(map(len, text.split("\n")))


def _size(texts: list[dict[tuple[int, int], str]], places: Squares, style: Style) -> float:
    """Points in which all numbers fit their cells; 0 where there are none."""
    longest = max((text for each in texts for text in each.values()), key=_signs)
    lines = longest.count("\n") + 1
    for size_pt in (style.small_pt, TINY_PT):
        wide, high = text_in(longest, size_pt) * 72 + 1, lines * LINE * size_pt
        if wide <= places.pitch_pt and high <= places.pitch_pt:
            return size_pt
    return 0.0


def _panel(panel: Any, counts_KK: Integers, texts: dict[tuple[int, int], str], size_pt: float) -> None:
    rates_KK = row_rates(counts_KK)
    panel.imshow(np.ma.masked_invalid(rates_KK), cmap=COLOURS, vmin=0, vmax=1, aspect="auto")
    for (row, column), text in texts.items():
        colour = ink(rates_KK[row, column], text)
        panel.text(column, row, text, ha="center", va="center", color=colour, fontsize=size_pt, linespacing=1)
    for spine in panel.spines.values():
        spine.set_visible(True)
        spine.set_linewidth(0.5)
    panel.tick_params(length=0, pad=2)


def ink(rate: float, text: str) -> str:
    """The colour in which a cell of this rate is read: white on dark, black on light, grey for a zero."""
    if text.partition("\n")[0] == "0":
        return FAINT
    rgb = np.array(COLOURS(rate)[:3] if np.isfinite(rate) else (0.9, 0.9, 0.9))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return "white" if linear @ np.array([0.2126, 0.7152, 0.0722]) < DARK else "black"


def _frame(drawing: Drawing, places: Squares, style: Style) -> None:
    """The bar of the scale, and what the axes mean once for the whole drawing."""
    scale = ScalarMappable(cmap=COLOURS)
    scale.set_clim(0, 1)
    bar = drawing.colorbar(scale, cax=places.bar(drawing))
    bar.set_ticks([0, 0.5, 1], labels=["0", "50", "100"])
    bar.set_label("% of the label's images", labelpad=1)
    bar.outline.set_linewidth(0.5)  # type: ignore[operator]  # an artist, whatever its stub says
    bar.ax.tick_params(length=2, pad=1)
    across, up = places.middle
    drawing.text(across, 0.03 / places.height_in, "Prediction", ha="center", va="bottom", size=style.size_pt)
    left = (places.left_in - places.names_in - 0.06) / drawing.get_figwidth()
    drawing.text(left, up, "Label", ha="right", va="center", rotation=90, size=style.size_pt)


def _notes(results: Results, experiment: str, show: str, places: Squares, known: Known) -> tuple[Note, ...]:
    seeds = len(results.plan(experiment).experiment.seeds)
    what = {
        "rate": "Cells print percent of the row.",
        "count": "Cells print counts.",
        "both": "Cells print percent of the row and below it the count.",
        "": "The cells are too small for numbers, which the figure's data file holds.",
    }[show]
    count = number("counts.seeds", seeds, "count", "seeds")
    notes = [Note(what, *((" Summed over ", count, " seeds.") if seeds > 1 else ()))]
    classes = results.classes(experiment)
    empty = [name for name, images in zip(classes, known[0][1].sum(axis=1), strict=True) if not images]
    if empty:
        notes.append(Note(f"No test image is labelled {listed(empty)}: grey rows."))
    if places.numbered:
        notes.append(Note(f"The classes are numbered in this order: {listed(classes)}."))
    return tuple(notes)


def _data(known: Known, classes: tuple[str, ...]) -> pd.DataFrame:
    """One row a cell: model, label, prediction, count, rate."""
    rows = []
    for entry, counts_KK in known:
        rates_KK = row_rates(counts_KK)
        for row, column in np.ndindex(*counts_KK.shape):
            cell = (classes[row], classes[column], int(counts_KK[row, column]), float(rates_KK[row, column]))
            rows.append((entry.key, *cell))
    return pd.DataFrame(rows, columns=["model", "label", "prediction", "count", "rate"])


def _alt(known: Known, classes: tuple[str, ...]) -> str:
    labels = listed([entry.label for entry, _ in known])
    return f"Confusion matrices of {labels} over the classes {listed(classes)}, darker for more of a row."
