"""The sheet of saliency maps: a row a class, the face, and the tiles of the models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps

from paper_kit.analysis.figures._maps import COLOURS, Content, Recorded, overlaid
from paper_kit.analysis.figures._sheet import GAP_IN, GREY, Sheet, cut, folded, line_in, long_in, sheet
from paper_kit.analysis.style import Style

SMALLEST_IN, LARGEST_IN = 0.42, 0.7  # a tile
LABEL_IN = 0.62  # names of the classes, at most
BETWEEN_IN = 0.12  # the maps of faces and the means
HEAD_LINES = 3  # of a model's name
BAR_IN = 1.2


@dataclass(frozen=True)
class Places:
    """Inches: the head, a tile's side, from row to row, the left of the faces and of each column."""

    head: float
    side: float
    pitch: float
    faces: float
    columns: tuple[float, ...]
    labels: float


def fitting(width_in: float, twice: bool) -> int:
    """How many models fit side by side, each with one column or with two."""
    tiles = int((width_in - LABEL_IN - BETWEEN_IN) / (SMALLEST_IN + GAP_IN)) - 1
    return max(1, tiles // 2 if twice else tiles)


def map_sheet(content: Content, names: tuple[str, ...], style: Style, width: str) -> Sheet:
    """The faces and maps with the names of models and classes; below each map what was predicted."""
    places = _places(content, style, width)
    foot = places.head + len(content.classes) * places.pitch
    made = sheet(style, width, foot + line_in(style.small_pt) + GAP_IN)
    _heads(made, content, places)
    for row, (label, name) in enumerate(content.classes):
        top = places.head + row * places.pitch
        title = folded(name, places.labels - GAP_IN, made.size_pt, 3)
        made.words(title, places.faces - GAP_IN, top + places.side / 2, ha="right", va="center")
        if label in content.faces:
            made.picture(content.faces[label], places.faces, top, places.side)
        else:
            made.missing("", places.faces, top, places.side)
        for (model, mean), left in zip(content.columns, places.columns, strict=True):
            _tile(made, content, names, (model, mean, label), (left, top, places.side))
    _bar(made, style.width(width) / 2, foot)
    return made


def _places(content: Content, style: Style, width: str) -> Places:
    wide, pt, count = style.width(width), style.small_pt, len(content.columns)
    labels = min(LABEL_IN, max(long_in(name, pt) for _, name in content.classes) + 2 * GAP_IN)
    between = BETWEEN_IN if content.drawn else 0.0
    side = min(LARGEST_IN, (wide - labels - between) / (count + 1) - GAP_IN)
    faces = (wide - labels - between - (count + 1) * (side + GAP_IN)) / 2 + labels
    titles = [folded(model.model.label, side, pt, HEAD_LINES).count("\n") + 1 for model in content.models]
    return Places(
        head=line_in(pt, max(titles) + bool(content.drawn)) + GAP_IN,
        side=side,
        pitch=side + line_in(pt) + GAP_IN,
        faces=faces,
        columns=tuple(
            faces + (n + 1) * (side + GAP_IN) + (between if mean else 0)
            for n, (_, mean) in enumerate(content.columns)
        ),
        labels=labels,
    )


def _heads(made: Sheet, content: Content, places: Places) -> None:
    """Nothing; the models' names stand above their columns, and above them what these show."""
    side, columns = places.side, places.columns
    for (model, _), left in zip(content.columns, columns, strict=True):
        title = folded(model.model.label, side, made.size_pt, HEAD_LINES)
        made.words(title, left + side / 2, places.head - GAP_IN / 2, va="bottom")
    if content.drawn:
        half = len(columns) // 2
        spans = (places.faces, columns[half - 1]), (columns[half], columns[-1])
        for text, (first, last) in zip(("Drawn faces", "Means of test images"), spans, strict=True):
            title = cut(text, last + side - first, made.size_pt)
            made.words(title, (first + last + side) / 2, GAP_IN / 2, color=GREY)


def _tile(
    made: Sheet,
    content: Content,
    names: tuple[str, ...],
    what: tuple[Recorded, bool, int],
    place: tuple[float, float, float],
) -> None:
    """Nothing; a map stands at its place, with the class that was predicted below."""
    model, mean, label = what
    left, top, side = place
    found = content.found(model, label, mean)
    if found is None:
        made.missing("not recorded" if model.absent else "", *place)
        return
    made.picture(overlaid(found.values, model.covers, None if mean else content.faces[label]), *place)
    if not mean:
        name = cut(names[found.predicted], side, made.size_pt)
        right = {"color": "black", "style": "normal"}
        look = right if found.predicted == label else {"color": GREY, "style": "italic"}
        made.caption(name, left + side / 2, top + side, **look)


def _bar(made: Sheet, middle: float, top: float) -> None:
    """Nothing; the colours from the least to the most, with words."""
    height = line_in(made.size_pt) * 0.7
    colours = np.asarray(colormaps[COLOURS](np.linspace(0, 1, 64)))[None, :, :3]
    left, right = middle - BAR_IN / 2, middle + BAR_IN / 2
    extent = (left, right, top + height, top)
    made.axes.imshow(colours, extent=extent, interpolation="none", aspect="auto")
    made.words("least", left - GAP_IN, top + height / 2, ha="right", va="center")
    made.words("most", right + GAP_IN, top + height / 2, ha="left", va="center")
