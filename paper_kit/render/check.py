"""What a reader or an editor would reject, found in the PDF and in TeX's log."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from paper_kit.render.compile import Compiled
from paper_kit.render.layout import body_pages
from paper_kit.render.source_map import SourceMap
from paper_kit.render.venue import Venue

OVERFULL_PT = 5.0  # what sticks out further is seen
POPPLER = "Install poppler: sudo apt-get install poppler-utils, or brew install poppler."


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
    found += _groups(compiled.log, lines)
    absent = [tool for tool in ("pdfinfo", "pdffonts", "pdftotext") if shutil.which(tool) is None]
    if absent:
        return [
            *found,
            Finding("tool", str(compiled.pdf), f"not checked, {', '.join(absent)} is missing. {POPPLER}"),
        ]
    return [*found, *_pages(compiled.pdf, venue), *_fonts(compiled.pdf), *_marks(compiled.pdf)]


def pages(pdf: Path) -> int:
    """How many pages a PDF has; 0 where pdfinfo is missing."""
    if shutil.which("pdfinfo") is None:
        return 0
    found = re.search(r"^Pages:\s+(\d+)", _run("pdfinfo", pdf), re.MULTILINE)
    return int(found[1]) if found else 0


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


def _pages(pdf: Path, venue: Venue) -> Iterator[Finding]:
    whole = pages(pdf)
    if not venue.page_limit or whole <= venue.page_limit:
        return
    count = body_pages(pdf)
    if count > venue.page_limit:
        beside = " before the provenance appendix" if count < whole else ""
        told = f"{count} pages{beside}, but {venue.name} allows {venue.page_limit}"
        yield Finding("pages", str(pdf), f"{told}; shorten a section or drop an appendix.")


def _fonts(pdf: Path) -> Iterator[Finding]:
    for row in _run("pdffonts", pdf).splitlines()[2:]:
        columns = row.split()
        if len(columns) > 6 and columns[-5] == "no":
            yield Finding(
                "font", str(pdf), f"the font {columns[0]} is not embedded; install texlive-fonts-recommended."
            )
        if "Type 3" in row:
            yield Finding("font", str(pdf), f"the font {columns[0]} is a bitmap (Type 3); install cm-super.")


def _marks(pdf: Path) -> Iterator[Finding]:
    for number, page in enumerate(_run("pdftotext", pdf, "-").split("\f"), start=1):
        if "??" in page:
            yield Finding("reference", f"page {number}", "shows ??: a reference is unresolved.")


def _run(tool: str, *arguments: Path | str) -> str:
    done = subprocess.run([tool, *map(str, arguments)], capture_output=True, check=False)
    return done.stdout.decode(errors="replace")
