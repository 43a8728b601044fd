"""Accuracy against cost: a point a model, with the interval that the number of test images leaves."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from paper_kit.analysis.artifacts import Figure, Note
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.facts import cost as cost_topic
from paper_kit.analysis.facts._format import SCALE
from paper_kit.analysis.figures._canvas import canvas, listed, percent_axis, waiting
from paper_kit.analysis.predictions import Measured
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import Style
from paper_kit.analysis.tables._parts import number
from paper_kit.stats.intervals import wilson
from paper_kit.stats.variance import CROSSED_FROM, mean_interval

NAMES = {
    "latency_p50": "Latency p50 of one image",
    "latency_tta_p50": "Latency p50 of one image with TTA",
    "macs": "MACs of one image",
    "parameters": "Parameters",
    "epoch_seconds": "Training time of one epoch",
}


def draw(
    results: Results,
    style: Style,
    *,
    width: Literal["column", "text"] = "column",
    cost: Literal["latency_p50", "latency_tta_p50", "macs", "parameters", "epoch_seconds"] = "macs",
    level: float = 0.95,
) -> Figure:
    """Base accuracy with its interval against one cost on a logarithmic axis."""
    data = _data(results, cost, level)
    if data.empty:
        return waiting("accuracy_vs_cost", style, width)
    drawing = canvas(style, width, 1.7)
    axes = drawing.subplots()
    keys = [model.key for model in results.models]
    for row in data.to_dict("records"):
        look = style.look(keys.index(str(row["model"])))
        ends = [[row["accuracy"] - row["low"]], [row["high"] - row["accuracy"]]]
        axes.errorbar(
            row["cost"], row["accuracy"], yerr=ends, color=look.colour, marker=look.marker, ms=6,
            elinewidth=1, capsize=2.5, capthick=1, ls="",
        )  # fmt: skip
    _names(axes, data, style)
    axes.set_xscale("log")
    _cost_axis(axes, data)
    percent_axis(axes.yaxis)
    unit = str(data.unit.iloc[0])
    axes.set_xlabel(f"{NAMES[cost]} ({unit})" if unit else NAMES[cost])
    axes.set_ylabel("Test accuracy (%)")
    axes.grid(axis="y")
    absent = [model.label for model in results.models if model.key not in set(data.model)]
    notes = (_note(results, data, level, cost), *((Note(f"Pending: {listed(absent)}."),) if absent else ()))
    return Figure("accuracy_vs_cost", drawing, data, _alt(data, cost, unit), notes)


def _data(results: Results, cost: str, level: float) -> pd.DataFrame:
    """One row a model whose accuracy and cost are known; cost in the printed unit, accuracy as fractions."""
    facts = cost_topic.facts(results)
    rows = []
    for model in results.models:
        measured, fact = results.measured(model.key), facts[f"{model.key}.{cost}"]
        mean = measured.mean("accuracy")
        if mean is None or not isinstance(fact.value, float):
            continue
        images = len(measured.predictions[0].labels)
        low, high = _interval(measured, level)
        shown = fact.value * SCALE.get(fact.unit, 1.0)
        rows.append((model.key, model.label, shown, fact.unit, mean, low, high, images, len(measured.seeds)))
    names = ["model", "label", "cost", "unit", "accuracy", "low", "high", "images", "seeds"]
    return pd.DataFrame(rows, columns=names)


def _interval(measured: Measured, level: float) -> tuple[float, float]:
    """Over seeds and images where there are seeds enough, else over images: Wilson's for a single seed."""
    right_RN = np.array([one.right_N for one in measured.predictions], dtype=np.float64)
    if len(right_RN) == 1:
        return wilson(int(right_RN.sum()), right_RN.shape[1], level)
    estimate = mean_interval(right_RN, level)
    return estimate.low, estimate.high


def _names(axes: Any, data: pd.DataFrame, style: Style) -> None:
    """Each name beside its point, on the side where there is room."""
    middle = (data.cost.min() * data.cost.max()) ** 0.5
    for row in data.to_dict("records"):
        right = row["cost"] <= middle
        axes.annotate(
            str(row["label"]), (row["cost"], row["accuracy"]), xytext=(6 if right else -6, 0),
            textcoords="offset points", ha="left" if right else "right", va="center", fontsize=style.small_pt,
        )  # fmt: skip


def _cost_axis(axes: Any, data: pd.DataFrame) -> None:
    """Plain numbers on a logarithmic axis, with room at both ends."""
    low, high = data.cost.min(), data.cost.max()
    room = max((high / low) ** 0.15, 1.3) if low > 0 else 1.3
    axes.set_xlim(low / room, high * room)
    wide = high / low > 30
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def _note(results: Results, data: pd.DataFrame, level: float, cost: str) -> Note:
    images = number("data.test", int(data.images.iloc[0]), "count", "record.data.counts")
    seeds = number("counts.seeds", int(data.seeds.iloc[0]), "count", "seeds")
    covered = number("figure.level", level, "percent", "figure.level", digits=0)
    single, crossed = seeds.value == 1, int(data.seeds.iloc[0]) >= CROSSED_FROM
    several = "intervals over seeds and images" if crossed else "intervals over images"
    kind = "Wilson intervals" if single else several
    means = () if single else (" and ", seeds, " seeds")
    device = cost_topic.facts(results)["device"]
    where = (" Time on ", device, ".") if "latency" in cost or "seconds" in cost else ()
    return Note(f"Bars: {kind} at ", covered, " for ", images, " test images", *means, ".", *where)


def _alt(data: pd.DataFrame, cost: str, unit: str) -> Note:
    parts: list[str | Fact] = [f"Test accuracy against {NAMES[cost].lower()}"]
    for place, row in enumerate(data.to_dict("records")):
        accuracy = Fact(f"results.{row['model']}.accuracy", float(row["accuracy"]), "percent")
        at = Fact(f"cost.{row['model']}.{cost}", f"{row['cost']:.3g} {unit}", "text")
        parts += [": " if not place else "; ", str(row["label"]), " ", accuracy, " at ", at]
    return Note(*parts, ".")
