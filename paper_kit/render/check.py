"""What a reader or an editor would reject, found in the PDF and in TeX's log."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from paper_kit.render.compile import Compiled
from paper_kit.render.poppler import FONTS, INSTALL, TEXT, said
from paper_kit.render.source_map import SourceMap
from paper_kit.render.venue import Counts, Venue

POINTS_PER_INCH = 72.27  # TeX's
WIDTH_IN = 0.02  # between a width of venue.toml and the page's
OVERFULL_PT = 5.0  # what sticks out further is seen


@dataclass(frozen=True)
class Finding:
    """One thing to put right: its kind, where it is, and what to do."""

    kind: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


def check(compiled: Compiled, lines: SourceMap, venue: Venue) -> list[Finding]:
    """The findings in a PDF and its log: references, overfull boxes, fonts, pages, question marks."""
    found = [*_references(compiled.log, lines), *_overfull(compiled.log, lines), *_labels(compiled.log)]
    found += [*_groups(compiled.log, lines), *_widths(compiled.log, venue)]
    absent = [tool for tool in ("pdffonts", "pdftotext") if shutil.which(tool) is None]
    if absent:
        return [
            *found,
            Finding("tool", str(compiled.pdf), f"not checked, {', '.join(absent)} is missing. {INSTALL}"),
        ]
    return [*found, *_pages(compiled.pdf, compiled.log, venue), *_fonts(compiled.pdf), *_marks(compiled.pdf)]


def pages(pdf: Path) -> int:
    """How many pages a PDF has."""
    from pikepdf import Pdf

    with Pdf.open(pdf) as document:
        return len(document.pages)


def _references(log: str, lines: SourceMap) -> Iterator[Finding]:
    pattern = r"(Reference|Citation) `([^']*)'.*? undefined on input line (\d+)"
    for what, name, line in dict.fromkeys(re.findall(pattern, log)):
        place = str(lines.place(int(line)))
        if what == "Reference":
            yield Finding(
                "reference", place, rf"\ref{{{name}}} has no \label{{{name}}}; correct one of the two."
            )
        else:
            yield Finding(
                "citation", place, rf"\cite{{{name}}}: there is no entry {name} in references.bib; add it."
            )


def _labels(log: str) -> Iterator[Finding]:
    for name in dict.fromkeys(re.findall(r"Label `([^']*)' multiply defined", log)):
        yield Finding("label", "templates", rf"\label{{{name}}} stands twice; rename one.")


def _groups(log: str, lines: SourceMap) -> Iterator[Finding]:
    if "\\end occurred inside a group" not in log:
        return
    for line in re.findall(r"^### .* entered at line (\d+) \(\{\)", log, re.MULTILINE):
        yield Finding("brace", str(lines.place(int(line))), "an opening brace { is never closed; add the }.")


def _overfull(log: str, lines: SourceMap) -> Iterator[Finding]:
    pattern = (
        r"Overfull \\hbox \(([\d.]+)pt too wide\) (?:in paragraph|in alignment|detected) at lines? (\d+)"
    )
    for width, line in dict.fromkeys(re.findall(pattern, log)):
        if float(width) > OVERFULL_PT:
            cure = (
                "let the words break, shorten a table's headers, or place it in a table* across both columns."
            )
            yield Finding(
                "overfull", str(lines.place(int(line))), f"sticks out by {float(width):.1f} pt; {cure}"
            )
    for height in re.findall(r"Overfull \\vbox \(([\d.]+)pt too high\) has occurred while \\output", log):
        if float(height) > OVERFULL_PT:
            yield Finding(
                "overfull", "a page", f"is overfull by {float(height):.1f} pt; a float is too high."
            )


def _pages(pdf: Path, log: str, venue: Venue) -> Iterator[Finding]:
    whole = pages(pdf)
    if not venue.page_limit or whole <= venue.page_limit:
        return
    count, end = counted_pages(pdf, log, venue.limit_counts)
    if count > venue.page_limit:
        told = f"{count} pages{f' before {end}' if end else ''}, but {venue.name} allows {venue.page_limit}"
        cure = "" if venue.limit_counts != "all" else ", drop an appendix, or build with --supplement"
        yield Finding("pages", str(pdf), f"{told}; shorten a section{cure}.")


def counted_pages(pdf: Path, log: str, counts: Counts) -> tuple[int, str]:
    """How many pages a limit counts, and what comes after them ("" for nothing)."""
    from paper_kit.render.layout import body_pages
    from paper_kit.render.supplement import pages_before

    ends = {"the provenance appendix": body_pages(pdf), "the supplement": pages_before(log) or pages(pdf)}
    marks = dict(re.findall(r"^pkmark (\w+) (\d+)", log, re.MULTILINE))
    for name, told in (("references", "the references"), ("appendix", "the appendices")):
        if name in marks and counts in (f"before_{name}", "before_references"):
            ends[told] = int(marks[name])
    after = min(ends, key=lambda name: ends[name])
    return ends[after], after if ends[after] < pages(pdf) else ""


def _widths(log: str, venue: Venue) -> Iterator[Finding]:
    """Columns of another width than venue.toml says, for which the figures were drawn."""
    for told in re.findall(r"^pkwidths ([\d.]+)pt ([\d.]+)pt", log, re.MULTILINE)[-1:]:
        found = [float(width) / POINTS_PER_INCH for width in told]
        for key, meant, true in (
            ("column_in", venue.column_in, found[0]),
            ("text_in", venue.text_in, found[1]),
        ):
            if abs(meant - true) > WIDTH_IN:
                said = f"{key} is {meant}, but the page has {true:.3f}; write {key} = {true:.3f}"
                yield Finding("width", f"templates/venues/{venue.key}/venue.toml", f"{said}.")


def _fonts(pdf: Path) -> Iterator[Finding]:
    for row in said(FONTS, pdf).splitlines()[2:]:
        columns = row.split()
        if len(columns) > 6 and columns[-5] == "no":
            yield Finding(
                "font", str(pdf), f"the font {columns[0]} is not embedded; install texlive-fonts-recommended."
            )
        if "Type 3" in row:
            yield Finding("font", str(pdf), f"the font {columns[0]} is a bitmap (Type 3); install cm-super.")


def _marks(pdf: Path) -> Iterator[Finding]:
    for number, page in enumerate(said(TEXT, pdf).split("\f"), start=1):
        if re.search(r"\?\?|\[\?(?:, \?)*\]|\(\?\)", page):
            yield Finding(
                "reference",
                f"page {number}",
                "shows ? for a number: a reference or a citation is unresolved.",
            )
