"""Reliability: accuracy against confidence in bins, as trained and with one temperature."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from paper_kit.analysis.artifacts import Figure, Note
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.facts._calibration import put_calibration, softened
from paper_kit.analysis.facts._sheet import Sheet
from paper_kit.analysis.figures._canvas import canvas, listed, pending_note, percent_axis, waiting, wrapped
from paper_kit.analysis.predictions import Measured
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import Style
from paper_kit.analysis.tables._parts import key_of, metric_fact, number
from paper_kit.core.experiment import ModelEntry
from paper_kit.stats.calibration import BINS
from paper_kit.stats.intervals import wilson
from paper_kit.stats.metrics import Floats

NARROWEST_IN = 1.0  # of one panel: three tick labels, and a title of three words
NAMED = {"as_trained": "as trained", "temperature": "temperature scaled"}
KINDS = {"width": "of equal width", "mass": "of equally many images"}
BARS = "#BDBDBD"
SCALED = "#777777"


@dataclass(frozen=True)
class Shown:
    """A model with its errors before and after scaling, its temperature, its bins and its confidences."""

    model: ModelEntry
    before: Fact
    after: Fact
    temperature: Fact
    bins: pd.DataFrame
    confidence: Floats


def draw(
    results: Results,
    style: Style,
    *,
    width: Literal["column", "text"] = "column",
    model: str = "",
    binning: Literal["width", "mass"] = "width",
    bins: int = 15,
    level: float = 0.95,
    experiment: str = "",
) -> Figure:
    """A panel a model: accuracy of each bin with Wilson's interval, and below how many images it holds."""
    study = results.plan(experiment).experiment
    entries = (results.model(model, experiment),) if model else study.model
    complete = [each for each in entries if results.measured(each.key, experiment=experiment).complete]
    shown = [_shown(results, each, binning, max(1, bins), level, experiment) for each in complete]
    if not shown:
        return waiting("reliability", style, width)
    columns = min(len(shown), max(1, int(style.width(width) / (NARROWEST_IN + 0.1))))
    columns = -(-len(shown) // -(-len(shown) // columns))  # rows of like lengths
    drawing = _drawn(shown, columns, style, width)
    data = pd.concat([each.bins.assign(model=each.model.key) for each in shown], ignore_index=True)
    notes = (
        *_notes(results, shown, binning, max(1, bins), level, experiment),
        *pending_note(results, [each.key for each in entries], experiment),
    )
    names = listed([each.model.label for each in shown])
    alt = f"Reliability diagrams of {names}: accuracy against confidence, as trained and temperature scaled."
    return Figure("reliability", drawing, data[["model", *data.columns[:-1]]], alt, notes)


def _shown(
    results: Results, model: ModelEntry, binning: str, bins: int, level: float, experiment: str
) -> Shown:
    measured, sheet = results.measured(model.key, experiment=experiment), Sheet("results")
    put_calibration(sheet, results, model.key, measured)
    scaled = [softened(results, measured, place)[1] for place in range(len(measured.seeds))]
    trained = [one.probabilities for one in measured.predictions]
    frames = [
        binned(measured, probabilities, binning, bins, level).assign(probabilities=name)
        for name, probabilities in zip(NAMED, (trained, scaled), strict=True)
    ]
    after, temperature = (
        replace(sheet.facts[key], key=key_of(results, key, experiment))
        for key in (f"{model.key}.ece_calibrated", f"{model.key}.temperature")
    )
    before = replace(metric_fact(results, model.key, "ece", experiment), spread=None)
    confidence = np.concatenate([each.max(axis=1) for each in trained])
    return Shown(model, before, after, temperature, pd.concat(frames, ignore_index=True), confidence)


def binned(
    measured: Measured, probabilities: list[Floats], binning: str, bins: int, level: float
) -> pd.DataFrame:
    """One row a bin that holds images: its confidence and accuracy as fractions, with Wilson's interval.

    Seeds are put together; the interval counts an image once, however many networks read it.
    """
    seeds = len(probabilities)
    confidence = np.concatenate([each.max(axis=1) for each in probabilities])
    right = np.concatenate(
        [
            each.argmax(axis=1) == one.labels
            for each, one in zip(probabilities, measured.predictions, strict=True)
        ]
    )
    edges = edges_of(confidence, binning, bins)
    below = np.searchsorted(edges, confidence, side="left") - 1  # bins are open to the left, as in ECE
    places = np.clip(below, 0, len(edges) - 2)
    rows = []
    for place in np.unique(places):
        own = places == place
        images, accuracy = own.sum() / seeds, float(right[own].mean())
        low, high = wilson(accuracy * images, images, level)
        ends = (float(edges[place]), float(edges[place + 1]))
        rows.append((*ends, float(own.mean()), float(confidence[own].mean()), accuracy, low, high))
    return pd.DataFrame(rows, columns=["from", "to", "share", "confidence", "accuracy", "low", "high"])


def edges_of(confidence: Floats, binning: str, bins: int) -> Floats:
    """The bins' edges from 0 to 1: evenly spaced, or quantiles of the confidences, each once."""
    if binning == "width":
        return np.arange(bins + 1) / bins
    inner = np.quantile(confidence, np.arange(1, bins) / bins) if bins > 1 else np.array([])
    edges: Floats = np.unique(np.concatenate([[0.0], inner, [1.0]]))
    return edges


def _drawn(shown: list[Shown], columns: int, style: Style, width: str) -> Any:
    """Panels of accuracy, each above its histogram."""
    rows = -(-len(shown) // columns)
    side_in = min(1.7, (style.width(width) - 0.4) / max(columns, 2))
    drawing = canvas(style, width, rows * (1.3 * side_in + 0.4) + 0.4, space=0.04)
    ratios = [part for _ in range(rows) for part in (1.0, 0.33)]
    panels = drawing.subplots(
        2 * rows, columns, squeeze=False, sharex=True, sharey="row", gridspec_kw={"height_ratios": ratios}
    )
    for place in range(rows * columns):
        row, column = divmod(place, columns)
        upper, lower = panels[2 * row, column], panels[2 * row + 1, column]
        if place >= len(shown):
            upper.set_visible(False)
            lower.set_visible(False)
            continue
        _curves(upper, shown[place], style)
        _histogram(lower, shown[place])
        upper.set_title(_title(shown[place], int(side_in / 0.062)), pad=3, linespacing=1.0)
        lower.tick_params(labelbottom=place + columns >= len(shown))
        if not column:
            upper.set_ylabel("Accuracy (%)")
            lower.set_ylabel("Images\n(%)", linespacing=1.0, labelpad=2)
    drawing.align_ylabels()
    drawing.supxlabel("Confidence (%)", fontsize=style.size_pt)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside upper center", ncols=3, handlelength=1.6, columnspacing=1.0)
    return drawing


def _title(shown: Shown, signs: int) -> str:
    return f"{wrapped(shown.model.label, signs, lines=2)}\nECE {shown.before.bare} → {shown.after.bare} %"


def _curves(panel: Any, shown: Shown, style: Style) -> None:
    look = style.look(0)
    panel.plot([0, 1], [0, 1], color="#999999", linewidth=0.6, linestyle=(0, (3, 2)), label="calibrated")
    for name, label in NAMED.items():
        own = shown.bins[shown.bins.probabilities == name]
        ends = [own.accuracy - own.low, own.high - own.accuracy]
        if name == "as_trained":
            panel.errorbar(
                own.confidence, own.accuracy, yerr=ends, color=look.colour, marker=look.marker, ms=2.8,
                linewidth=0.8, elinewidth=0.7, label=label, clip_on=False,
            )  # fmt: skip
            continue
        panel.plot(
            own.confidence, own.accuracy, color=SCALED, marker="s", mfc="white", mew=0.6, ms=2.6,
            linewidth=0.6, label=label, zorder=1.5,
        )  # fmt: skip
    panel.set_xlim(0, 1)
    panel.set_ylim(0, 1)
    percent_axis(panel.yaxis, 4)
    panel.tick_params(labelbottom=False)
    panel.grid(visible=True)


def _histogram(panel: Any, shown: Shown) -> None:
    edges = np.arange(BINS + 1) / BINS
    weights = np.full(len(shown.confidence), 1 / len(shown.confidence))
    panel.hist(shown.confidence, edges, weights=weights, color=BARS, edgecolor="white", linewidth=0.4)
    panel.margins(y=0.25)  # so that no tick stands at the top, below the panel above
    panel.set_ylim(bottom=0)
    percent_axis(panel.xaxis, 4)
    percent_axis(panel.yaxis, 2)


def _notes(
    results: Results, shown: list[Shown], binning: str, bins: int, level: float, experiment: str
) -> tuple[Note, ...]:
    """How the bins are made, what the bars are, and each model's temperature."""
    count = number("figure.bins", bins, "count", "figure.bins")
    covered = number("figure.level", level, "percent", "figure.level", digits=0)
    ece = number("figure.ece_bins", BINS, "count", "paper_kit.stats.calibration.BINS")
    seeds = len(results.plan(experiment).experiment.seeds)
    together = " An image counts once for all seeds." if seeds > 1 else ""
    made = Note(
        "Marks: ", count, f" bins {KINDS[binning]}, empty ones left out; bars: Wilson intervals at ", covered,
        f".{together} Histograms: confidences as trained. ECE, before and after scaling, is over ", ece,
        " bins of equal width.",
    )  # fmt: skip
    parts: list[str | Fact] = ["Temperatures, fitted on validation images only: "]
    for place, each in enumerate(shown):
        parts += [", " if place else "", f"{each.model.label} ", each.temperature]
    return made, Note(*parts, ".")
