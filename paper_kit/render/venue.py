"""Venue: a conference's or journal's page as data: class, widths, fonts, limits."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from paper_kit.analysis.style import Style
from paper_kit.core.config import Frozen, read_toml, validate
from paper_kit.core.errors import InputError, did_you_mean
from paper_kit.render.narrow import SIGN_PT, Line
from paper_kit.render.widths import measured

CLASS_FILES = {
    ".cls",
    ".sty",
    ".bst",
    ".clo",
    ".cfg",
    ".def",
    ".fd",
    ".ldf",
}  # in a venue's folder; copied beside paper.tex
SHARED = "shared"  # the folder in templates/venues/ with the parts that a venue need not have of its own

Inches = Annotated[float, Field(ge=0, lt=30)]
AuthorFormat = Literal["plain", "ieee", "ieee_journal", "acm", "llncs", "elsarticle"]
Counts = Literal["all", "before_references", "before_appendix"]


class Blind(Frozen):
    """What differs for reviewers, each in place of the venue's own; what is not given stays."""

    class_options: tuple[str, ...] | None = None
    style_options: tuple[str, ...] | None = None
    commands: str | None = None


class Venue(Frozen):
    r"""What venue.toml says; `name` is for people, `key` the folder's name.

    `documentclass`, `style` and `bibliography_style` name files of the TeX system or beside venue.toml
    ("Definitions/mdpi" for one in a folder); `commands` is TeX for the end of the preamble.
    `column_in` and `text_in` are \columnwidth and \textwidth; figures are drawn at these widths in `font`
    at `font_size_pt`. Where they are left out they are measured. `sign_pt` is the width of a sign of the
    text's font at 6.5 pt, by which a table is known to be too wide for the page (Computer Modern's is 3.8,
    Times' 3.2). `page_limit` (0: none) is of the pages that `limit_counts` names; the provenance appendix
    and a supplement never count. `supplement` says whether the appendices are a file of their own;
    `author_format` is a file of templates/venues/shared/.
    """

    key: str
    name: str
    documentclass: str
    class_options: tuple[str, ...] = ()
    style: str = ""
    style_options: tuple[str, ...] = ()
    commands: str = ""
    author_format: AuthorFormat = "plain"
    columns: Literal[1, 2] = 1
    column_in: Inches = 0
    text_in: Inches = 0
    font: Literal["serif", "sans"] = "serif"
    font_family: tuple[str, ...] = ()
    font_size_pt: Annotated[float, Field(ge=6, le=14)] = 8.0
    sign_pt: Annotated[float, Field(gt=1, lt=10)] = SIGN_PT
    bibliography_style: str = "plain"
    page_limit: Annotated[int, Field(ge=0)] = 0
    limit_counts: Counts = "all"
    supplement: bool = False
    blind: Blind = Blind()

    @field_validator("documentclass", "style", "bibliography_style")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        bad = sorted(set(value) & set("\\{}%$#^~ ,"))
        if bad or value.startswith("/") or ".." in value:
            raise ValueError("give the file's name without its ending, such as 'Definitions/mdpi'")
        return value.removesuffix(".cls").removesuffix(".sty").removesuffix(".bst")

    @model_validator(mode="after")
    def _widths_fit(self) -> Self:
        if bool(self.column_in) != bool(self.text_in):
            raise ValueError("give both column_in and text_in, or neither: then they are measured")
        if self.column_in > self.text_in:
            raise ValueError(
                f"column_in ({self.column_in}) is wider than text_in ({self.text_in}); swap them"
            )
        return self

    def figure_style(self) -> Style:
        """How figures look in this venue."""
        return Style(self.column_in, self.text_in, self.font, self.font_family, self.font_size_pt)

    @property
    def line(self) -> Line:
        """The line of a table across the page."""
        return Line(self.text_in, self.column_in, self.sign_pt)

    def for_reviewers(self) -> Venue:
        """The venue as [blind] changes it."""
        given = {key: value for key, value in self.blind if value is not None}
        return self.model_copy(update=given)


def venues(templates: Path) -> list[str]:
    """Names of the venues in templates/venues/."""
    return sorted(path.parent.name for path in (templates / "venues").glob("*/venue.toml"))


