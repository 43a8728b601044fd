"""Per-class gains: what each technique adds to the recall of each class, as a heat map with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from paper_kit.analysis.artifacts import NOTHING, Figure, Note
from paper_kit.analysis.facts._format import PLUS_MINUS, signed
from paper_kit.analysis.figures._canvas import canvas, listed, waiting, wrapped
from paper_kit.analysis.figures._class_gains import Gain, complete, gains_of, technique, used_by
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import Style
from paper_kit.analysis.tables._parts import number
from paper_kit.analysis.tables.ablation import noise_of
from paper_kit.stats.metrics import Floats

SIGN_IN = 0.056  # a sign at 7 pt, on the generous side
LINE_IN = 0.135  # a line of 7 pt with its leading
ROWS_IN = 6.0  # of all rows together
NAME_SIGNS = {"column": 22, "text": 34}  # of a name
BAR_IN = 0.6  # for the bar of the scale
BAR_WIDE_IN = 0.09
DARK = 0.62  # of the largest gain: cells above are printed in white
EMPTY = "#EEEEEE"
SPOKEN = 12  # gains that the text for those who cannot see it lists


@dataclass(frozen=True)
class Grid:
    """Gains by row and column: the rows' classes, the columns' ablations and what cells have room for."""

    classes: tuple[str, ...]
    shown: tuple[str, ...]  # the classes' names, shortened
    rows: tuple[int, ...]  # places of the classes that are shown
    ablations: tuple[str, ...]
    names: tuple[str, ...]  # of the techniques
    gains: dict[tuple[str, int], Gain]
    cell_in: float
    lines: int  # of text in a cell: 2 with the interval, 1 without, 0 for colour only
    row_in: float


def draw(
    results: Results,
    style: Style,
    *,
    width: Literal["column", "text"] = "column",
    model: str = "",
    experiment: str = "",
) -> Figure:
    """Rows are classes, columns techniques; of one model, or over all that use a technique."""
    study = results.plan(experiment).experiment
    entries = (results.model(model, experiment),) if model else study.model
    keys = [entry.key for entry in entries]
    used = {each.key: used_by(results, each.key, keys, experiment) for each in study.ablation}
    asked = [each for each in study.ablation if used[each.key]]
    known = [each for each in asked if complete(results, each.key, used[each.key], experiment)]
    gains = gains_of(results, known, keys, experiment)
    if not gains:
        return waiting("per_class_gains", style, width)
    names = {each.key: technique(each.label) for each in known}
    grid = _grid(results, gains, names, style, width, experiment)
    pending = [technique(each.label) for each in asked if each not in known]
    notes = (
        *_notes(results, gains, entries[0].label if model else "", experiment),
        *_room(grid),
        *((Note(f"Pending: {listed(pending)}."),) if pending else ()),
    )
    drawing = _drawn(grid, style, width)
    return Figure("per_class_gains", drawing, _data(gains, grid), _alt(gains, grid), notes)


def _grid(
    results: Results, gains: list[Gain], names: dict[str, str], style: Style, width: str, experiment: str
) -> Grid:
    """What is shown: all classes, or of too many those with the largest gains or losses."""
    classes = results.classes(experiment)
    most = int(ROWS_IN / LINE_IN)
    sizes = [max((abs(g.value) for g in gains if g.label == k), default=0.0) for k in range(len(classes))]
    rows = sorted(sorted(range(len(classes)), key=lambda k: -sizes[k])[:most])
    shown = tuple(shortened(name, NAME_SIGNS[width]) for name in classes)
    names_in = max(map(len, shown)) * SIGN_IN
    cell_in = (style.width(width) - names_in - BAR_IN) / len(names)
    texts = [part for gain in gains for part in _texts(gain, 2)]
    fits = cell_in > max(map(len, texts)) * SIGN_IN + 0.04
    lines = 0 if not fits else 2 if len(rows) * 2 * LINE_IN <= ROWS_IN else 1
    row_in = 2 * LINE_IN + 0.03 if lines == 2 else LINE_IN + 0.02
    return Grid(
        classes, shown, tuple(rows), tuple(names), tuple(names.values()),
        {(gain.ablation, gain.label): gain for gain in gains}, cell_in, lines,
        min(row_in, ROWS_IN / len(rows)),
    )  # fmt: skip


def shortened(name: str, signs: int) -> str:
    """The name, or its beginning and an ellipsis: at most so many signs."""
    return name if len(name) <= signs else f"{name[: signs - 1].rstrip()}…"


def _texts(gain: Gain, lines: int) -> list[str]:
    """The gain in points; below it half of its interval."""
    value = signed(gain.value * 100, 1, plus=True)
    low, high = gain.fact.bounds or (0.0, 0.0)
    return [value, f"{PLUS_MINUS}{signed((high - low) * 50, 1)}"][:lines]


def _drawn(grid: Grid, style: Style, width: str) -> Any:
    signs = int(grid.cell_in / SIGN_IN)
    broken = [name.replace("/", "/ ") for name in grid.names]
    level = signs >= max(map(len, " ".join(broken).split()))
    if level:
        names = [wrapped(name, signs).replace("/ ", "/") for name in broken]
    else:
        names = [shortened(name, NAME_SIGNS["column"]) for name in grid.names]
    lines = max(name.count("\n") + 1 for name in names)
    head_in = lines * LINE_IN if level else max(map(len, names)) * SIGN_IN
    drawing = canvas(style, width, max(1.2, len(grid.rows) * grid.row_in) + head_in + 0.12)
    panel = drawing.subplots()
    values = _values(grid)
    largest = max(0.01, float(np.nanmax(np.abs(values))))
    panel.set_facecolor(EMPTY)
    image = panel.imshow(values, cmap="PuOr", vmin=-largest, vmax=largest, aspect="auto")
    _cells(panel, grid, largest, style)
    panel.set_xticks(range(len(names)), names, rotation=0 if level else 90, linespacing=1.0)
    panel.set_yticks(range(len(grid.rows)), [grid.shown[k] for k in grid.rows])
    panel.tick_params(length=0, pad=2, top=True, labeltop=True, bottom=False, labelbottom=False)
    panel.spines[["left", "bottom"]].set_visible(False)
    long = len(grid.rows) * grid.row_in / BAR_WIDE_IN
    bar = drawing.colorbar(image, ax=panel, fraction=0.05, pad=0.02, aspect=max(10, long))
    bar.locator = MaxNLocator(5, steps=[1, 2, 5, 10])
    bar.formatter = FuncFormatter(lambda value, _: signed(value * 100, 0 if largest > 0.02 else 1))
    bar.update_ticks()
    bar.set_label("Gain in recall (points)", labelpad=1)
    bar.outline.set_linewidth(0.5)
    return drawing


def _values(grid: Grid) -> Floats:
    """Gains by row and column as fractions; nan where there is none."""
    missing = float("nan")
    rows = [
        [grid.gains[key, k].value if (key, k) in grid.gains else missing for key in grid.ablations]
        for k in grid.rows
    ]
    return np.array(rows, dtype=np.float64)


def _cells(panel: Any, grid: Grid, largest: float, style: Style) -> None:
    """Numbers where they fit; a frame around what is told from noise."""
    for row, label in enumerate(grid.rows):
        for column, key in enumerate(grid.ablations):
            gain = grid.gains.get((key, label))
            if gain is None:
                panel.text(column, row, NOTHING, ha="center", va="center", fontsize=style.small_pt)
                continue
            weight = "bold" if gain.told else "normal"
            panel.text(
                column, row, "\n".join(_texts(gain, grid.lines)), ha="center", va="center",
                color="white" if abs(gain.value) > DARK * largest else "black", fontsize=style.small_pt,
                fontweight=weight, linespacing=1.0,
            )  # fmt: skip
            if gain.told:
                box = Rectangle((column - 0.46, row - 0.44), 0.92, 0.88, fill=False, linewidth=1.0)
                panel.add_patch(box)


def _notes(results: Results, gains: list[Gain], model: str, experiment: str) -> tuple[Note, ...]:
    """What a cell says, and by which test a gain is told from noise."""
    claims, seeds = results.claims, len(results.plan(experiment).experiment.seeds)
    level = number("settings.interval_level", 1 - claims.alpha, "percent", "paper.alpha", digits=0)
    level_of_p = number("settings.alpha", claims.alpha, "setting", "paper.alpha")
    count = number("figure.gains", len(gains), "count", "ablation")
    told = number("figure.gains_told", sum(gain.told for gain in gains), "count", "ablation")
    who = f"of {model}" if model else "averaged over the models that use the technique"
    return (
        Note(
            f"Recall of a class with a technique less its recall without, in points, {who}; "
            f"{PLUS_MINUS} to either end of its ", level, " interval, not corrected.",
        ),
        Note(
            "Framed: told from noise, p below ", level_of_p, " after Holm's correction over the ", count,
            " gains of this figure, a family apart from the other tests of this paper; ", told, f" are. "
            f"Intervals and tests are {noise_of(seeds)}.",
        ),
    )  # fmt: skip


def _room(grid: Grid) -> tuple[Note, ...]:
    """What is not shown: numbers, intervals, classes; and what a dash means."""
    notes = []
    if grid.lines < 2:
        what = "Intervals" if grid.lines else "Numbers and intervals"
        notes.append(Note(f"{what} do not fit into the cells; the figure's data hold them."))
    if len(grid.rows) < len(grid.classes):
        left = number("figure.classes_left_out", len(grid.classes) - len(grid.rows), "count", "classes")
        notes.append(Note("Not shown for want of room: ", left, " classes with the smallest changes."))
    known = {label for _, label in grid.gains}
    absent = [grid.classes[label] for label in grid.rows if label not in known]
    if absent:
        notes.append(Note(f"A dash: no test images of {listed(absent)}."))
    return tuple(notes)


def _data(gains: list[Gain], grid: Grid) -> pd.DataFrame:
    """One row a gain: as a fraction with its interval, p before and after Holm, whether told from noise."""
    rows = [
        (
            gain.ablation, grid.classes[gain.label], gain.value, *(gain.fact.bounds or (np.nan, np.nan)),
            gain.p, gain.p_holm, gain.told,
        )
        for gain in gains
    ]  # fmt: skip
    names = ["ablation", "class", "gain", "low", "high", "p", "p_holm", "told_from_noise"]
    return pd.DataFrame(rows, columns=names)


def _alt(gains: list[Gain], grid: Grid) -> Note:
    """How many gains are told from noise, and these one by one where they are few."""
    names = dict(zip(grid.ablations, grid.names, strict=True))
    told = [gain for gain in gains if gain.told]
    parts: list[Any] = [
        "Heat map of the gains in recall by class and technique, ",
        number("figure.gains_told", len(told), "count", "ablation"), " of ",
        number("figure.gains", len(gains), "count", "ablation"), " told from noise",
    ]  # fmt: skip
    for place, gain in enumerate(told if len(told) <= SPOKEN else ()):
        parts += ["; " if place else ": ", f"{grid.classes[gain.label]}, {names[gain.ablation]} ", gain.fact]
    return Note(*parts, ".")
