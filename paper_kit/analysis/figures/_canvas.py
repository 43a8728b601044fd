"""What several figures share: a sized drawing, names that wrap, axes in percent, a drawing that waits."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure as Drawing
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import TextPath
from matplotlib.ticker import FuncFormatter, MaxNLocator

from paper_kit.analysis.artifacts import Figure, Note
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import Style

WAITING = "no finished run yet"


def canvas(
    style: Style, width: str, height_in: float, *, pad_in: float = 0.02, space: float = 0.03
) -> Drawing:
    """An empty drawing at the venue's width, laid out so that nothing overlaps."""
    layout = ConstrainedLayoutEngine(w_pad=pad_in, h_pad=pad_in, wspace=space, hspace=space)
    return Drawing(figsize=(style.width(width), height_in), layout=layout)


def waiting(name: str, style: Style, width: str) -> Figure:
    """A figure that says there is nothing to draw yet."""
    drawing = canvas(style, width, 1.0)
    drawing.text(0.5, 0.5, WAITING, ha="center", va="center", color="#777777")
    return Figure(
        name, drawing, pd.DataFrame(), f"Nothing to draw: {WAITING}.", (Note(f"Pending: {WAITING}."),)
    )


def wrapped(name: str, signs: int, lines: int = 3) -> str:
    """A name broken into lines of at most this many signs; what does not fit ends in an ellipsis."""
    broken = " ".join(_parted(word, signs) for word in name.split(" "))
    found = textwrap.wrap(broken, signs, break_long_words=True) or [name]
    return "\n".join(
        found if len(found) <= lines else [*found[: lines - 1], f"{found[lines - 1][: signs - 1]}…"]
    )


def _parted(word: str, signs: int) -> str:
    """A word of at most that many signs as it is; a longer one parted before capitals: AdvancedEmote Net."""
    inside = [found.start() for found in re.finditer(r"(?<=[a-z\d])(?=[A-Z])", word)]
    last = max((place for place in inside if place <= signs), default=0)
    return f"{word[:last]} {_parted(word[last:], signs)}" if len(word) > signs and last else word


def percent_axis(axis: Any, most: int = 5) -> None:
    """Nothing; an axis of fractions is labelled in percent."""
    axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:g}"))


def pending_note(results: Results, models: Sequence[str], experiment: str = "") -> tuple[Note, ...]:
    """One note that names the models whose base is not finished; none where all are."""
    waiting_for = [
        model.label
        for model in results.plan(experiment).experiment.model
        if model.key in models and not results.measured(model.key, experiment=experiment).complete
    ]
    return (Note(f"Pending: {', '.join(waiting_for)}."),) if waiting_for else ()


def listed(values: Sequence[str]) -> str:
    """a, b and c."""
    return f"{', '.join(values[:-1])} and {values[-1]}" if len(values) > 1 else "".join(values)


SIGN_IN = 0.05  # a sign of a name at 7 pt, on the generous side
LINE_IN = 0.14  # a line of a legend


def legend_shape(style: Style, width: str, names: Sequence[str]) -> tuple[int, float]:
    """Columns and inches of height of a legend of these names, wrapped already, below or above a drawing."""
    longest = max((len(line) for name in names for line in name.split("\n")), default=1)
    columns = max(1, min(len(names), int(style.width(width) / (longest * SIGN_IN + 0.35))))
    rows = -(-len(names) // columns)
    columns = -(-len(names) // rows)  # as even as they come
    lines = max((name.count("\n") + 1 for name in names), default=1)
    return columns, rows * lines * LINE_IN + 0.08


def text_in(text: str, size_pt: float) -> float:
    """Inches that the longest line of the text takes in the style's font."""
    lines = (TextPath((0, 0), line, size=size_pt).get_extents().x1 for line in text.split("\n") if line)
    return max(lines, default=0.0) / 72
