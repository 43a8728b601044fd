"""Accuracy against cost: a point a model with its interval, a panel a cost, and the Pareto front."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from paper_kit.analysis.artifacts import Figure, Note
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.facts import cost as cost_topic
from paper_kit.analysis.facts._format import SCALE
from paper_kit.analysis.figures._canvas import canvas, legend_shape, listed, percent_axis, waiting, wrapped
from paper_kit.analysis.figures._place import place_names
from paper_kit.analysis.predictions import Measured
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import Look, Style
from paper_kit.analysis.tables._parts import number
from paper_kit.core.errors import InputError, did_you_mean
from paper_kit.stats.intervals import wilson
from paper_kit.stats.variance import CROSSED_FROM, mean_interval

NAMES = {
    "macs": "MACs of one image",
    "flops": "FLOPs of one image",
    "parameters": "Parameters",
    "latency_p50": "Latency of one image",
    "latency_tta_p50": "Latency of one image with TTA",
    "epoch_seconds": "Training time of one epoch",
}
UPPER = {"latency_p50": "latency_p95", "latency_tta_p50": "latency_tta_p95"}  # where bars of a time end
FRONT = "#8A8A8A"
NAMED = 4  # models whose names may stand beside their points; more, or crowded ones, go to a legend


def draw(
    results: Results,
    style: Style,
    *,
    width: Literal["column", "text"] = "column",
    cost: str | tuple[str, ...] = "macs",
    front: bool = True,
    level: float = 0.95,
) -> Figure:
    """Base accuracy with its interval against one cost or several, on logarithmic axes."""
    costs = (cost,) if isinstance(cost, str) else tuple(cost)
    if unknown := [name for name in costs if name not in NAMES]:
        raise InputError(
            [f"figure accuracy_vs_cost: no cost {name!r}.{did_you_mean(name, NAMES)}" for name in unknown]
        )
    data = pd.concat([_data(results, name, level) for name in costs], ignore_index=True)
    if data.empty:
        return waiting("accuracy_vs_cost", style, width)
    drawing = _drawn(data, results, style, width, front)
    absent = [model.label for model in results.models if model.key not in set(data.model)]
    pending = (Note(f"Pending: {listed(absent)}."),) if absent else ()
    told = (_front_note(data),) if front and data.model.nunique() > 1 else ()
    notes = (_note(results, data, level), *told, *pending)
    return Figure("accuracy_vs_cost", drawing, data, _alt(data), notes)


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
        upper = facts[f"{model.key}.{UPPER.get(cost, cost)}"].value
        most = float(upper) * SCALE.get(fact.unit, 1.0) if isinstance(upper, float) else shown
        names = (model.key, model.label, cost)
        rows.append((*names, shown, most, fact.unit, mean, low, high, images, len(measured.seeds)))
    columns = [
        "model",
        "label",
        "of",
        "cost",
        "cost_p95",
        "unit",
        "accuracy",
        "low",
        "high",
        "images",
        "seeds",
    ]
    data = pd.DataFrame(rows, columns=columns)
    return data.assign(front=[_undominated(row, data) for row in _rows(data)])


def _rows(data: pd.DataFrame) -> list[Any]:
    """The rows, each with its columns by name."""
    return list(data.itertuples())


def _undominated(row: Any, data: pd.DataFrame) -> bool:
    """Whether no other point is at least as good in both and not the same in both."""
    reached = data[(data.cost <= row.cost) & (data.accuracy >= row.accuracy)]
    return not ((reached.cost < row.cost) | (reached.accuracy > row.accuracy)).any()


def _interval(measured: Measured, level: float) -> tuple[float, float]:
    """Over seeds and images where there are seeds enough, else over images: Wilson's for a single seed."""
    right_RN = np.array([one.right_N for one in measured.predictions], dtype=np.float64)
    if len(right_RN) == 1:
        return wilson(int(right_RN.sum()), right_RN.shape[1], level)
    estimate = mean_interval(right_RN, level)
    return estimate.low, estimate.high


