"""Class balance: images of each class and split as the runs used them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from paper_kit.analysis.artifacts import Figure, Note
from paper_kit.analysis.facts import Fact
from paper_kit.analysis.facts._sheet import Sheet
from paper_kit.analysis.facts._tree import slugs
from paper_kit.analysis.facts.data import SPLITS, counts_of, put_extremes
from paper_kit.analysis.figures._canvas import canvas, listed, waiting, wrapped
from paper_kit.analysis.results import Results
from paper_kit.analysis.style import Style
from paper_kit.analysis.tables._parts import data_key, number

BAR_IN = 0.085  # of one bar: three of them are as high as a name of 7 pt with its leading
NARROWEST_IN = 0.14  # of a class's band: its name at 7 pt
BANDS_IN = 6.6  # of all bands together
GAP = 0.28  # share of a class's band that is left free
SHADES = ("full", "half", "hollow")  # of the bars of the splits, which grey print tells apart
NAME_SIGNS = 22


def draw(
    results: Results,
    style: Style,
    *,
    width: Literal["column", "text"] = "column",
    scale: Literal["linear", "log"] = "linear",
    order: Literal["label", "size"] = "label",
    experiment: str = "",
) -> Figure:
    """A band a class with a bar a split; in the order of the labels or of the training images."""
    record = results.any_record(experiment)
    data = _data(counts_of(record), results.classes(experiment))
    if data.empty:
        return waiting("class_balance", style, width)
    classes = list(dict.fromkeys(data["class"]))
    if order == "size":
        classes.sort(key=lambda name: -_largest(data, name))
    splits = [split for split in SPLITS if split in set(data.split)]
    classes, hidden = classes_that_fit(data, classes)
    band_in = min(max(NARROWEST_IN, BAR_IN * len(splits) / (1 - GAP)), BANDS_IN / len(classes))
    drawing = canvas(style, width, len(classes) * band_in + 0.6)
    panel = drawing.subplots()
    _bars(panel, data, classes, splits, style)
    _axes(panel, data, classes, scale)
    drawing.legend(loc="outside upper center", ncols=len(splits), handlelength=1.2, columnspacing=1.2)
    notes = (_note(results, counts_of(record), experiment), *_empty(data), *hidden)
    alt = f"Bars of the images of each class in {listed(splits)}: {listed(classes)}."
    return Figure("class_balance", drawing, data, alt, notes)


def _data(counts: Mapping[str, Mapping[str, int]], classes: tuple[str, ...]) -> pd.DataFrame:
    """One row a class and split: images."""
    rows = [
        (name, split, int(counts[split].get(name, 0)))
        for name in classes
        for split in SPLITS
        if split in counts
    ]
    return pd.DataFrame(rows, columns=["class", "split", "images"])


def classes_that_fit(data: pd.DataFrame, classes: list[str]) -> tuple[list[str], tuple[Note, ...]]:
    """The classes, or of too many the largest in the same order, and a note on those left out."""
    most = int(BANDS_IN / NARROWEST_IN)
    if len(classes) <= most:
        return classes, ()
    kept = set(sorted(classes, key=lambda name: -_largest(data, name))[:most])
    left = number("figure.classes_left_out", len(classes) - most, "count", "record.data.counts")
    note = Note("Not shown for want of room: the ", left, " classes with the fewest training images.")
    return [name for name in classes if name in kept], (note,)


def _largest(data: pd.DataFrame, name: str) -> int:
    """Training images of a class."""
    own = data[(data["class"] == name) & (data.split == SPLITS[0])].images
    return int(own.sum())


def _bars(panel: Any, data: pd.DataFrame, classes: list[str], splits: list[str], style: Style) -> None:
    colour, high = style.look(0).colour, (1 - GAP) / len(splits)
    for place, split in enumerate(splits):
        own = data[data.split == split].set_index("class").images
        middle = np.arange(len(classes)) + (place - (len(splits) - 1) / 2) * high
        shade = SHADES[SPLITS.index(split)]
        face = {"full": colour, "half": f"{colour}66", "hollow": "white"}[shade]
        sizes = [int(own[name]) for name in classes]
        panel.barh(middle, sizes, high * 0.86, color=face, edgecolor=colour, linewidth=0.6, label=split)


def _axes(panel: Any, data: pd.DataFrame, classes: list[str], scale: str) -> None:
    panel.set_yticks(range(len(classes)), [wrapped(name, NAME_SIGNS, lines=1) for name in classes])
    panel.set_ylim(len(classes) - 0.5, -0.5)
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x")
    if scale == "log":
        known = data.images[data.images > 0]
        panel.set_xscale("log")
        panel.set_xlim(left=max(0.5, float(known.min()) / 2) if len(known) else 0.5)
        panel.xaxis.set_major_locator(LogLocator(base=10))
        panel.xaxis.set_minor_locator(NullLocator())
    else:
        panel.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10], integer=True))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    panel.set_xlabel("Images (logarithmic)" if scale == "log" else "Images")


def _note(results: Results, counts: Mapping[str, Mapping[str, int]], experiment: str) -> Note:
    """The ratio of the largest to the smallest class of the training images."""
    sheet, train = Sheet("data"), counts.get("train", {})
    steps = dict(zip(train, slugs(tuple(train)), strict=True))
    put_extremes(sheet, {name: train[name] for name in train if train[name]}, steps)

    def fact(key: str) -> Fact:
        found = sheet.facts[key]
        return Fact(
            data_key(results, key, experiment), found.value, found.kind, found.digits, origin=found.origin,
            exact=found.exact,
        )  # fmt: skip

    if sheet.facts["imbalance"].missing:
        return Note("No training images are recorded, so that no imbalance is told.")
    return Note(
        "The largest class of the training images, ", fact("largest_class"), " (", fact("largest_count"),
        "), is ", fact("imbalance"), " times as large as the smallest, ", fact("smallest_class"), " (",
        fact("smallest_count"), ").",
    )  # fmt: skip


def _empty(data: pd.DataFrame) -> tuple[Note, ...]:
    """A note on the classes without images in a split; none where all have some."""
    none = data[data.images == 0]
    told = [f"{listed(list(own['class']))} in {split}" for split, own in none.groupby("split", sort=False)]
    return (Note(f"Without images: {'; '.join(told)}."),) if told else ()
