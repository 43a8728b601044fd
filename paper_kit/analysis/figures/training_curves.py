"""Training curves of the base runs: loss and accuracy by epoch, training thin, validation bold."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from paper_kit.analysis.artifacts import Figure, Note
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.figures._canvas import canvas, pending_note, percent_axis, waiting
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import Look, Style
from paper_kit.analysis.tables._parts import number
from paper_kit.core.experiment import ModelEntry

PARTS = ("train", "validation")
MEASURES = ("loss", "accuracy")


def draw(
    results: Results,
    style: Style,
    *,
    width: Literal["column", "text"] = "column",
    training: bool = True,
    experiment: str = "",
) -> Figure:
    """Loss above accuracy (beside it at text width) of each base; a band from least to most over seeds."""
    models = results.plan(experiment).experiment.model
    data = _data(results, models, experiment)
    if data.empty:
        return waiting("training_curves", style, width)
    drawing = canvas(style, width, 2.6 if width == "column" else 2.2)
    shape = (2, 1) if width == "column" else (1, 2)
    panels = drawing.subplots(*shape, sharex=True)
    for panel, measure in zip(panels, MEASURES, strict=True):
        for place, model in enumerate(models):
            for part in PARTS if training else PARTS[1:]:
                _curve(panel, data[data.model == model.key], f"{part}_{measure}", style.look(place))
        panel.set_ylabel("Loss" if measure == "loss" else "Accuracy (%)")
        panel.grid(axis="y")
        panel.margins(x=0.02)
    percent_axis(panels[1].yaxis)
    _selected(panels[1], results, data, models, style, experiment)
    for panel in panels[-1:] if width == "column" else panels:
        panel.set_xlabel("Epoch")
        panel.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    shown = [(m, style.look(place)) for place, m in enumerate(models) if (data.model == m.key).any()]
    _legend(drawing, shown, training, most=3 if width == "column" else 6)
    keys = [model.key for model in models]
    notes = (*_notes(results, experiment, training), *pending_note(results, keys, experiment))
    return Figure("training_curves", drawing, data, _alt(data, models), notes)


def _data(results: Results, models: tuple[ModelEntry, ...], experiment: str) -> pd.DataFrame:
    """One row an epoch of each finished base run."""
    frames = []
    for model in models:
        for row in results.cells(model.key, experiment=experiment):
            history = results.history(row.reading.run.id) if results.done(row.reading.run) else pd.DataFrame()
            if not history.empty:
                frames.append(history.assign(model=model.key, seed=row.seed))
    if not frames:
        return pd.DataFrame()
    columns = ["model", "seed", "epoch", *(f"{part}_{measure}" for part in PARTS for measure in MEASURES)]
    return pd.concat(frames, ignore_index=True).reindex(columns=columns)


def _curve(panel: Any, data: pd.DataFrame, column: str, look: Look) -> None:
    """The mean over seeds, as a line; its range as a band where several seeds reach the epoch."""
    if data.empty or not data[column].notna().any():
        return
    by_epoch = data.groupby("epoch")[column].agg(["mean", "min", "max"])
    epochs = by_epoch.index.to_numpy()
    if column.startswith("train"):
        panel.plot(epochs, by_epoch["mean"], color=look.colour, ls=look.line, lw=0.6, alpha=0.6)
        return
    panel.plot(epochs, by_epoch["mean"], color=look.colour, ls=look.line, lw=1.3)
    if data.seed.nunique() > 1:
        panel.fill_between(epochs, by_epoch["min"], by_epoch["max"], color=look.colour, alpha=0.18, lw=0)


def _selected(
    panel: Any,
    results: Results,
    data: pd.DataFrame,
    models: tuple[ModelEntry, ...],
    style: Style,
    experiment: str,
) -> None:
    """A marker on each validation curve at the selected epoch, rounded to a whole one over seeds."""
    for place, model in enumerate(models):
        records = results.records(model.key, experiment=experiment)
        own = data[data.model == model.key]
        if not records or own.empty:
            continue
        epoch = round(float(np.mean([record.selected_epoch for record in records])))
        value = own[own.epoch == epoch].validation_accuracy.mean()
        look = style.look(place)
        panel.plot([epoch], [value], color=look.colour, marker=look.marker, mec="white", mew=0.5, ms=5, ls="")


def _legend(drawing: Any, shown: list[tuple[ModelEntry, Look]], training: bool, most: int) -> None:
    """A line a model, and in the row below the thin line of training and the bold one of validation."""
    models = [
        Line2D([], [], color=l.colour, ls=l.line, marker=l.marker, mec="white", mew=0.5, label=model.label)
        for model, l in shown
    ]
    parts = [
        Line2D([], [], color="#555555", lw=w, label=p) for w, p in ((0.6, "training"), (1.3, "validation"))
    ]
    handles = [*models, *(parts if training else [])]
    columns = min(max(len(models), 2), most)
    if training and len(models) in (2, 3) and columns == len(models):  # legends fill columns, not rows
        handles = [each for pair in zip_longest(models, parts) for each in pair if each is not None]
    drawing.legend(handles=handles, loc="outside upper center", ncols=columns)


def _notes(results: Results, experiment: str, training: bool) -> tuple[Note, ...]:
    seeds = len(results.plan(experiment).experiment.seeds)
    count = number("counts.seeds", seeds, "count", "seeds")
    over = ("Lines are means over ", count, " seeds, bands their range. ") if seeds > 1 else ()
    mixed = any(results.spec(m.key, experiment=experiment).mixing.probability > 0 for m in results.models)
    told = " Training accuracy is that on mixed images." if training and mixed and not experiment else ""
    return (Note(*over, f"A marker stands at the selected epoch.{told}"),)


def _alt(data: pd.DataFrame, models: tuple[ModelEntry, ...]) -> Note:
    parts: list[str | Fact] = ["Loss and accuracy by epoch. Validation accuracy at the end"]
    for model in models:
        own = data[data.model == model.key]
        if not own.empty:
            last = own[own.epoch == own.epoch.max()].validation_accuracy.mean()
            end = Fact(f"history.{model.key}.validation_accuracy", float(last), "percent")
            parts += [": " if len(parts) == 1 else ", ", model.label, " ", end]
    return Note(*parts, ".")
