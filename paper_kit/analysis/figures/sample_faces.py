"""Sample faces: a few training images of each class, or drawn ones where the images may not be shown."""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd

from paper_kit.analysis.artifacts import Figure, Note
from paper_kit.analysis.figures._canvas import canvas, listed, waiting, wrapped
from paper_kit.analysis.images import faces_by_class
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import Style

MOST_ACROSS = {"column": 7, "text": 14}


def draw(
    results: Results,
    style: Style,
    *,
    width: Literal["column", "text"] = "column",
    per_class: int = 3,
    seed: int = 0,
    experiment: str = "",
) -> Figure:
    """A column a class, `per_class` faces below its name; classes that do not fit go to a second band."""
    classes = results.classes(experiment)
    if not classes:
        return waiting("sample_faces", style, width)
    faces = faces_by_class(results, per_class, seed, experiment)
    across = min(len(classes), MOST_ACROSS[width])
    bands = -(-len(classes) // across)
    side_in = style.width(width) / across
    names = [wrapped(name, max(6, int(side_in / 0.052)), lines=5) for name in classes]
    header_in = 0.13 * max(name.count("\n") + 1 for name in names) + 0.05
    drawing = canvas(style, width, bands * (per_class * side_in + header_in), pad_in=0.008, space=0)
    panels = drawing.subplots(bands * per_class, across, squeeze=False)
    for panel in panels.flat:
        panel.set_axis_off()
    for place, name in enumerate(names):
        band, column = divmod(place, across)
        panels[band * per_class, column].set_title(name, fontsize=style.small_pt, pad=2)
        for row, image in enumerate(faces.images[place]):
            _face(panels[band * per_class + row, column], image)
    counts = [(name, len(images)) for name, images in zip(classes, faces.images, strict=True)]
    notes = (Note(f"Drawn faces, because {faces.stand_in}."),) if faces.stand_in else ()
    kind = "Drawn faces" if faces.stand_in else "Faces"
    alt = f"{kind} of each class: {listed(classes)}."
    return Figure("sample_faces", drawing, pd.DataFrame(counts, columns=["class", "faces"]), alt, notes)


def _face(panel: Any, image: Any) -> None:
    if image.ndim == 2:
        panel.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    else:
        panel.imshow(image, interpolation="nearest")
