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
from paper_kit.analysis.figures._canvas import (
    canvas,
    legend_shape,
    listed,
    pending_note,
    percent_axis,
    waiting,
    wrapped,
)
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import Look, Style
from paper_kit.analysis.tables._parts import number
from paper_kit.core.experiment import ModelEntry

PARTS = ("train", "validation")
MEASURES = ("loss", "accuracy")
NAMES = {"loss": "Loss", "accuracy": "Accuracy (%)"}
CURVES = tuple(f"{part}_{measure}" for part in PARTS for measure in MEASURES)
TOGETHER = 4  # models that can be told apart in one panel; more get a pair of panels each
PAIR_IN = 1.32  # height of such a pair
STEP = 0.035  # height of a tick that says more of a model is trained from here, of the panel's

Models = tuple[ModelEntry, ...]


def draw(
    results: Results,
    style: Style,
    *,
    width: Literal["column", "text"] = "column",
    training: bool = True,
    experiment: str = "",
) -> Figure:
    """Loss and accuracy of each base, a band from least to most over seeds; many models apart."""
    models = results.plan(experiment).experiment.model
    data = _data(results, models, experiment)
    if data.empty:
        return waiting("training_curves", style, width)
    shown = tuple(model for model in models if (data.model == model.key).any())
    parts = PARTS if training else PARTS[1:]
    if len(shown) > TOGETHER:
        drawing = _apart(data, shown, parts, style, width)
    else:
        looks = [(model, style.look(models.index(model))) for model in shown]
        drawing = _together(data, looks, parts, style, width)
    keys = [model.key for model in models]
    notes = (
        *_notes(results, data, experiment, training),
        *_lost(data, shown),
        *pending_note(results, keys, experiment),
    )
    return Figure("training_curves", drawing, data, _alt(data, shown), notes)


def _data(results: Results, models: Models, experiment: str) -> pd.DataFrame:
    """One row an epoch of each finished base run; `selected` says which epoch is the result's."""
    frames = []
    for model in models:
        for row in results.cells(model.key, experiment=experiment):
            run = row.reading.run
            history = results.history(run.id) if results.done(run) else pd.DataFrame()
            if not history.empty:
                selected = history.epoch == results.record(run.id).selected_epoch
                frames.append(history.assign(model=model.key, seed=row.seed, selected=selected))
    if not frames:
        return pd.DataFrame()
    columns = ["model", "seed", "epoch", *CURVES, "trainable_parameters", "selected"]
    data = pd.concat(frames, ignore_index=True).reindex(columns=columns)
    return data.astype(dict.fromkeys(CURVES, float))


def _together(
    data: pd.DataFrame, looks: list[tuple[ModelEntry, Look]], parts: tuple[str, ...], style: Style, width: str
) -> Any:
    """All models in a panel for loss and one for accuracy, above or beside it."""
    drawing = canvas(style, width, 2.75 if width == "column" else 2.2)
    panels = drawing.subplots(*((2, 1) if width == "column" else (1, 2)), sharex=True)
    for panel, measure in zip(panels, MEASURES, strict=True):
        for place, (model, look) in enumerate(looks):
            _curves(panel, data[data.model == model.key], measure, parts, look, place)
        panel.set_ylabel(NAMES[measure])
        _axes(panel, measure, most=8)
    for panel in panels[-1:] if width == "column" else panels:
        panel.set_xlabel("Epoch")
    handles = [_handle(look, wrapped(model.label, 26)) for model, look in looks]
    most, _ = legend_shape(style, width, [str(handle.get_label()) for handle in handles])
    keys = _keys(parts, "#555555")
    columns = max(2, most)
    if keys and len(handles) in (2, 3) and columns == len(handles):  # legends fill columns, not rows
        handles = [each for pair in zip_longest(handles, keys) for each in pair if each is not None]
        keys = []
    drawing.legend(handles=[*handles, *keys], loc="outside upper center", ncols=columns)
    return drawing


