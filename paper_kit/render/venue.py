"""Venue: a conference's or journal's page as data: class, widths, fonts, limits."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import Field

from paper_kit.analysis.style import Style
from paper_kit.core.config import Frozen, read_toml, validate
from paper_kit.core.errors import InputError, did_you_mean

CLASS_FILES = {".cls", ".sty", ".bst", ".clo", ".cfg"}  # in a venue's folder; copied beside paper.tex

Inches = Annotated[float, Field(gt=0, lt=30)]


class Venue(Frozen):
    r"""What venue.toml says; `name` is for people, `key` the folder's name.

    `column_in` and `text_in` are \columnwidth and \textwidth; figures are drawn at these widths in `font`
    at `font_size_pt`. `page_limit` counts the pages before the provenance appendix; 0: none.
    `supplement`: appendices go to a PDF of their own where paper.toml does not say otherwise.
    """

    key: str
    name: str
    documentclass: str
    class_options: tuple[str, ...] = ()
    columns: Literal[1, 2] = 1
    column_in: Inches
    text_in: Inches
    font: Literal["serif", "sans"] = "serif"
    font_family: tuple[str, ...] = ()
    font_size_pt: Annotated[float, Field(ge=6, le=14)] = 8.0
    bibliography_style: str = "plain"
    page_limit: Annotated[int, Field(ge=0)] = 0
    supplement: bool = False

    def style(self) -> Style:
        """How figures look in this venue."""
        return Style(self.column_in, self.text_in, self.font, self.font_family, self.font_size_pt)


def venues(templates: Path) -> list[str]:
    """Names of the venues in templates/venues/."""
    return sorted(path.parent.name for path in (templates / "venues").glob("*/venue.toml"))


def load_venue(templates: Path, name: str) -> Venue:
    """The checked venue of that name; InputError lists the known ones, or everything wrong with its file."""
    known = venues(templates)
    if name not in known:
        folder = templates / "venues"
        raise InputError(
            f"There is no venue {name!r} in {folder}.{did_you_mean(name, known)} To add one, make "
            f"{folder / name}/ with venue.toml, preamble.tex and frontmatter.tex."
        )
    path = templates / "venues" / name / "venue.toml"
    value = read_toml(path)
    if "key" in value:
        raise InputError(f"{path}: the key 'key' is the folder's name; remove it.")
    return validate(Venue, {**value, "key": name}, str(path))


def belongs(name: str, venue: Venue) -> bool:
    """Whether a file of templates/ is for this venue: another venue's class files are not."""
    path = PurePosixPath(name)
    return path.parts[0] != "venues" or path.parts[1] == venue.key


def place_in_build(name: str, venue: Venue) -> str:
    """Where a file of templates/ goes: class files of the venue beside paper.tex, others as they are."""
    path = PurePosixPath(name)
    return path.name if path.parts[:2] == ("venues", venue.key) and path.suffix in CLASS_FILES else name
