"""Sample faces: a few training images of each class, or drawn ones where the images may not be shown."""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd
from matplotlib.figure import Figure as Drawing

from paper_kit.analysis.artifacts import Figure, Note
from paper_kit.analysis.figures._canvas import listed, waiting
from paper_kit.analysis.figures._sheet import GAP_IN, TALLEST_IN, Sheet, folded, line_in, sheet
from paper_kit.analysis.images import Faces, faces_by_class
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import Style

MOST_ACROSS = {"column": 7, "text": 14}
MOST_LINES = 5  # of a class's name
LARGEST_IN = 0.9  # a face of few classes


def draw(
    results: Results,
    style: Style,
    *,
    width: Literal["column", "text"] = "column",
    per_class: int = 3,
    seed: int = 0,
    experiment: str = "",
) -> Figure:
    """A column a class, its faces below its name, as many as a page takes; further bands for more classes."""
    classes = results.classes(experiment)
    if not classes:
        return waiting("sample_faces", style, width)
    faces = faces_by_class(results, per_class, seed, experiment)
    bands = -(-len(classes) // MOST_ACROSS[width])
    across = -(-len(classes) // bands)  # as many in each band
    counts = [(name, len(images)) for name, images in zip(classes, faces.images, strict=True)]
    notes = (Note(f"Drawn faces, because {faces.stand_in}."),) if faces.stand_in else ()
    kind = "Drawn faces" if faces.stand_in else "Faces"
    return Figure(
        "sample_faces",
        _drawn(classes, faces, per_class, across, style, width),
        pd.DataFrame(counts, columns=["class", "faces"]),
        f"{kind} of each class: {listed(classes)}.",
        notes,
    )


def _rows(per_class: int, side: float, heads: float, bands: int) -> int:
    """How many faces of each class there are below each other: as asked, or as many as a page takes."""
    return max(1, min(per_class, int(((TALLEST_IN - heads) / bands - GAP_IN) / (side + GAP_IN))))


def _drawn(
    classes: tuple[str, ...], faces: Faces, per_class: int, across: int, style: Style, width: str
) -> Drawing:
    """Bands of `across` classes, each with a head as high as its longest name."""
    pitch = style.width(width) / across
    side = min(pitch, LARGEST_IN) - GAP_IN
    names = [folded(name, pitch - 2 * GAP_IN, style.small_pt, MOST_LINES) for name in classes]
    bands = [names[start : start + across] for start in range(0, len(names), across)]
    heads = [line_in(style.small_pt, max(name.count("\n") + 1 for name in band)) + GAP_IN for band in bands]
    rows = _rows(per_class, side, sum(heads), len(bands))
    below = rows * (side + GAP_IN)
    made = sheet(style, width, sum(heads) + len(bands) * (below + GAP_IN))
    top = 0.0
    for number, (band, head) in enumerate(zip(bands, heads, strict=True)):
        for column, name in enumerate(band):
            middle = (column + 0.5) * pitch
            made.words(name, middle, top + head - GAP_IN, va="bottom")
            found = faces.images[number * across + column]
            _column(made, found, rows, (middle - side / 2, top + head, side))
        top += head + below + GAP_IN
    return made.drawing


def _column(made: Sheet, found: tuple[Any, ...], rows: int, place: tuple[float, float, float]) -> None:
    """Nothing; the faces of a class stand below each other, from (left, top), each of this side."""
    left, top, side = place
    for row in range(rows):
        y = top + row * (side + GAP_IN)
        if row < len(found):
            made.picture(found[row], left, y, side)
        else:
            made.missing("" if found or row else "no face", left, y, side)
