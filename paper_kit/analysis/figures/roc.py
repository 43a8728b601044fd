"""ROC or precision-recall curves: each class against the rest, and their mean, a panel a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from paper_kit.analysis.artifacts import NOTHING, Figure, Note
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.facts._sheet import measured_origin
from paper_kit.analysis.figures._canvas import canvas, listed, pending_note, percent_axis, waiting, wrapped
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import LINES, Style
from paper_kit.analysis.tables._parts import key_of, number, seeds_note
from paper_kit.core.experiment import ModelEntry
from paper_kit.stats.metrics import Floats

Kind = Literal["roc", "pr"]
GRID = np.linspace(0, 1, 201)  # where curves of several classes and seeds are averaged
NARROWEST_IN = 1.0  # of one panel: three tick labels, and a title of two lines
MOST_LINES = 10  # classes with a line of their own
SHADE = "#BBBBBB"
AREAS = {"roc": "AUC", "pr": "AP"}
AXES = {
    "roc": ("False positive rate (%)", "True positive rate (%)"),
    "pr": ("Recall (%)", "Precision (%)"),
}


@dataclass(frozen=True)
class Curves:
    """A model's mean curve of each class on the grid (nan without a curve), and the areas under them."""

    model: ModelEntry
    values: Floats  # KG
    areas: Floats  # K
    macro: Fact

    @property
    def known(self) -> list[int]:
        """Places of the classes that have a curve."""
        return [int(place) for place in np.flatnonzero(np.isfinite(self.areas))]

    @property
    def mean(self) -> Floats:
        """The mean of the classes' curves on the grid."""
        values: Floats = self.values[self.known].mean(axis=0)
        return values


def draw(
    results: Results,
    style: Style,
    *,
    width: Literal["column", "text"] = "column",
    kind: Literal["roc", "pr"] = "roc",
    model: str = "",
    experiment: str = "",
) -> Figure:
    """A panel a model: the mean over the classes as a thick line, up to ten classes as thin ones."""
    study, classes = results.plan(experiment).experiment, results.classes(experiment)
    entries = (results.model(model, experiment),) if model else study.model
    complete = [each for each in entries if results.measured(each.key, experiment=experiment).complete]
    shown = [_curves(results, each, kind, experiment) for each in complete]
    if not shown:
        return waiting("roc", style, width)
    drawing = _drawn(shown, classes, kind, style, width)
    notes = (
        _note(shown, kind),
        seeds_note(results, experiment),
        *_absent(shown, classes),
        *pending_note(results, [each.key for each in entries], experiment),
    )
    return Figure("roc", drawing, _data(shown, classes, kind), _alt(shown, kind), notes)


def _curves(results: Results, model: ModelEntry, kind: Kind, experiment: str) -> Curves:
    """The mean curves of the seeds, and the macro average of the areas as a fact."""
    measured = results.measured(model.key, experiment=experiment)
    found = [one_against_rest(each.probabilities, each.labels, kind) for each in measured.predictions]
    areas_RK = np.array([areas for _, areas in found])
    known = np.isfinite(areas_RK[0])
    macro_R = areas_RK[:, known].mean(axis=1) if known.any() else np.array([])
    area = AREAS[kind].lower()
    fact = Fact(
        key_of(results, f"{model.key}.macro_{area}", experiment),
        float(macro_R.mean()) if len(macro_R) else None,
        "number",
        3,
        spread=float(macro_R.std(ddof=1)) if len(macro_R) > 1 else None,
        origin=measured_origin(measured, f"mean over classes of {AREAS[kind]}, each class against the rest"),
    )
    return Curves(model, np.mean([values for values, _ in found], axis=0), areas_RK.mean(axis=0), fact)


def one_against_rest(probabilities_NK: Floats, labels_N: Any, kind: Kind) -> tuple[Floats, Floats]:
    """(values_KG, areas_K) of each class against the rest: true positive rate over the false one, or
    precision over recall, on the grid; nan for a class with no image, or with all.

    AP is the sum of precisions weighed by the gain in recall, without interpolation; by scikit-learn.
    """
    from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_curve

    classes = probabilities_NK.shape[1]
    values_KG, areas_K = np.full((classes, len(GRID)), np.nan), np.full(classes, np.nan)
    for label in range(classes):
        own_N, score_N = labels_N == label, probabilities_NK[:, label]
        if own_N.all() or not own_N.any():
            continue
        if kind == "roc":
            false, true, _ = roc_curve(own_N, score_N)
            values_KG[label], areas_K[label] = np.interp(GRID, false, true), auc(false, true)
            values_KG[label, 0] = 0.0
            continue
        precision, recall, _ = precision_recall_curve(own_N, score_N)
        places = np.searchsorted(recall[::-1], GRID, side="left")  # the step that reaches each recall
        values_KG[label] = precision[::-1][np.minimum(places, len(recall) - 1)]
        areas_K[label] = average_precision_score(own_N, score_N)
    return values_KG, areas_K


