"""The most confident mistakes of each model, with the faces where they may be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from paper_kit.analysis.artifacts import Figure, Note
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.facts._sheet import measured_origin
from paper_kit.analysis.figures._canvas import listed, pending_note, waiting
from paper_kit.analysis.figures._sheet import (
    EMPTY,
    GAP_IN,
    GREY,
    TALLEST_IN,
    Sheet,
    cut,
    line_in,
    long_in,
    sheet,
)
from paper_kit.analysis.images import faces_of_test
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import Style
from paper_kit.analysis.tables._parts import number
from paper_kit.core.experiment import ModelEntry

MOST_MODELS = 6
TILE_IN, LARGEST_IN = 0.8, 1.0  # a face
BLOCK_IN = 2.2  # a list of mistakes, at the least
ID_IN = 0.62  # of a list, for ids at the most
LONGEST_ID = 14  # signs, of which the last are shown
COLOUR = "#0072B2"


@dataclass(frozen=True)
class Mistake:
    """One image that a model got wrong: its id, label and prediction, and how sure the model was."""

    model: ModelEntry
    id: str
    label: str
    predicted: str
    confidence: Fact


def draw(
    results: Results,
    style: Style,
    *,
    width: Literal["column", "text"] = "text",
    model: str = "",
    images: int = 7,
    experiment: str = "",
) -> Figure:
    """For each model, or one, the mistakes it was surest of: faces, or a list where none may be shown."""
    every = results.plan(experiment).experiment.model
    entries = (results.model(model, experiment),) if model else every
    found = {entry.key: _mistakes(results, entry, images, experiment) for entry in entries}
    measured = [entry for entry in entries if found[entry.key] is not None]
    if not measured:
        return waiting("mistakes", style, width)
    shown = tuple((entry, found[entry.key] or ()) for entry in measured[:MOST_MODELS])
    faces = faces_of_test(results, {one.id for _, each in shown for one in each}, experiment)
    drawing = _list(shown, style, width) if faces.hidden else _faces(shown, faces.images, style, width)
    notes = [_note(images, entries[0].label if model else "")]
    if faces.hidden:
        notes.append(Note(f"No face is shown, because {faces.hidden}."))
    if len(measured) > MOST_MODELS:
        counts = (
            number(f"mistakes.models.{n}", n, "count", "figure.mistakes")
            for n in (MOST_MODELS, len(measured))
        )
        first, of = counts
        notes.append(Note("For want of room ", first, " of the ", of, " models are shown."))
    keys = [entry.key for entry in entries]
    return Figure(
        "mistakes",
        drawing.drawing,
        _data(shown),
        _alt(shown),
        (*notes, *pending_note(results, keys, experiment)),
    )


def _mistakes(
    results: Results, entry: ModelEntry, images: int, experiment: str
) -> tuple[Mistake, ...] | None:
    """Mistakes of the base's first seed, the surest first, equal ones by id; None where it is not done."""
    measured = results.measured(entry.key, experiment=experiment)
    if not measured.predictions:
        return None
    one, names = measured.predictions[0], results.classes(experiment)
    sure_N = one.probabilities.max(1)
    wrong = np.flatnonzero(~one.right_N)
    surest = wrong[np.lexsort((one.ids[wrong], -sure_N[wrong]))][:images]
    return tuple(
        Mistake(
            entry,
            str(one.ids[place]),
            names[one.labels[place]],
            names[one.predicted_N[place]],
            Fact(
                f"mistakes.{entry.key}.{one.ids[place]}.confidence", float(sure_N[place]), "percent", 1,
                origin=measured_origin(measured, "accuracy"),
            ),
        )
        for place in surest
    )  # fmt: skip


Shown = tuple[tuple[ModelEntry, tuple[Mistake, ...]], ...]