def _drawn(data: pd.DataFrame, results: Results, style: Style, width: str, front: bool) -> Any:
    """The panels, in rows as the width asks; names beside the points where all fit, else below."""
    costs = list(dict.fromkeys(data.of))
    looks = {model.key: style.look(place) for place, model in enumerate(results.models)}
    labels = {row.model: wrapped(row.label, 26) for row in _rows(data)}
    across = min(len(costs), 1 if width == "column" else 3)
    rows = -(-len(costs) // across)
    beside = len(costs) == 1 and len(labels) <= NAMED
    columns, legend_in = legend_shape(style, width, tuple(labels.values()))
    for named in (True, False) if beside else (False,):
        drawing = canvas(style, width, rows * (1.7 if across < 3 else 1.9) + (0 if named else legend_in))
        panels = drawing.subplots(rows, across, squeeze=False, sharey=True)
        for place, panel in enumerate(panels.flat):
            if place < len(costs):
                _panel(panel, data[data.of == costs[place]], looks, front)
            else:
                panel.axis("off")
        for panel in panels[:, 0]:
            panel.set_ylabel("Test accuracy (%)")
        if named and _named(panels[0, 0], data, labels, style, front):
            break
        if not named:
            handles = [_handle(looks[key], label) for key, label in labels.items()]
            drawing.legend(handles=handles, loc="outside lower center", ncols=columns, handletextpad=0.1)
    return drawing


def _named(panel: Any, data: pd.DataFrame, labels: dict[str, str], style: Style, front: bool) -> bool:
    """Whether the names found room beside the points."""
    points = [(labels[row.model], row.cost, row.accuracy) for row in _rows(data)]
    lines = [(row.cost, row.low, row.cost, row.high) for row in _rows(data)]
    lines += [(row.cost, row.accuracy, row.cost_p95, row.accuracy) for row in _rows(data)]
    edge = _rows(data[data.front].sort_values("cost")) if front else []
    for one, other in pairwise(edge):
        lines.append((one.cost, one.accuracy, other.cost, one.accuracy))
        lines.append((other.cost, one.accuracy, other.cost, other.accuracy))
    return place_names(panel, points, lines, style.small_pt)


def _handle(look: Look, label: str) -> Line2D:
    return Line2D([], [], ls="", color=look.colour, marker=look.marker, ms=5, mew=0, label=label)


def _panel(axes: Any, data: pd.DataFrame, looks: dict[str, Look], front: bool) -> None:
    for row in _rows(data):
        look = looks[row.model]
        ends = [[row.accuracy - row.low], [row.high - row.accuracy]]
        beside = max(row.cost_p95 - row.cost, 0.0)
        axes.errorbar(
            row.cost, row.accuracy, yerr=ends, xerr=[[0], [beside]] if beside else None, color=look.colour,
            elinewidth=0.8, capsize=2, capthick=0.8, ls="", zorder=2,
        )  # fmt: skip
        axes.plot([row.cost], [row.accuracy], color=look.colour, marker=look.marker, ms=5, mew=0, ls="")
    edge = data[data.front].sort_values("cost")
    if front and len(data) > 1:
        axes.plot(edge.cost, edge.accuracy, color=FRONT, lw=0.8, ls="-", drawstyle="steps-post", zorder=1)
    axes.set_xscale("log")
    _cost_axis(axes, data)
    percent_axis(axes.yaxis)
    unit = str(data.unit.iloc[0])
    name = NAMES[str(data.of.iloc[0])]
    axes.set_xlabel(f"{name} ({unit})" if unit else name)
    axes.grid(axis="y")


def _cost_axis(axes: Any, data: pd.DataFrame) -> None:
    """Plain numbers on a logarithmic axis, with room at both ends."""
    low, high = data.cost.min(), data.cost_p95.max()
    room = max((high / low) ** 0.15, 1.3) if low > 0 else 1.3
    axes.set_xlim(low / room, high * room)
    ratio = high / low if low > 0 else 1.0
    subs = (1.0,) if ratio > 30 else (1.0, 2.0, 5.0) if ratio > 6 else (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
    axes.xaxis.set_major_locator(LogLocator(base=10, subs=subs))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def _note(results: Results, data: pd.DataFrame, level: float) -> Note:
    images = number("data.test", int(data.images.iloc[0]), "count", "record.data.counts")
    seeds = number("counts.seeds", int(data.seeds.iloc[0]), "count", "seeds")
    covered = number("figure.level", level, "percent", "figure.level", digits=0)
    single, crossed = seeds.value == 1, int(data.seeds.iloc[0]) >= CROSSED_FROM
    several = "intervals over seeds and images" if crossed else "intervals over images"
    kind = "Wilson intervals" if single else several
    means = () if single else (" and ", seeds, " seeds")
    costs = set(data.of)
    timed = bool(costs & {*UPPER, "epoch_seconds"})
    where = (" Time on ", cost_topic.facts(results)["device"], ".") if timed else ()
    ends = number("figure.latency", 0.95, "percent", "cost.latency_p95", digits=0)
    half = " Latency is the median; its bars end where ", ends, " of the repetitions are done."
    beside = half if costs & set(UPPER) else ()
    return Note(f"Bars: {kind} at ", covered, " for ", images, " test images", *means, ".", *beside, *where)


def _front_note(data: pd.DataFrame) -> Note:
    """Which points the line joins, by construction and untested."""
    parts: list[str | Fact] = ["Line: the Pareto front of the point estimates, untested; "]
    for place, (cost, own) in enumerate(data.groupby("of", sort=False)):
        edge = own[own.front].sort_values("cost")
        items = tuple(Fact(f"names.{row.model}", row.label, "text") for row in _rows(edge))
        parts += ["; " if place else "", f"by {_short(str(cost))}: "]
        parts.append(Fact(f"figure.front.{cost}", listed([str(item) for item in items]), "list", items=items))
    return Note(*parts, ".")


def _short(cost: str) -> str:
    name = NAMES[cost]
    return name if name[1].isupper() else name[0].lower() + name[1:]


def _alt(data: pd.DataFrame) -> Note:
    parts: list[str | Fact] = []
    for cost, own in data.groupby("of", sort=False):
        parts.append(f"{' ' if parts else ''}Test accuracy against {_short(str(cost))}")
        for place, row in enumerate(own.to_dict("records")):
            accuracy = Fact(f"results.{row['model']}.accuracy", float(row["accuracy"]), "percent")
            at = Fact(f"cost.{row['model']}.{cost}", f"{row['cost']:.3g} {row['unit']}".strip(), "text")
            parts += [": " if not place else "; ", str(row["label"]), " ", accuracy, " at ", at]
        parts.append(".")
    return Note(*parts)
