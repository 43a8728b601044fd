"""What stands where in a PDF: its words, its links, its named targets, each with page and position."""

from __future__ import annotations

import html
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paper_kit.render.typed import NUMBER

if TYPE_CHECKING:
    from pypdf import PdfReader

SUPPLEMENT = "pk.supplement"  # the target on the first page of the supplement
PROVENANCE = "pk.provenance"  # the target above the provenance appendix
MARGIN_PT = 1.0  # pdfTeX's \pdflinkmargin: a link's rectangle is so much wider than its text
_PAGE = re.compile(r'<page width="([\d.]+)" height="([\d.]+)">')
_WORD = re.compile(r'<word xMin="(\S+)" yMin="(\S+)" xMax="(\S+)" yMax="(\S+)">(.*?)</word>')


@dataclass(frozen=True)
class Box:
    """A rectangle on a page, in points from its upper left corner."""

    page: int  # from 1
    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> float:
        """The height of its middle."""
        return (self.top + self.bottom) / 2

    def covers(self, other: Box) -> float:
        """The part of the other's width that lies inside, 0 to 1; 0 for one above or below."""
        if self.page != other.page or not self.top <= other.middle <= self.bottom:
            return 0.0
        shared = min(self.right, other.right) - max(self.left, other.left)
        return max(0.0, shared) / max(other.right - other.left, 0.1)


@dataclass(frozen=True)
class Word:
    """A word as pdftotext tells it."""

    text: str
    box: Box


@dataclass(frozen=True)
class Link:
    """A link inside of the document ("" for one to an address) and the place of its text."""

    target: str
    box: Box
    address: str = ""


@dataclass(frozen=True)
class Layout:
    """Words in reading order, links in the order of the text, targets by name, and the pages' sizes."""

    words: tuple[Word, ...]
    links: tuple[Link, ...]
    targets: Mapping[str, Box]
    sizes: tuple[tuple[float, float], ...]  # width and height of each page, in points

    @cached_property
    def body_pages(self) -> int:
        """The number of pages before the provenance appendix; of all where there is none."""
        found = self.targets.get(PROVENANCE)
        return found.page - 1 if found else len(self.sizes)

    @property
    def paper_pages(self) -> int:
        """The number of pages before the supplement; of all where there is none."""
        found = self.targets.get(SUPPLEMENT)
        return found.page - 1 if found else len(self.sizes)

    @cached_property
    def regions(self) -> dict[str, tuple[Box, ...]]:
        """Kind ("figure", "table") -> where such things stand, as macros.tex marked them."""
        found: dict[str, list[Box]] = {"figure": [], "table": []}
        for name, start in self.targets.items():
            matched = re.fullmatch(r"pk\.(figure|table)\.(\d+)\.a", name)
            end = self.targets.get(f"{name[:-1]}b")
            if matched and end is not None:
                found[matched[1]].append(Box(start.page, start.left, start.top, end.left, end.top))
        return {kind: tuple(boxes) for kind, boxes in found.items()}

    def on(self, page: int) -> dict[str, Box]:
        """The targets on a page."""
        return self.by_page.get(page, {})

    @cached_property
    def by_page(self) -> dict[int, dict[str, Box]]:
        """Page -> its targets by name."""
        pages: dict[int, dict[str, Box]] = {}
        for name, box in self.targets.items():
            pages.setdefault(box.page, {})[name] = box
        return pages


def body_pages(pdf: Path) -> int:
    """How many pages a PDF has before its supplement or provenance appendix; all where it has neither."""
    from pypdf import PdfReader

    with pdf.open("rb") as stream:
        reader = PdfReader(stream)
        targets = [reader.named_destinations.get(name) for name in (SUPPLEMENT, PROVENANCE)]
        numbers = [reader.get_destination_page_number(found) for found in targets if found is not None]
        starts = [number for number in numbers if number is not None and number >= 0]
        return min([len(reader.pages), *starts])


def read_layout(pdf: Path) -> Layout:
    """The layout of a PDF; needs poppler's pdftotext."""
    from pypdf import PdfReader

    told = subprocess.run(["pdftotext", "-bbox", str(pdf), "-"], capture_output=True, check=True)
    sizes: list[tuple[float, float]] = []
    words: list[Word] = []
    for line in told.stdout.decode(errors="replace").splitlines():
        if page := _PAGE.search(line):
            sizes.append((float(page[1]), float(page[2])))
        elif found := _WORD.search(line):
            left, top, right, bottom = (float(found[number]) for number in range(1, 5))
            words.append(Word(html.unescape(found[5]), Box(len(sizes), left, top, right, bottom)))
    with pdf.open("rb") as stream:
        reader = PdfReader(stream)
        links = tuple(_links(reader, sizes))
        targets = dict(_targets(reader, sizes))
    return Layout(tuple(words), links, targets, tuple(sizes))


def numbers_drawn(pdf: bytes) -> frozenset[str]:
    """The numbers among the words of a drawing; needs poppler's pdftotext."""
    told = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True)
    return frozenset(NUMBER.findall(told.stdout.decode(errors="replace")))


def _links(reader: PdfReader, sizes: list[tuple[float, float]]) -> Iterator[Link]:
    for number, page in enumerate(reader.pages, start=1):
        height = sizes[number - 1][1]
        for entry in page.get("/Annots") or ():
            link = entry.get_object()
            if link.get("/Subtype") == "/Link":
                x0, y0, x1, y1 = (float(value) for value in link["/Rect"])
                box = Box(number, x0 + MARGIN_PT, height - y1, x1 - MARGIN_PT, height - y0)
                yield Link(_target(link), box, _address(link))


def _target(link: Any) -> str:
    from pypdf.generic import ArrayObject

    action = link.get("/A")
    target = action.get_object().get("/D") if action is not None else link.get("/Dest")
    return "" if target is None or isinstance(target, ArrayObject) else str(target)


def _address(link: Any) -> str:
    action = link.get("/A")
    return str(action.get_object().get("/URI", "")) if action is not None else ""


def _targets(reader: PdfReader, sizes: list[tuple[float, float]]) -> Iterator[tuple[str, Box]]:
    for name, target in reader.named_destinations.items():
        number = reader.get_destination_page_number(target)
        if number is None or number < 0:
            continue
        left, top = float(target.left or 0), sizes[number][1] - float(target.top or 0)
        yield name, Box(number + 1, left, top, left, top)