def _faces(shown: Shown, faces: dict[str, NDArray[Any]], style: Style, width: str) -> Sheet:
    """A band a model: its name, its faces, and below each label, prediction and confidence."""
    wide, pt = style.width(width), style.small_pt
    most = max((len(each) for _, each in shown), default=1) or 1
    across = min(most, int(wide / TILE_IN))
    side = min(wide / across, LARGEST_IN) - GAP_IN
    room = TALLEST_IN / len(shown) - line_in(pt) - GAP_IN
    rows = max(1, min(-(-most // across), int(room / (side + line_in(pt, 3) + GAP_IN))))
    band = line_in(pt) + GAP_IN + rows * (side + line_in(pt, 3) + GAP_IN)
    made = sheet(style, width, band * len(shown))
    for number_, (entry, each) in enumerate(shown):
        top = number_ * band
        made.words(cut(entry.label, wide, pt), 0.0, top + GAP_IN / 2, ha="left", fontweight="bold")
        if not each:
            made.words("no mistake", wide / 2, top + band / 2, color=GREY)
        for place, one in enumerate(each[: rows * across]):
            row, column = divmod(place, across)
            left = column * (side + GAP_IN)
            y = top + line_in(pt) + GAP_IN + row * (side + line_in(pt, 3) + GAP_IN)
            made.picture(faces[one.id], left, y, side)
            told = (f"label: {one.label}", f"said: {one.predicted}", one.confidence.text)
            for line, text in enumerate(told):
                made.caption(cut(text, side, pt), left + side / 2, y + side + line_in(pt, line))
    return made


def _list(shown: Shown, style: Style, width: str) -> Sheet:
    """A block a model: a line a mistake with id, label, prediction, and a bar for the confidence."""
    wide, pt = style.width(width), style.small_pt
    across = min(len(shown), max(1, int(wide / BLOCK_IN)))
    block = wide / across
    lines = max(max(len(each) for _, each in shown), 1)
    high = line_in(pt, 2 + lines) + 3 * GAP_IN
    made = sheet(style, width, high * -(-len(shown) // across))
    for place, (entry, each) in enumerate(shown):
        row, column = divmod(place, across)
        _block(made, entry, each, (column * block, row * high, block - 3 * GAP_IN))
    return made


def _block(
    made: Sheet, entry: ModelEntry, each: tuple[Mistake, ...], place: tuple[float, float, float]
) -> None:
    """Nothing; the model's name, heads of the columns, and a line a mistake stand at (left, top, width)."""
    left, top, wide = place
    pt = made.size_pt
    bar = long_in("100.0 %", pt) + GAP_IN
    number_ = min(ID_IN, max((long_in(_short(one.id), pt) for one in each), default=0.0) + GAP_IN)
    name = (wide - number_ - 2 * bar) / 2
    columns = [left, left + number_, left + number_ + name, left + wide - 2 * bar]
    made.caption(cut(entry.label, wide, pt), left, top, ha="left", fontweight="bold")
    for text, x in zip(("image", "label", "predicted", "confidence"), columns, strict=True):
        made.caption(cut(text, wide + left - x, pt), x, top + line_in(pt), ha="left", color=GREY)
    if not each:
        made.caption("no mistake", left, top + line_in(pt, 2) + GAP_IN, ha="left", color=GREY)
    for line, one in enumerate(each, start=2):
        y = top + line_in(pt, line) + GAP_IN
        made.caption(cut(_short(one.id), number_ - GAP_IN / 2, pt), columns[0], y, ha="left")
        made.caption(cut(one.label, name - GAP_IN, pt), columns[1], y, ha="left")
        made.caption(cut(one.predicted, name - GAP_IN, pt), columns[2], y, ha="left")
        sure = float(one.confidence.value or 0.0)
        tall = line_in(pt) * 0.6
        made.box(columns[3], y + tall / 3, bar - GAP_IN, tall, EMPTY)
        made.box(columns[3], y + tall / 3, (bar - GAP_IN) * sure, tall, COLOUR)
        made.caption(one.confidence.text, left + wide, y, ha="right")


def _short(name: str) -> str:
    """The end of an id, which tells images apart."""
    return name if len(name) <= LONGEST_ID else f"…{name[1 - LONGEST_ID :]}"


def _data(shown: Shown) -> pd.DataFrame:
    rows = [
        (entry.key, one.id, one.label, one.predicted, one.confidence.value)
        for entry, each in shown
        for one in each
    ]
    return pd.DataFrame(rows, columns=["model", "id", "label", "predicted", "confidence"])


def _note(images: int, label: str) -> Note:
    count = number("mistakes.images", images, "count", "figure.mistakes")
    whose = f"of {label}" if label else "of each model"
    return Note("At most ", count, f" test images {whose} that it was surest of and got wrong; first seed.")


def _alt(shown: Shown) -> Note:
    parts: list[str | Fact] = [
        f"The most confident mistakes of {listed([entry.label for entry, _ in shown])}"
    ]
    for entry, each in shown:
        if each:
            one = each[0]
            parts += [f"; {entry.label}: {one.predicted} in place of {one.label} at ", one.confidence]
    return Note(*parts, ".")
