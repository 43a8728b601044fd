"""A study's paper as an HTML page or a Word document, with the numbers of its PDF."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import shorten
from typing import Literal

from paper_kit.core.files import write_bytes
from paper_kit.core.status import Fingerprint, not_at_hand
from paper_kit.render.build import build_paper
from paper_kit.render.exports.web_numbers import Numbers, read_numbers
from paper_kit.render.exports.web_pictures import pictures
from paper_kit.render.exports.web_tex import FRONT, pictured, source
from paper_kit.render.exports.web_tree import need_pandoc
from paper_kit.render.folder import page_files
from paper_kit.render.manuscript import Manuscript, Typeset
from paper_kit.render.reading import read_inputs
from paper_kit.render.report import BuildReport
from paper_kit.render.request import Request
from paper_kit.render.venue import Venue

Kind = Literal["html", "docx"]
LONGEST = 240  # signs of an origin that a pointer shows


@dataclass(frozen=True)
class Webbed:
    """The file that was written, and the report on the PDF whose numbers it has."""

    file: Path
    report: BuildReport


def export_web(
    request: Request,
    root: Path,
    kind: Kind,
    to: Path | None = None,
    fingerprint: Fingerprint = not_at_hand,
    say: Callable[[str], None] = lambda _told: None,
) -> Webbed:
    """The paper as `kind`, at `to` or beside its PDF, which is built first where it is not there.

    InputError where pandoc is missing or cannot read the paper, and for all that stops the PDF.
    """
    need_pandoc()
    report = build_paper(request, root, fingerprint, say)
    say(f"Writing {kind.upper()}")
    inputs = read_inputs(request, root, fingerprint)
    made = replace(inputs, manuscript=with_front(inputs.manuscript, inputs.venue)).typeset(request.edition)
    data = written(made, inputs.manuscript, inputs.venue, read_numbers(report.folder), kind)
    place = to or report.folder / f"paper.{kind}"
    write_bytes(place, data)
    return Webbed(place, report)


def with_front(manuscript: Manuscript, venue: Venue) -> Manuscript:
    """The manuscript with a front matter that every page has, whatever the venue's."""
    own = {f"venues/{venue.key}/frontmatter.tex": FRONT}
    return replace(manuscript, templates={**manuscript.templates, **own})


def written(made: Typeset, manuscript: Manuscript, venue: Venue, numbers: Numbers, kind: Kind) -> bytes:
    """The file of a paper that was set with `with_front`, with the numbers of its PDF."""
    from paper_kit.render.exports.web_docx import docx_file
    from paper_kit.render.exports.web_html import HtmlShape, html_page
    from paper_kit.render.exports.web_page import page

    found = source(made, numbers, venue.line)
    files = page_files(made, manuscript, venue)
    shown = pictures(pictured(found.tex), files, "svg" if kind == "html" else "png")
    if kind == "docx":
        return docx_file(found, shown)
    known = found.origins if made.edition == "linked" else frozenset()
    told = {number: words for number, words in origins(made).items() if number in known}
    keys = {fact.number: fact.name for fact in made.facts}
    return html_page(page(found, HtmlShape(shown, keys, told))).encode()


def origins(made: Typeset) -> dict[int, str]:
    """Number of a printed fact -> where it is from, in a line."""
    lines = made.provenance.line_of
    told = {}
    for fact in made.facts:
        line = lines.get(fact.number)
        words = made.provenance.words(line) if line else fact.name
        told[fact.number] = shorten(words, LONGEST, placeholder=" \N{HORIZONTAL ELLIPSIS}")
    return told
