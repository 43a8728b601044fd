"""What augmentation does to a face: each step in its order, mixup and CutMix with their label weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
from matplotlib.figure import Figure as Drawing
from numpy.typing import NDArray

from paper_kit.analysis.artifacts import Figure, Note
from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.figures._canvas import listed, waiting
from paper_kit.analysis.figures._maps import NOT_RECORDED
from paper_kit.analysis.figures._sheet import GAP_IN, cut, line_in, not_recorded, sheet
from paper_kit.analysis.images import recorded
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import Style
from paper_kit.core.store import GALLERY

SMALLEST_IN, LARGEST_IN = 0.68, 0.8  # a tile: "+ 0.33 surprise" fits
TITLES = {"mixup": "mixup", "cutmix": "CutMix", "randaugment": "RandAugment"}

Words = tuple[str | Fact, ...]
Settings = dict[str, Any]  # name of a step -> its probability and parameters
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Tile:
    """A picture with the lines above and below it; `group` is what it shows: steps, mixup or cutmix."""

    group: str
    name: str
    picture: NDArray[Any]
    above: Words
    below: Words = ()


def draw(
    results: Results,
    style: Style,
    *,
    width: Literal["column", "text"] = "text",
    model: str = "",
    experiment: str = "",
) -> Figure:
    """Rows of drawn faces as the run's own transforms leave them; of the first model that recorded them."""
    entries = results.plan(experiment).experiment.model
    chosen = (results.model(model, experiment),) if model else entries
    done = [run for entry in chosen if results.done(run := results.spec(entry.key, experiment=experiment))]
    if not done:
        return waiting("augmentation", style, width)
    held = [(run.id, found) for run in done if (found := recorded(results, run.id, GALLERY))]
    if not held:
        return not_recorded("augmentation", style, width, NOT_RECORDED)
    run_id, arrays = held[0]
    origin = Origin(runs=(run_id,), fields=("record.transforms",))
    settings = {step["name"]: step for step in json.loads(str(arrays["settings"]))}
    across = int(style.width(width) / SMALLEST_IN)
    steps = [_steps(arrays, face, settings, origin) for face in range(len(arrays["faces_R"]))]
    strips = (*steps[: len(steps) if len(steps[0]) <= across else 1], _mixed(arrays, origin))
    rows = [strip[at : at + across] for strip in strips for at in range(0, len(strip), across)]
    return Figure(
        "augmentation",
        _drawn(rows, across, style, width),
        _data(rows),
        _alt(rows),
        _notes(arrays, settings, origin),
    )


def _steps(arrays: Arrays, face: int, settings: Settings, origin: Origin) -> list[Tile]:
    """One face after each step, with the probability that training takes it."""
    tiles = []
    for place, name in enumerate(arrays["steps_S"].tolist()):
        chance: Words = ("\np = ", _probability(settings, name, origin)) if name in settings else ()
        above = (
            (TITLES.get(name, name), *chance) if face == 0 else ()
        )  # the faces below follow the same steps
        tiles.append(Tile("steps", name, arrays["steps_RSHW"][face, place], above))
    return tiles


def _mixed(arrays: Arrays, origin: Origin) -> list[Tile]:
    """The two faces that are mixed, then their mixtures with the weights of the label."""
    if not len(arrays["mixed_MHW"]):
        return []
    classes = arrays["classes_K"].tolist()
    names = arrays["pair_2"].tolist()
    tiles = [
        Tile("pair", name, picture, ("",), (name,))
        for name, picture in zip(names, arrays["pair_2HW"], strict=True)
    ]
    mixtures = zip(arrays["mixed_MHW"], arrays["weights_MK"], arrays["mixed_M"].tolist(), strict=True)
    for picture, weights_K, kind in mixtures:
        first, second = (_weight(kind, name, float(weights_K[classes.index(name)]), origin) for name in names)
        below = (first, f" {names[0]}", "\n+ ", second, f" {names[1]}")
        tiles.append(Tile(kind, TITLES[kind], picture, (TITLES[kind],), below))
    return tiles


