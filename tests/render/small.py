"""A small manuscript, and material that needs no runs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import pandas as pd
from matplotlib.figure import Figure as Drawing

from paper_kit.analysis.artifacts import Cell, Column, Figure, Table
from paper_kit.analysis.claims import Claims
from paper_kit.analysis.facts import Fact, Origin
from paper_kit.analysis.results import Results
from paper_kit.core.errors import InputError
from paper_kit.core.paper import Author, Paper
from paper_kit.render.manuscript import Manuscript, Typeset, load_manuscript, typeset
from paper_kit.render.material import Drawn, Material
from paper_kit.render.venue import load_venue

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
HOSTILE = r"50% & _weird_ #1 \input{x} ^^5c $y$ ~ {z"
PAPER = Paper(title=HOSTILE, authors=(Author(name="Ada & Łukasz", affiliation="R_D", email="a_b@c.de"),))
SECTIONS = {
    "sections/title.tex": r"\VAR{title}",
    "sections/abstract.tex": "Nothing is measured.",
    "sections/keywords.tex": "faces",
}


def fact(key: str, value: Any, kind: Any = "text", **more: Any) -> Fact:
    return Fact(key, value, kind, origin=Origin(**more))


FACTS = {
    found.key: found
    for found in (
        fact("data.name", HOSTILE),
        fact("data.train", 28709, "count"),
        fact("data.citation", "goodfellow2015challenges"),
        fact("counts.models", 3, "count"),
        fact("results.emotion_vit.accuracy", 0.7244, "percent", runs=("aaa",)),
        fact("results.resemotenet.accuracy", 0.701, "percent", runs=("bbb",)),
        fact("results.emotion_vit.change", -0.0315, "points"),
        fact("results.emotion_vit.nothing", None, "percent"),
    )
}


def table(name: str, _options: Mapping[str, Any]) -> Table:
    if name != "classes":
        raise InputError(f"There is no table named {name!r}.")
    columns = (Column("Class", "l"), Column("Recall", "r", "%"))
    rows = (
        (HOSTILE, FACTS["results.emotion_vit.accuracy"]),
        (Cell("happy", bold=True), Cell("8.25", mark="a")),
    )
    return Table("classes", columns, rows, notes=(f"About {HOSTILE}.",))


@cache
def drawn() -> Drawn:
    drawing = Drawing(figsize=(2, 1))
    drawing.subplots().plot([1, 2])
    figure = Figure("curves", drawing, pd.DataFrame({"x": [1, 2]}), alt=f"A line; {HOSTILE}")
    return Drawn.of(figure)


MATERIAL = Material(
    FACTS,
    {"model_keys": ["emotion_vit", "resemotenet"], "study_is_synthetic": False, "uses": {"tta": True}},
    table,
    lambda _name, _options: drawn(),
    Claims(lambda: cast(Results, None)),
    frozenset({"bbb"}),
)


def manuscript(text: str, **sections: str) -> Manuscript:
    """A manuscript whose main file is `text`, with the shipped venues and macros."""
    shipped = load_manuscript(TEMPLATES, PAPER)
    venues = {name: body for name, body in shipped.templates.items() if name.startswith("venues/")}
    own = {f"sections/{name}.tex": body for name, body in sections.items()}
    return Manuscript({"manuscript.tex": text, **SECTIONS, **own, **venues}, shipped.files, PAPER)


def made(text: str, **sections: str) -> Typeset:
    return typeset(manuscript(text, **sections), MATERIAL, load_venue(TEMPLATES, "ieeetran"))


def written(text: str, **sections: str) -> str:
    return made(text, **sections).tex