def _apart(data: pd.DataFrame, models: Models, parts: tuple[str, ...], style: Style, width: str) -> Any:
    """A pair of panels a model, loss above accuracy, all in one scale."""
    across = min(len(models), 2 if width == "column" else 4)
    rows = -(-len(models) // across)
    drawing = canvas(style, width, rows * PAIR_IN + 0.4, space=0.02)
    panels = drawing.subplots(2 * rows, across, squeeze=False, sharex=True, sharey=False)
    for place in range(rows * across):
        row, column = divmod(place, across)
        for panel, measure in zip(panels[2 * row : 2 * row + 2, column], MEASURES, strict=True):
            if place >= len(models):
                panel.axis("off")
                continue
            own = data[data.model == models[place].key]
            _curves(panel, own, measure, parts, style.look(0), 0)
            _axes(panel, measure, most=4)
            if column:
                panel.tick_params(labelleft=False)
    for kind in range(len(MEASURES)):
        _one_scale([panel for panel in panels[kind::2].flat if panel.axison])
    for place, model in enumerate(models):
        row, column = divmod(place, across)
        panels[2 * row, column].set_title(wrapped(model.label, 24, 1), pad=2, fontsize=style.small_pt)
        if place + across >= len(models):  # the lowest of its column
            panels[2 * row + 1, column].tick_params(labelbottom=True)
            panels[2 * row + 1, column].set_xlabel("Epoch", fontsize=style.small_pt)
    for panel, measure in zip(panels[:, 0], MEASURES * rows, strict=True):
        panel.set_ylabel(NAMES[measure].replace(" (", "\n("), fontsize=style.small_pt)
    drawing.align_ylabels(panels[:, 0])
    drawing.legend(handles=_keys(parts, style.look(0).colour), loc="outside upper center", ncols=2)
    return drawing


def _one_scale(panels: list[Any]) -> None:
    ends = np.array([panel.get_ylim() for panel in panels])
    for panel in panels:
        panel.set_ylim(ends[:, 0].min(), ends[:, 1].max())


def _axes(panel: Any, measure: str, most: int) -> None:
    panel.grid(axis="y")
    panel.margins(x=0.02)
    panel.xaxis.set_major_locator(MaxNLocator(most, integer=True))
    panel.yaxis.set_major_locator(MaxNLocator(most // 2 + 1))
    if measure == "accuracy":
        percent_axis(panel.yaxis, most // 2 + 1)


def _curves(
    panel: Any, data: pd.DataFrame, measure: str, parts: tuple[str, ...], look: Look, place: int
) -> None:
    """A model's lines with their band, its selected epoch, and ticks where more of it is trained."""
    for part in parts:
        by_epoch = data.groupby("epoch")[f"{part}_{measure}"].agg(["mean", "min", "max"])
        thin = part == "train"
        panel.plot(
            by_epoch.index, by_epoch["mean"], color=look.colour, ls=look.line,
            lw=0.6 if thin else 1.3, alpha=0.75 if thin else 1,
        )  # fmt: skip
        if data.seed.nunique() > 1:
            faint = 0.1 if thin else 0.2
            panel.fill_between(
                by_epoch.index, by_epoch["min"], by_epoch["max"], color=look.colour, alpha=faint, lw=0
            )
    epoch = round(float(data.epoch[data.selected].mean())) if data.selected.any() else -1
    value = data[data.epoch == epoch][f"validation_{measure}"].mean()
    if np.isfinite(value):
        panel.plot([epoch], [value], color=look.colour, marker=look.marker, mec="white", mew=0.5, ms=5, ls="")
    for step in unfreezing(data):
        foot = 0.01 + place * STEP * 1.3
        panel.axvline(step, foot, foot + STEP, color=look.colour, lw=1.2)


def unfreezing(data: pd.DataFrame) -> list[int]:
    """Epochs from which more parameters of the model are trained than before, in any of its runs."""
    steps: set[int] = set()
    for _, run in data.groupby("seed"):
        ordered = run.sort_values("epoch")
        grown = ordered.trainable_parameters.diff() > 0
        steps |= {int(epoch) for epoch in ordered.epoch[grown]}
    return sorted(steps)


def _handle(look: Look, label: str) -> Line2D:
    return Line2D(
        [], [], color=look.colour, ls=look.line, marker=look.marker, mec="white", mew=0.5, label=label
    )


def _keys(parts: tuple[str, ...], colour: str) -> list[Line2D]:
    """What a thin and a bold line mean; nothing where there is one kind only."""
    if len(parts) < 2:
        return []
    return [Line2D([], [], color=colour, lw=w, label=p) for w, p in ((0.6, "training"), (1.3, "validation"))]


def _notes(results: Results, data: pd.DataFrame, experiment: str, training: bool) -> tuple[Note, ...]:
    models = results.plan(experiment).experiment.model
    seeds = len(results.plan(experiment).experiment.seeds)
    count = number("counts.seeds", seeds, "count", "seeds")
    over = ("Lines are means over ", count, " seeds, bands their range. ") if seeds > 1 else ()
    ends = data.groupby(["model", "seed"]).epoch.max().groupby("model").nunique()
    early = "Where a seed stopped early, the line is over those left. " if (ends > 1).any() else ""
    steps = any(unfreezing(data[data.model == model.key]) for model in models)
    ticks = " Ticks at the foot: from this epoch more layers are trained." if steps else ""
    mixed = any(results.spec(m.key, experiment=experiment).mixing.probability > 0 for m in models)
    told = " Training accuracy is that on mixed images." if training and mixed else ""
    losses = [results.spec(model.key, experiment=experiment).loss for model in models]
    if training and (mixed or any(loss.gamma > 0 or loss.smoothing > 0 for loss in losses)):
        told += " Training loss is the recipe's, validation loss plain cross entropy: their levels differ."
    marked = "A marker stands at the selected epoch" + (", rounded over seeds." if seeds > 1 else ".")
    return (Note(*over, f"{early}{marked}{ticks}{told}"),)


def _lost(data: pd.DataFrame, models: Models) -> tuple[Note, ...]:
    """How many values are not finite, where some are."""
    values = data[list(CURVES)].to_numpy()
    lost = int((~np.isfinite(values)).sum())
    if not lost:
        return ()
    rows = data[(~np.isfinite(values)).any(axis=1)]
    names = listed([model.label for model in models if (rows.model == model.key).any()])
    count = number("figure.not_finite", lost, "count", "history")
    of = number("figure.values", values.size, "count", "history")
    return (Note(count, " of ", of, f" values are not finite numbers and left out: {names}."),)


def _alt(data: pd.DataFrame, models: Models) -> Note:
    parts: list[str | Fact] = ["Loss and accuracy by epoch. Validation accuracy at the end"]
    for model in models:
        own = data[data.model == model.key].dropna(subset=["validation_accuracy"])
        if not own.empty:
            last = own[own.epoch == own.epoch.max()].validation_accuracy.mean()
            end = Fact(f"history.{model.key}.validation_accuracy", float(last), "percent")
            parts += [": " if len(parts) == 1 else ", ", model.label, " ", end]
    return Note(*parts, ".")
