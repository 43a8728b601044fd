"""Where each model looks: Grad-CAM or attention rollout over one face a class, and means over test images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from paper_kit.analysis.artifacts import Figure, Note
from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.figures._canvas import listed, waiting
from paper_kit.analysis.figures._map_sheet import fitting, map_sheet
from paper_kit.analysis.figures._maps import NOT_TRAINED, Content, Recorded, Target, read_maps
from paper_kit.analysis.figures._sheet import not_recorded
from paper_kit.analysis.images import NOT_AT_HAND, faces_of_test
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import Style
from paper_kit.analysis.tables._parts import number
from paper_kit.data.drawn import drawn_faces, fingerprint


def draw(
    results: Results,
    style: Style,
    *,
    width: Literal["column", "text"] = "text",
    target: Literal["predicted", "label"] = "predicted",
    classes: int = 7,
    experiment: str = "",
) -> Figure:
    """A row a class, a column a model; where test faces may not be shown, drawn faces and mean maps."""
    names = results.classes(experiment)
    if not names:
        return waiting("saliency", style, width)
    models = results.plan(experiment).experiment.model
    every = tuple(read_maps(results, model, experiment) for model in models)
    if all(model.absent for model in every):
        reasons = sorted({model.absent for model in every} - {NOT_TRAINED})
        return not_recorded("saliency", style, width, "; ".join(reasons))
    rows = tuple(enumerate(names))[:classes]
    whole = _content(results, rows, every, target, experiment)
    content = replace(whole, models=every[: fitting(style.width(width), bool(whole.drawn))])
    left_out = {"models": (len(content.models), len(every)), "classes": (len(rows), len(names))}
    drawing = map_sheet(content, names, style, width).drawing
    notes = (_methods(content), *_faces(content), _target(content), *_absent(content, left_out))
    return Figure("saliency", drawing, _data(content, names), _alt(content), notes)


def _content(
    results: Results,
    rows: tuple[tuple[int, str], ...],
    every: tuple[Recorded, ...],
    target: Target,
    experiment: str,
) -> Content:
    """The recorded test faces, the same for all models, or the drawn faces whose maps were recorded too."""
    first = next(model for model in every if not model.absent)
    ids = {label: name for label, _ in rows if (name := first.first_id(label))}
    found = faces_of_test(results, set(ids.values()), experiment)
    if not found.hidden:
        shown = {label: found.images[name] for label, name in ids.items()}
        return Content(rows, every, shown, ids, "", "", target)
    faces, drawing = _drawn(first, results.classes(experiment))
    return Content(rows, every, faces, {}, found.hidden, drawing, target)


def _drawn(model: Recorded, names: tuple[str, ...]) -> tuple[dict[int, NDArray[Any]], str]:
    """The drawn faces by class that the recorded maps belong to; none where this version draws others."""
    if "drawn_seed" not in model.arrays:
        return {}, ""
    faces = drawn_faces(names, 1, int(model.arrays["drawn_seed"]))
    drawing = fingerprint(faces)
    if drawing != model.text("drawn_fingerprint"):
        return {}, ""
    return {label: found[0] for label, found in enumerate(faces) if found}, drawing


def _data(content: Content, names: tuple[str, ...]) -> pd.DataFrame:
    """One row a place of a map: whose, of what, where, and its value as recorded."""
    rows = []
    for one in content.maps:
        predicted = names[one.predicted] if one.predicted >= 0 else ""
        what = (one.model, one.shown, names[one.label], one.id, predicted, one.images)
        rows += [(*what, *place, round(float(value), 4)) for place, value in np.ndenumerate(one.values)]
    named = ["model", "shown", "class", "id", "predicted", "images", "row", "column", "value"]
    return pd.DataFrame(rows, columns=named)


def _methods(content: Content) -> Note:
    """Which method made the maps of which models, and at which layer."""
    parts: list[str | Fact] = []
    for model in (model for model in content.models if not model.absent):
        origin = Origin(runs=(model.run,), fields=("saliency.layer",))
        layer = Fact(f"saliency.{model.model.key}.layer", model.text("layer"), "text", origin=origin)
        method = model.text("method")
        how = f"{model.model.label}: {method} {'at layer' if method == 'Grad-CAM' else 'over'} "
        parts += [*(["; "] if parts else []), how, layer]
    return Note(*parts, ". Each map goes from its own least to its own most.")


def _faces(content: Content) -> tuple[Note, ...]:
    """Why drawn faces stand there, and what the means are over; nothing where test images are shown."""
    if not content.drawn:
        return ()
    most = max((one.images for one in content.maps if one.shown == "mean"), default=0)
    images = number("saliency.images", most, "count", "saliency.labels_N")
    why = "" if content.drawn == NOT_AT_HAND else ", and a map of one face is laid over no other"
    drawn = f"Drawn faces with their own maps, because {content.drawn}{why}."
    return (Note(f"{drawn} Means are over at most ", images, " test images of a class."),)


def _target(content: Content) -> Note:
    asked = "predicted" if content.target == "predicted" else "labelled"
    told = "below a map stands the predicted class, in italics where the label is another"
    return Note(f"Grad-CAM explains the {asked} class, rollout none in particular; {told}.")


def _absent(content: Content, left_out: dict[str, tuple[int, int]]) -> tuple[Note, ...]:
    """What is not recorded, and what had no room."""
    absent = [Note(f"{model.model.label}: {model.absent}.") for model in content.models if model.absent]
    room = [
        Note(_count(what, "shown", shown), " of the ", _count(what, "all", of), f" {what} have room here.")
        for what, (shown, of) in left_out.items()
        if shown < of
    ]
    return (*absent, *room)


def _count(what: str, which: str, value: int) -> Fact:
    return number(f"saliency.{what}.{which}", value, "count", "figure.saliency")


def _alt(content: Content) -> str:
    models = listed([model.model.label for model in content.models])
    classes = listed([name for _, name in content.classes])
    faces = "drawn faces, and mean maps of test images" if content.drawn else "test faces"
    return f"Maps of where {models} look, over {faces}, of the classes {classes}."