def _drawn(shown: list[Curves], classes: tuple[str, ...], kind: Kind, style: Style, width: str) -> Any:
    columns = min(len(shown), max(1, int(style.width(width) / (NARROWEST_IN + 0.1))))
    columns = -(-len(shown) // -(-len(shown) // columns))  # rows of like lengths
    rows = -(-len(shown) // columns)
    side_in = min(2.2, (style.width(width) - 0.4) / max(columns, 2))
    across = 5 if width == "text" else 3
    entries = 2 + (len(classes) if len(classes) <= MOST_LINES else 1)
    legend_in = 0.15 * -(-entries // across) + 0.1
    drawing = canvas(style, width, rows * (side_in + 0.3) + legend_in + 0.3, space=0.04)
    panels = drawing.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for place, panel in enumerate(panels.flat):
        if place >= len(shown):
            panel.set_visible(False)
            continue
        _panel(panel, shown[place], classes, kind, style)
        title = f"{wrapped(shown[place].model.label, int(side_in / 0.062), lines=2)}"
        area = NOTHING if shown[place].macro.missing else shown[place].macro.bare
        panel.set_title(f"{title}\n{AREAS[kind]} {area}", pad=3, linespacing=1.0)
        panel.tick_params(labelbottom=place + columns >= len(shown))
    drawing.supxlabel(AXES[kind][0], fontsize=style.size_pt)
    drawing.supylabel(AXES[kind][1], fontsize=style.size_pt)
    handles: dict[str, Any] = {}
    for panel in panels.flat[: len(shown)]:
        found, labels = panel.get_legend_handles_labels()
        handles |= dict(zip(labels, found, strict=True))
    drawing.legend(
        list(handles.values()), list(handles), loc="outside upper center", ncols=across, handlelength=1.8,
        columnspacing=1.0,
    )  # fmt: skip
    return drawing


def _panel(panel: Any, shown: Curves, classes: tuple[str, ...], kind: Kind, style: Style) -> None:
    if kind == "roc":
        panel.plot([0, 1], [0, 1], color="#999999", linewidth=0.6, linestyle=(0, (3, 2)), label="chance")
    known_KG = shown.values[shown.known]
    if len(classes) <= MOST_LINES:
        for label in shown.known:
            line = LINES[(label + label // 8) % len(LINES)]  # colours come again after eight
            panel.plot(
                GRID, shown.values[label], color=style.look(label).colour, linestyle=line,
                linewidth=0.7, label=wrapped(classes[label], 18, lines=1),
            )  # fmt: skip
    elif len(known_KG):
        panel.fill_between(
            GRID, known_KG.min(axis=0), known_KG.max(axis=0), color=SHADE, linewidth=0,
            label="range of the classes",
        )  # fmt: skip
    if len(known_KG):
        panel.plot(GRID, shown.mean, color="black", linewidth=1.5, label="mean of the classes")
    panel.set_xlim(0, 1)
    panel.set_ylim(0, 1)
    panel.grid(visible=True)
    percent_axis(panel.xaxis, 4)
    percent_axis(panel.yaxis, 4)


def _note(shown: list[Curves], kind: Kind) -> Note:
    """What the curves are, and the macro average of each model."""
    curves = (
        "One-vs-rest ROC curves; AUC is the macro average: "
        if kind == "roc"
        else "One-vs-rest precision-recall curves; AP, the average precision without interpolation, is the "
        "macro average; chance is a class's share of the images: "
    )
    parts: list[str | Fact] = [curves]
    for place, each in enumerate(shown):
        area = "nothing to average" if each.macro.missing else each.macro
        parts += [", " if place else "", f"{each.model.label} ", area]
    return Note(*parts, ".")


def _absent(shown: list[Curves], classes: tuple[str, ...]) -> tuple[Note, ...]:
    """Notes on the classes without a curve, and on those that have no line of their own."""
    notes = []
    absent = [name for label, name in enumerate(classes) if label not in shown[0].known]
    if absent:
        notes.append(Note(f"Left out, as the test images lack them or hold nothing else: {listed(absent)}."))
    if len(classes) > MOST_LINES:
        most = number("figure.lines", MOST_LINES, "count", "figure.lines")
        notes.append(Note("With more than ", most, " classes, a band shows their range, each by its curve."))
    return tuple(notes)


def _data(shown: list[Curves], classes: tuple[str, ...], kind: Kind) -> pd.DataFrame:
    """One row a model, line and place of the grid, with the area under the line as fraction of the whole."""
    x, y = ("false_positive_rate", "true_positive_rate") if kind == "roc" else ("recall", "precision")
    frames = [
        pd.DataFrame({"model": each.model.key, "line": name, x: GRID, y: values, AREAS[kind].lower(): area})
        for each in shown
        for name, values, area in _lines(each, classes)
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _lines(shown: Curves, classes: tuple[str, ...]) -> list[tuple[str, Floats, float]]:
    """What a panel shows: (name, values_G, area) of each class or of their range's edges, and the mean."""
    if not shown.known:
        return []
    own_KG, nothing = shown.values[shown.known], float("nan")
    edges = [("lowest", own_KG.min(axis=0), nothing), ("highest", own_KG.max(axis=0), nothing)]
    single = [(classes[label], shown.values[label], float(shown.areas[label])) for label in shown.known]
    mean = ("mean", shown.mean, float(shown.areas[shown.known].mean()))
    return [*(single if len(classes) <= MOST_LINES else edges), mean]


def _alt(shown: list[Curves], kind: Kind) -> Note:
    parts: list[str | Fact] = ["ROC curves" if kind == "roc" else "Precision-recall curves"]
    for place, each in enumerate(shown):
        area = NOTHING if each.macro.missing else each.macro
        parts += ["; " if place else ": ", f"{each.model.label}, {AREAS[kind]} ", area]
    return Note(*parts, ".")