def _weight(kind: str, name: str, value: float, origin: Origin) -> Fact:
    return Fact(f"gallery.{kind}.{name}", value, "number", 2, origin=origin)


def _probability(settings: Settings, name: str, origin: Origin) -> Fact:
    """How often training takes the step."""
    return Fact(f"gallery.{name}.p", float(settings[name]["probability"]), "setting", origin=origin)


def _drawn(rows: list[list[Tile]], across: int, style: Style, width: str) -> Drawing:
    pt = style.small_pt
    most = max(len(row) for row in rows)
    side = min(LARGEST_IN, style.width(width) / min(across, most) - GAP_IN)
    heads = [line_in(pt, max(_lines(tile.above) for tile in row)) for row in rows]
    feet = [line_in(pt, max(_lines(tile.below) for tile in row)) for row in rows]
    high = sum(heads) + sum(feet) + len(rows) * (side + 2 * GAP_IN)
    made = sheet(style, width, high)
    start = (style.width(width) - most * (side + GAP_IN)) / 2
    top = 0.0
    for row, head, foot in zip(rows, heads, feet, strict=True):
        for place, tile in enumerate(row):
            left = start + place * (side + GAP_IN)
            middle = left + side / 2
            for line, text in enumerate(_text(tile.above).split("\n")):
                made.caption(cut(text, side + GAP_IN, pt), middle, top + line_in(pt, line))
            made.picture(tile.picture, left, top + head + GAP_IN / 2, side)
            for line, text in enumerate(_text(tile.below).split("\n")):
                made.caption(
                    cut(text, side + GAP_IN, pt), middle, top + head + side + GAP_IN / 2 + line_in(pt, line)
                )
        top += head + foot + side + 2 * GAP_IN
    return made.drawing


def _text(parts: Words) -> str:
    return "".join(str(part) for part in parts)


def _lines(parts: Words) -> int:
    text = _text(parts)
    return text.count("\n") + 1 if text else 0


def _data(rows: list[list[Tile]]) -> pd.DataFrame:
    """One row a picture: what it shows, its step or kind, and the words at it."""
    lines = [
        (tile.group, tile.name, _text(tile.above).replace("\n", " "), _text(tile.below).replace("\n", " "))
        for row in rows
        for tile in row
    ]
    return pd.DataFrame(lines, columns=["shows", "name", "above", "below"])


def _alt(rows: list[list[Tile]]) -> Note:
    steps = dict.fromkeys(tile.name for row in rows for tile in row if tile.group == "steps")
    parts: list[str | Fact] = [f"Drawn faces after the steps of augmentation: {listed(list(steps))}"]
    for tile in (tile for row in rows for tile in row if tile.group in ("mixup", "cutmix")):
        parts += [f"; {tile.name}: ", *tile.below]
    unbroken = [part.replace("\n", " ") if isinstance(part, str) else part for part in parts]
    return Note(*unbroken, ".")


def _notes(arrays: Arrays, settings: Settings, origin: Origin) -> tuple[Note, ...]:
    notes = []
    if len(arrays["steps_S"]) > 1:
        told = "each step is done for certain, on top of those before it; training does it with probability p"
        notes.append(Note(f"Drawn faces, made by the run's own transforms: {told}."))
    kinds = [kind for kind in ("mixup", "cutmix") if kind in settings]
    for kind in kinds:
        chance = _probability(settings, kind, origin)
        alpha = Fact(f"gallery.{kind}.alpha", settings[kind]["parameters"]["alpha"], "setting", origin=origin)
        notes.append(
            Note(
                f"{TITLES[kind][0].upper()}{TITLES[kind][1:]} mixes a batch with probability ",
                chance,
                ", and λ from Beta(",
                alpha,
                ", ",
                alpha,
                ").",
            )
        )
    if kinds:
        ends = [
            Fact(f"gallery.visible.{n}", float(v), "setting", origin=origin)
            for n, v in enumerate(arrays["visible_2"])
        ]
        notes.append(
            Note("Shown are draws of λ from ", ends[0], " to ", ends[1], ", where both faces can be seen.")
        )
    return tuple(notes)