def known_venue(templates: Path, name: str) -> None:
    """Nothing; InputError lists the known venues where there is none of that name."""
    known, folder = venues(templates), templates / "venues"
    if name not in known:
        fresh = name if name.replace("_", "").replace("-", "").isalnum() else "my_venue"
        raise InputError(
            f"There is no venue {name!r} in {folder}.{did_you_mean(name, known)} To add one, make the "
            f"folder {folder / fresh}/ with the class or style file and a venue.toml: {_EXAMPLE}"
        )


def load_venue(templates: Path, name: str) -> Venue:
    """The checked venue of that name, its widths measured where its file leaves them out.

    InputError lists the known ones, or everything wrong with its file, or what TeX says of its class.
    """
    known_venue(templates, name)
    folder = templates / "venues" / name
    path = folder / "venue.toml"
    value = read_toml(path)
    if "key" in value:
        raise InputError(f"{path}: the key 'key' is the folder's name; remove it.")
    venue = validate(Venue, {**value, "key": name}, str(path))
    _files_are_there(folder, venue, path)
    return venue if venue.column_in else _measured(templates, folder, venue)


_EXAMPLE = (
    'name = "NeurIPS", documentclass = "article", style = "neurips_2026", style_options = ["final"], '
    'bibliography_style = "plainnat".'
)


def _files_are_there(folder: Path, venue: Venue, path: Path) -> None:
    """InputError where a class, style or bibliography style lies beside venue.toml under nearly this name."""
    problems = []
    for key, value, ending in (
        ("documentclass", venue.documentclass, ".cls"),
        ("style", venue.style, ".sty"),
        ("bibliography_style", venue.bibliography_style, ".bst"),
    ):
        beside = sorted(
            found.relative_to(folder).with_suffix("").as_posix() for found in folder.rglob(f"*{ending}")
        )
        meant = [name for name in beside if Path(name).name == Path(value).name or name.endswith(f"/{value}")]
        if value and value not in beside and (meant or "/" in value):
            told = did_you_mean(value, beside) if not meant else f" Type {key} = {meant[0]!r}."
            problems.append(f"{path}: {key} = {value!r}: there is no {value}{ending} in {folder}.{told}")
    if problems:
        raise InputError(problems)


def _measured(templates: Path, folder: Path, venue: Venue) -> Venue:
    """The venue with the widths that TeX gives its class and style."""
    if (folder / "preamble.tex").is_file():
        raise InputError(
            f"{folder / 'venue.toml'}: with a preamble.tex of its own it needs column_in and text_in "
            r"(in inches): print \the\columnwidth and \the\textwidth in a document of it; 72.27pt are one."
        )
    column, text = measured(folder, head(venue), templates.parent / "paper" / "build" / ".widths.json")
    return venue.model_copy(update={"column_in": min(column, text), "text_in": text})


def head(venue: Venue) -> str:
    r"""The lines \documentclass and \usepackage of the venue's style, and its commands."""
    lines = [rf"\documentclass[{','.join(venue.class_options)}]{{{venue.documentclass}}}"]
    if venue.style:
        lines.append(rf"\usepackage[{','.join(venue.style_options)}]{{{venue.style}}}")
    return "\n".join([*lines, venue.commands])


def belongs(name: str, venue: Venue) -> bool:
    """Whether a file of templates/ is for this venue: another venue's class files are not."""
    path = PurePosixPath(name)
    return path.parts[0] != "venues" or path.parts[1] == venue.key


def inside_class(name: str) -> bool:
    """Whether a file of templates/ lies in a folder of a venue's class (Definitions/): no template."""
    path = PurePosixPath(name)
    return len(path.parts) > 3 and path.parts[0] == "venues" and path.parts[1] != SHARED


def place_in_build(name: str, venue: Venue) -> str:
    """Where a file of templates/ goes: the venue's beside paper.tex, in their folders, others as they are."""
    path = PurePosixPath(name)
    return str(PurePosixPath(*path.parts[2:])) if path.parts[:2] == ("venues", venue.key) else name
